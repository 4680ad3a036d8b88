"""Runs of the reference network in a process of its own, kept for the next chunk.

Brian2's preferences and clock are global; here they belong to nobody else.
The protocol is that of a compiled program: a folder with raw arrays in and out.
"""

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.engine import interpreter
from stdpnet.engine.checks import stimulus_shape
from stdpnet.engine.processes import Job
from stdpnet.engine.program import Program, ProgramError, _last_error
from stdpnet.engine.run import MAX_COUNT, STIMULUS_DTYPES, brian2_name
from stdpnet.models.parts import Again

_lock = threading.Lock()
_worker: subprocess.Popen | None = None


def run_reference(
    program: Program,
    job: Job,
    settings: dict[str, str],
    parameters: Mapping[str, float],
) -> None:
    """Run one chunk in the worker process and leave its results in the job's folder."""
    request = {
        "description": program.description,
        "backend": program.backend,
        "folder": str(job.folder),
        "environment": settings,
        "parameters": dict(parameters),
    }
    with _lock:
        worker = _worker_of(job)
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


def _worker_of(job: Job) -> subprocess.Popen:
    """Give a job to the worker that is there, or to a new one."""
    global _worker
    if _worker is not None and _worker.poll() is not None:
        stop_worker()
    if _worker is not None:
        job.give_to(_worker)
        return _worker
    _worker = job.start(
        interpreter.command("stdpnet.engine.worker"),
        # Brian2 reads preferences from the current folder.
        cwd=Path(__file__).parent,
        env=interpreter.environment(),
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


def _forget() -> None:
    """Leave the worker to the parent, after a fork."""
    global _lock, _worker
    _lock = threading.Lock()
    if _worker is not None:
        _worker.returncode = 0  # so that Python does not wait for what is not ours
        # The worker ends when nobody holds the other end of its pipe any more.
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (_worker.stdin, _worker.stdout):
            with contextlib.suppress(ValueError):
                os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)
        _worker = None


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget)


def serve() -> None:
    """Carry out requests from standard input until it closes."""
    answers, sys.stdout = sys.stdout, sys.stderr
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_into, args=(lines,), daemon=True).start()
    while True:
        try:
            carry_out(json.loads(lines.get()))
            answers.write("done\n")
        except Exception:
            import traceback

            answers.write(
                json.dumps({"error": _last_error(traceback.format_exc())}) + "\n"
            )
        answers.flush()


def _read_into(lines: queue.SimpleQueue[str]) -> None:
    """Read standard input; its end is the end of our parent, and ours amid a request."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def carry_out(request: dict[str, Any]) -> None:
    """Build the reference network of a request, run it, write its results."""
    from stdpnet.engine.brian2_api import FLOATS, brian2
    from stdpnet.engine.monitors import Monitors
    from stdpnet.engine.presenting import run_presentations
    from stdpnet.engine.reference import ReferenceAssembly

    program = Program(request["description"], request["backend"])
    folder, settings = Path(request["folder"]), request["environment"]
    n_steps = int(settings["STDPNET_STEPS"])
    n_examples = int(settings["STDPNET_EXAMPLES"])
    again = settings["STDPNET_AGAIN"].split()
    wanted = [name.split(":") for name in settings["STDPNET_RECORD"].split(",") if name]
    brian2.start_scope()
    brian2.prefs.codegen.target = program.backend
    brian2.prefs.core.default_float_dtype = FLOATS[program.description["dtype"]]
    if flags := os.environ.get("STDPNET_CYTHON_FLAGS"):
        brian2.prefs.codegen.cpp.extra_compile_args_gcc = flags.split()
    brian2.defaultclock.dt = program.description["dt"] * brian2.second
    brian2.seed(int(settings["STDPNET_SEED"]))
    assembly = ReferenceAssembly(
        program.description,
        _read_stimuli(program, folder, n_examples),
        request["parameters"],
        n_steps,
        int(settings["STDPNET_INPUT_STEPS"]),
        fixed=not again,
        state=_read_structures(program, folder),
    )
    network = assembly.assemble()
    _set_state(program, assembly, folder)
    every = {name: int(n) for name, n in wanted}
    monitors = Monitors(assembly, folder, every, program.dtype)
    network.add(*monitors.objects)
    shown = run_presentations(
        network, assembly, n_examples, _when(again, monitors) if again else None
    )
    _write_results(program, assembly, folder, shown)
    monitors.write(folder)


def _read_structures(program: Program, folder: Path) -> dict[str, np.ndarray]:
    return {
        f"{name}.{part}": np.fromfile(folder / f"state_{name}.{part}", np.int32)
        for name, projection in program.description["projections"].items()
        for part in projection["structure"]
    }


def _when(again: list[str], monitors: Any) -> tuple[Again, Callable[[], np.ndarray]]:
    """Return when examples are shown again, and what counts the spikes for that."""
    names, spikes, brighter, limit = again
    when = Again(spikes=int(spikes), brighter=float(brighter), limit=int(limit))
    counted = [monitors.spikes[name] for name in names.split(",")]
    return when, lambda: np.array([int(monitor.num_spikes) for monitor in counted])


def _read_stimuli(
    program: Program, folder: Path, n_examples: int
) -> dict[str, np.ndarray]:
    return {
        name: np.fromfile(
            folder / f"stimulus_{name}", STIMULUS_DTYPES[group["stimulus"]]
        ).reshape(n_examples, *stimulus_shape(group))
        for name, group in program.description["groups"].items()
        if group["stimulus"]
    }


def _where(program: Program, assembly: Any, name: str) -> tuple[Any, str]:
    group, variable = brian2_name(program, name).split(".")
    return assembly.groups[group], variable


def _set_state(program: Program, assembly: Any, folder: Path) -> None:
    from stdpnet.engine import brian2_api as api

    for name in program.state_shapes():
        values = np.fromfile(folder / f"state_{name}", program.dtype(name))
        api.set_values(*_where(program, assembly, name), values)


def _write_results(
    program: Program, assembly: Any, folder: Path, shown: np.ndarray
) -> None:
    from stdpnet.engine import brian2_api as api

    for name in program.state_shapes():
        values = api.get_values(*_where(program, assembly, name))
        values.astype(program.dtype(name)).tofile(folder / f"result_{name}")
    shown.tofile(folder / "presentations")
    for name, monitor in assembly.counts.items():
        # The first row is from before the first presentation.
        counts = np.asarray(monitor.count).T[np.cumsum(shown)]
        counts = np.minimum(counts, MAX_COUNT)
        counts.astype(np.uint16).tofile(folder / f"counts_{name}")


if __name__ == "__main__":
    serve()
