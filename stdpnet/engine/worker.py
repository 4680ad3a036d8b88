"""Runs of the reference network in a process of its own, kept for the next chunk.

Brian2's preferences and clock are global; here they belong to nobody else.
The protocol is that of a compiled program: a folder with raw arrays in and out.
"""

import atexit
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.engine.program import Program, ProgramError, _last_error
from stdpnet.engine.run import STIMULUS_DTYPES, brian2_name

_lock = threading.Lock()
_worker: subprocess.Popen | None = None


def run_reference(
    program: Program,
    folder: Path,
    environment: dict[str, str],
    parameters: Mapping[str, float],
) -> None:
    """Run one chunk in the worker process and leave its results in `folder`."""
    request = {
        "description": program.description,
        "backend": program.backend,
        "folder": str(folder),
        "environment": environment,
        "parameters": dict(parameters),
    }
    with _lock:
        worker = _running_worker()
        try:
            worker.stdin.write(json.dumps(request) + "\n")  # type: ignore[union-attr]
            worker.stdin.flush()  # type: ignore[union-attr]
            answer = worker.stdout.readline()  # type: ignore[union-attr]
        except BaseException:
            stop_worker()
            raise
        if not answer:
            stop_worker()
            answer = json.dumps({"error": "its process ended; this chunk is discarded"})
    if answer.strip() != "done":
        error = json.loads(answer)["error"]
        raise ProgramError(f"Brian2's {program.backend} target failed: {error}")


def _running_worker() -> subprocess.Popen:
    global _worker
    if _worker is not None and _worker.poll() is not None:
        stop_worker()
    if _worker is None:
        _worker = subprocess.Popen(
            [sys.executable, "-m", "stdpnet.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
    return _worker


@atexit.register
def stop_worker() -> None:
    """End the worker process, if there is one."""
    global _worker
    if _worker is not None:
        _worker.kill()
        _worker.communicate()
        _worker = None


def serve() -> None:
    """Carry out requests from standard input until it closes."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            carry_out(json.loads(line))
            answers.write("done\n")
        except Exception:
            import traceback

            answers.write(
                json.dumps({"error": _last_error(traceback.format_exc())}) + "\n"
            )
        answers.flush()


def carry_out(request: dict[str, Any]) -> None:
    """Build the reference network of a request, run it, write its results."""
    from stdpnet.engine.brian2_api import FLOATS, brian2
    from stdpnet.engine.reference import ReferenceAssembly

    program = Program(request["description"], request["backend"])
    folder, settings = Path(request["folder"]), request["environment"]
    n_steps = int(settings["STDPNET_STEPS"])
    n_examples = int(settings["STDPNET_EXAMPLES"])
    record = [name for name in settings["STDPNET_RECORD"].split(",") if name]
    brian2.start_scope()
    brian2.prefs.codegen.target = program.backend
    brian2.prefs.core.default_float_dtype = FLOATS[program.description["dtype"]]
    brian2.defaultclock.dt = program.description["dt"] * brian2.second
    brian2.seed(int(settings["STDPNET_SEED"]))
    assembly = ReferenceAssembly(
        program.description,
        _read_stimuli(program, folder, n_examples),
        request["parameters"],
        n_steps,
    )
    network = assembly.assemble()
    _set_state(program, assembly, folder)
    monitors = {name: brian2.SpikeMonitor(assembly.groups[name]) for name in record}
    network.add(*monitors.values())
    network.run(n_examples * assembly.clock.dt + brian2.defaultclock.dt, namespace={})
    _write_results(program, assembly, folder)
    for name, monitor in monitors.items():
        steps = np.round(monitor.t / brian2.defaultclock.dt).astype(np.int32)
        rows = np.stack([steps // n_steps, steps % n_steps, monitor.i[:]], axis=1)
        rows.astype(np.int32).tofile(folder / f"spikes_{name}")


def _read_stimuli(
    program: Program, folder: Path, n_examples: int
) -> dict[str, np.ndarray]:
    return {
        name: np.fromfile(
            folder / f"stimulus_{name}", STIMULUS_DTYPES[group["stimulus"]]
        ).reshape(n_examples, *group["shape"])
        for name, group in program.description["groups"].items()
        if group["stimulus"]
    }


def _variable(program: Program, assembly: Any, name: str) -> Any:
    group, variable = brian2_name(program, name).split(".")
    return assembly.groups[group].variables[variable]


def _set_state(program: Program, assembly: Any, folder: Path) -> None:
    for name in program.state_shapes():
        values = np.fromfile(folder / f"state_{name}", program.description["dtype"])
        _variable(program, assembly, name).set_value(values)


def _write_results(program: Program, assembly: Any, folder: Path) -> None:
    for name in program.state_shapes():
        values = np.asarray(_variable(program, assembly, name).get_value())
        values.astype(program.description["dtype"]).tofile(folder / f"result_{name}")
    for name, monitor in assembly.counts.items():
        # The first row is from before the first presentation.
        counts = np.asarray(monitor.count).T[1:]
        counts.astype(np.uint16).tofile(folder / f"counts_{name}")


if __name__ == "__main__":
    serve()
