"""Runs of a program, a chunk of examples at a time: stimuli and state in, counts and state out."""

import errno
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.config import unknown_name
from stdpnet.engine.program import Program, ProgramError

#: How the stimulus of an input is stored.
STIMULUS_DTYPES = {"steps": np.uint16, "rates": np.float32}
#: Longest presentation; as the step of a spike it means never.
MAX_STEPS = 65535


@dataclass(frozen=True)
class ChunkResult:
    """What a chunk of examples left behind.

    Attributes
    ----------
    state : dict
        Weights and per-map variables after the chunk.
    counts : dict
        For each counter, pooled spike counts, uint16, (n_examples, height, width, n_maps).
    spikes : dict
        For each recorded group, int32 (n_spikes, 3): example, step, neuron.
    """

    state: dict[str, np.ndarray]
    counts: dict[str, np.ndarray]
    spikes: dict[str, np.ndarray] = field(default_factory=dict)


def run_chunk(
    program: Program,
    stimuli: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray],
    parameters: Mapping[str, float],
    *,
    n_steps: int,
    seed: int,
    record: Iterable[str] = (),
) -> ChunkResult:
    """Present some examples to a network.

    Parameters
    ----------
    program : Program
        From `stdpnet.engine.program.build`.
    stimuli : dict of ndarray, shape (n_examples, height, width, channels)
        For each input: the step of each neuron's spike (uint16), or rates in Hz
        (float32).
    state : dict of ndarray
        Arrays of the shapes that `Program.state_shapes` names.
    parameters : dict of float
        Values from `Network.parameter_values`, in SI units.
    n_steps : int
        Length of a presentation in time steps.
    seed : int
        Seed of the random numbers drawn in this chunk.
    record : iterable of str
        Groups whose spikes to return.

    Raises
    ------
    ValueError
        If a stimulus or a state array has the wrong shape or is not finite, or
        a parameter is missing or not known.
    ProgramError
        If the program crashed, was interrupted or did not finish. Nothing of
        such a chunk is returned.
    """
    record = tuple(record)
    n_examples = _check(program, stimuli, state, n_steps)
    names = program.parameter_names()
    _check_names("parameter", parameters, names)
    if missing := sorted(names - set(parameters)):
        raise ValueError(f"no value for the parameter {missing[0]!r}")
    _check_names("group to record", record, program.description["groups"])
    folder = Path(tempfile.mkdtemp(prefix="stdpnet-"))
    try:
        _write_inputs(folder, program, stimuli, state)
        environment = {
            "STDPNET_RUN": str(folder),
            "STDPNET_EXAMPLES": str(n_examples),
            "STDPNET_STEPS": str(n_steps),
            "STDPNET_SEED": str(seed % 2**32),
            "STDPNET_RECORD": ",".join(record),
        }
        if program.backend == "cpp":
            _run_binary(program, folder, environment, parameters)
        else:
            from stdpnet.engine.worker import run_reference

            run_reference(program, folder, environment, parameters)
        return _read_results(folder, program, n_examples, record)
    except ProgramError:
        raise
    except OSError as error:
        raise ProgramError(
            f"cannot exchange data with the program in {folder}: {error.strerror or error}; "
            "free some space or set TMPDIR"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check(
    program: Program,
    stimuli: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray],
    n_steps: int,
) -> int:
    if not 1 <= n_steps <= MAX_STEPS:
        raise ValueError(f"n_steps must be from 1 to {MAX_STEPS}, got {n_steps}")
    inputs = {n: g for n, g in program.description["groups"].items() if g["stimulus"]}
    for name, group in inputs.items():
        if name not in stimuli:
            raise ValueError(f"no stimulus for the input {name!r}")
        _check_stimulus(name, stimuli[name], group)
    counts = {len(stimuli[name]) for name in inputs}
    if len(counts) != 1:
        raise ValueError(
            f"inputs must have equally many examples, got {sorted(counts)}"
        )
    for name, shape in program.state_shapes().items():
        _check_state(name, state.get(name), shape)
    return counts.pop()


def _check_stimulus(name: str, stimulus: np.ndarray, group: dict[str, Any]) -> None:
    if list(stimulus.shape[1:]) != group["shape"]:
        raise ValueError(
            f"the stimulus of {name!r} must have shape (n_examples, "
            f"{', '.join(map(str, group['shape']))}), got {stimulus.shape}"
        )
    if stimulus.size == 0 or stimulus.dtype == STIMULUS_DTYPES["steps"]:
        return
    low, high = stimulus.min(), stimulus.max()
    if group["stimulus"] == "steps":
        if stimulus.dtype.kind not in "iu" or low < 0 or high > MAX_STEPS:
            raise ValueError(
                f"the stimulus of {name!r} must hold steps, integers from 0 to "
                f"{MAX_STEPS} (never), got {stimulus.dtype} from {low} to {high}"
            )
    elif not (low >= 0 and np.isfinite(high)):
        raise ValueError(
            f"the stimulus of {name!r} must hold rates in Hz, finite and >= 0, "
            f"got values from {low} to {high}"
        )


def _check_names(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = set(known)
    for name in given:
        if name not in known:
            raise ValueError(unknown_name(kind, name, known))


def _check_state(name: str, array: np.ndarray | None, shape: tuple[int, ...]) -> None:
    if array is None:
        raise ValueError(f"no state array {name!r}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} has {np.sum(~np.isfinite(array))} values that are not finite"
        )


def _write_inputs(
    folder: Path,
    program: Program,
    stimuli: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray],
) -> None:
    for name, group in program.description["groups"].items():
        if group["stimulus"]:
            dtype = STIMULUS_DTYPES[group["stimulus"]]
            _write_array(folder / f"stimulus_{name}", stimuli[name], dtype)
    for name in program.state_shapes():
        dtype = program.description["dtype"]
        _write_array(folder / f"state_{name}", state[name], dtype)


def _write_array(file: Path, array: np.ndarray, dtype: Any) -> None:
    values = np.ascontiguousarray(array, dtype)
    values.tofile(file)
    # NumPy does not notice when the last of it does not fit on the disk.
    if file.stat().st_size != values.nbytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def brian2_name(program: Program, name: str) -> str:
    """Return the name of a state variable inside the program."""
    group, variable = name.split(".")
    level = "_map" if group in program.description["groups"] else ""
    return f"{group}{level}.{variable}"


def _run_binary(
    program: Program,
    folder: Path,
    environment: dict[str, str],
    parameters: Mapping[str, float],
) -> None:
    assert program.folder is not None
    (folder / "results").mkdir()
    settings = [f"{name}={value!r}" for name, value in parameters.items()]
    settings += [
        f"{brian2_name(program, name)}={folder / f'state_{name}'}"
        for name in program.state_shapes()
    ]
    command = [
        str(program.folder / "main"),
        "--results_dir",
        f"{folder}/results/",
        *settings,
    ]
    # A session of its own: Ctrl-C reaches us, and we end the program.
    process = subprocess.Popen(
        command,
        cwd=program.folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    _check_ending(process.returncode, output, errors, folder / "results")


def _check_ending(status: int, output: str, errors: str, results: Path) -> None:
    if status < 0:
        raise ProgramError(
            f"the program was ended by {signal.Signals(-status).name}; this chunk is "
            "discarded, what was finished before is kept"
        )
    problem = "; ".join((errors or output).strip().splitlines())
    if status != 0 or problem:
        raise ProgramError(
            f"the program failed with status {status}: {problem or 'no message'}; this chunk "
            "is discarded, what was finished before is kept"
        )
    info = results / "last_run_info.txt"
    completed = info.read_text().split()[1:2] if info.exists() else []
    if not completed or float(completed[0]) != 1.0:
        raise ProgramError(
            f"the program did not finish, or could not write to {results}; this chunk "
            "is discarded, free some space or set TMPDIR"
        )


def _read_results(
    folder: Path, program: Program, n_examples: int, record: Iterable[str]
) -> ChunkResult:
    state = {}
    for name, shape in program.state_shapes().items():
        file = _state_file(folder, program, name)
        state[name] = _read_array(file, program.description["dtype"], shape)
        if not np.isfinite(state[name]).all():
            raise ProgramError(
                f"{name} is no longer finite after this chunk, which is discarded; "
                "lower the learning rate"
            )
    counts = {
        name: _read_array(
            folder / f"counts_{name}", np.uint16, (n_examples, *counter["shape"])
        )
        for name, counter in program.description["counters"].items()
    }
    spikes = {
        name: np.fromfile(folder / f"spikes_{name}", np.int32).reshape(-1, 3)
        for name in record
    }
    return ChunkResult(state, counts, spikes)


def _state_file(folder: Path, program: Program, name: str) -> Path:
    if program.backend != "cpp":
        return folder / f"result_{name}"
    return folder / "results" / program.arrays[brian2_name(program, name)]["file"]


def _read_array(file: Path, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Read a raw array; Brian2 does not notice a disk that is full."""
    values = np.fromfile(file, dtype)
    if values.size != prod(shape):
        raise ProgramError(
            f"{file} has {values.size} values, not {prod(shape)}; this chunk is "
            "discarded, free some space or set TMPDIR"
        )
    return values.reshape(shape)
