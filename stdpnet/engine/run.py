"""Runs of a program, a chunk of examples at a time: stimuli and state in, counts and state out."""

import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.engine import cache
from stdpnet.engine.checks import (
    AgainWhere,
    again_names,
    check_again,
    check_arrays,
    check_input_steps,
    plain_values,
)
from stdpnet.engine.processes import Job, new_job
from stdpnet.engine.program import Program, ProgramError
from stdpnet.engine.recording import requests

#: How the stimulus of an input is stored.
STIMULUS_DTYPES = {"steps": np.uint16, "rates": np.float32}
#: The most that a counter holds; what would be more is refused, not cut off.
MAX_COUNT = 65535


@dataclass(frozen=True)
class ChunkResult:
    """What a chunk of examples left behind.

    Attributes
    ----------
    state : dict
        Weights and per-map variables after the chunk.
    counts : dict
        For each counter, pooled spike counts, uint16, (n_examples, height, width,
        n_maps). A counter that is full ends the run.
    recordings : dict
        For "group.spikes", int32 (n_spikes, 3): presentation, step, neuron; for
        "group.variable", (n_presentations, n_steps, n_neurons), at the end of each
        step; for "projection.variable", (n_times, ...) of the shape of the weights.
    events : dict
        Number of "group.spikes", and of synaptic "projection.events" and
        "projection.updates" of weights. Where synapses are pruned, also of those that
        were passed over: "projection.events_passed_over" and "..updates_passed_over".
        Synapses with delays are never passed over.
    presentations : ndarray of uint32, shape (n_examples,)
        How often each example was shown: once, unless it was shown again.
    """

    state: dict[str, np.ndarray]
    counts: dict[str, np.ndarray]
    recordings: dict[str, np.ndarray] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    presentations: np.ndarray = field(default_factory=lambda: np.ones(0, np.uint32))

    @property
    def spikes(self) -> dict[str, np.ndarray]:
        """The recorded spikes, by group."""
        return {
            name.removesuffix(".spikes"): rows
            for name, rows in self.recordings.items()
            if name.endswith(".spikes")
        }


def run_chunk(
    program: Program,
    stimuli: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray],
    parameters: Mapping[str, float],
    *,
    n_steps: int,
    n_input_steps: int | None = None,
    again: AgainWhere | None = None,
    seed: int,
    record: Mapping[str, Any] | Iterable[str] = (),
) -> ChunkResult:
    """Present some examples to a network.

    Parameters
    ----------
    program : Program
        From `stdpnet.engine.program.build`.
    stimuli : dict of ndarray, shape (n_examples, height, width, channels)
        For each input: the step of each neuron's spike (uint16), or rates in Hz
        (float32); (n_examples, frames, height, width, channels) where it has frames.
    state : dict of ndarray
        Arrays of the shapes that `Program.state_shapes` names.
    parameters : dict of float
        Values from `Network.parameter_values`, in SI units.
    n_steps : int
        Length of a presentation in time steps.
    n_input_steps : int, optional
        Steps after which rates are zero until the next presentation; default: all.
    again : (str or sequence of str, Again), optional
        One population or several, and when an example is shown again because one of
        them spikes too little.
    seed : int
        Seed of the random numbers drawn in this chunk.
    record : dict, or iterable of str
        What to return besides (see `stdpnet.engine.recording`), or groups whose
        spikes to return.

    Raises
    ------
    ValueError
        If a stimulus or a state array has the wrong shape or is not finite, or
        a parameter is missing, not known, or not a finite number.
    ProgramError
        If the program crashed, was interrupted or did not finish, or a counter
        was full. Nothing of such a chunk is returned.
    """
    recorded = requests(program, record)
    n_examples = check_arrays(program, stimuli, state, n_steps)
    n_input_steps = check_input_steps(program, n_input_steps, n_steps)
    check_again(program, again)
    values = plain_values(program, parameters)
    settings = {
        "STDPNET_EXAMPLES": str(n_examples),
        "STDPNET_STEPS": str(n_steps),
        "STDPNET_INPUT_STEPS": str(n_input_steps),
        "STDPNET_AGAIN": _again_text(again),
        "STDPNET_SEED": str(seed % 2**32),
        "STDPNET_RECORD": ",".join(map(str, recorded)),
    }
    n_bytes = None if recorded else _bytes_exchanged(program, stimuli, n_examples)
    with new_job(n_bytes) as job, _readable_errors(job):
        _write_inputs(job.folder, program, stimuli, state)
        for request in recorded:
            request.write(job.folder)
        _run(program, job, settings, values)
        result = _read_results(job.folder, program, n_examples, n_steps)
        _count_delayed(program, result.events, values)
        for request in recorded:
            result.recordings[request.name] = request.read(job.folder, n_steps)
        return result


def _bytes_exchanged(
    program: Program, stimuli: Mapping[str, np.ndarray], n_examples: int
) -> int:
    """Return about how much a chunk writes: stimuli, state before and after, counts."""
    given = sum(4 * np.size(values) for values in stimuli.values())
    state = sum(8 * prod(shape) for shape in program.state_shapes().values())
    counters = program.description["counters"].values()
    counts = sum(2 * n_examples * prod(counter["shape"]) for counter in counters)
    return given + 2 * state + counts


def _again_text(again: AgainWhere | None) -> str:
    if again is None:
        return ""
    names, when = ",".join(again_names(again)), again[1]
    return f"{names} {when.spikes} {when.brighter!r} {when.limit}"


@contextlib.contextmanager
def _readable_errors(job: Job) -> Iterator[None]:
    try:
        yield
    except ProgramError:
        raise
    except OSError as error:
        raise ProgramError(
            f"cannot exchange data with the program in {job.folder}: "
            f"{error.strerror or error}; free some space or set TMPDIR"
        ) from error


def _run(
    program: Program, job: Job, settings: dict[str, str], values: dict[str, float]
) -> None:
    if program.backend == "cpp":
        _run_binary(program, job, settings, values)
        return
    from stdpnet.engine.worker import run_reference

    run_reference(program, job, settings, values)


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
        _write_array(folder / f"state_{name}", state[name], program.dtype(name))


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
    program: Program, job: Job, settings: dict[str, str], values: dict[str, float]
) -> None:
    results = job.folder / "results"
    results.mkdir()
    arguments = [f"{name}={value!r}" for name, value in values.items()]
    arguments += [
        f"{brian2_name(program, name)}={job.folder / f'state_{name}'}"
        for name in program.state_shapes()
    ]
    process = _start_binary(
        program,
        job,
        ["--results_dir", f"{results}/", *arguments],
        {**os.environ, **settings, "STDPNET_RUN": str(job.folder)},
    )
    try:
        output, errors = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    _check_ending(process.returncode, output, errors, results)


def _start_binary(
    program: Program, job: Job, arguments: list[str], environment: dict[str, str]
) -> subprocess.Popen:
    assert program.folder is not None
    cache.mark_used(program.folder)
    try:
        # A session of its own: Ctrl-C reaches us, and we end the program.
        return job.start(
            [str(program.folder / "main"), *arguments],
            cwd=program.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ProgramError(
            f"the program {program.folder} was removed from the cache while it was in "
            "use; run again"
        ) from error


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
    folder: Path, program: Program, n_examples: int, n_steps: int
) -> ChunkResult:
    state = {}
    for name, shape in program.state_shapes().items():
        file = _state_file(folder, program, name)
        state[name] = _read_array(file, program.dtype(name), shape)
        if not np.isfinite(state[name]).all():
            raise ProgramError(
                f"{name} is no longer finite after this chunk, which is discarded; "
                "lower the learning rate"
            )
    counts = {
        name: _read_counts(folder, name, counter, (n_examples, n_steps))
        for name, counter in program.description["counters"].items()
    }
    rows = (line.split() for line in (folder / "tally").read_text().splitlines())
    events = {name: int(n) for name, n in rows}
    return ChunkResult(
        state,
        counts,
        events=events,
        presentations=_read_array(folder / "presentations", np.uint32, (n_examples,)),
    )


def _count_delayed(
    program: Program, events: dict[str, int], values: Mapping[str, float]
) -> None:
    """Add the events at synapses with delays, each spike at all of its side's."""
    for name, projection in program.description["projections"].items():
        if projection["delay"]:
            *inputs, n_targets = projection["weights"]
            arrivals = events[f"{projection['source']}.spikes"] * n_targets
            returns = events[f"{projection['target']}.spikes"] * prod(inputs)
            events[f"{name}.events"] = arrivals
            updates = arrivals if projection["learn_pre"] else 0
            updates += returns if projection["learn_post"] else 0
            learning = values.get(f"{name}.learning", 0) > 0
            events[f"{name}.updates"] = updates * learning


def _read_counts(
    folder: Path, name: str, counter: dict[str, Any], size: tuple[int, int]
) -> np.ndarray:
    n_examples, n_steps = size
    shape = (n_examples, *counter["shape"])
    counts = _read_array(folder / f"counts_{name}", np.uint16, shape)
    most = n_steps * (n_steps + 1) // 2 if counter["by_latency"] else n_steps
    possible = most * counter["geometry"].get("size", 1) ** 2
    if possible > MAX_COUNT and (counts == MAX_COUNT).any():
        raise ProgramError(
            f"the counter {name!r} reached {MAX_COUNT}, the most it can hold; this chunk is "
            "discarded, shorten the presentation or make the pooling smaller"
        )
    return counts


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
