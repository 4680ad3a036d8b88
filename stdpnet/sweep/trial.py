"""One network of a sweep: trained where a worker is, whatever happens reported."""

import contextlib
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stdpnet.analysis import load_run
from stdpnet.datasets import Dataset
from stdpnet.engine.processes import stop_all
from stdpnet.runs import RunError, RunFolder, locked, write_atomically
from stdpnet.sweep.objectives import measured
from stdpnet.training import TrainOptions, train
from stdpnet.training.evaluation import accuracy_on_test
from stdpnet.training.memory import resident_megabytes
from stdpnet.training.train import train_part

#: Seconds between two looks at the limits, and once one is reached.
LOOK, LOOK_AGAIN = 0.25, 0.01
#: A file in the folder of a sweep, with its identity.
MARK = ".sweep"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a worker is asked for.

    Parameters
    ----------
    trial, seed : int
        Number of the trial, and seed of its network.
    options : TrainOptions
        With the values of the trial and the run folder.
    sweep : str
        Identity of the sweep, by which a worker knows its folder if it sees it.
    spec : str
        Content of the file of `options.spec`.
    until : float
        Share of the images from which to learn; 1 for all, and scores.
    seconds, megabytes : float, optional
        Limits of time and memory.
    files : dict of bytes
        What the run folder holds, for a worker that does not see it.
    """

    trial: int
    seed: int
    options: TrainOptions
    sweep: str
    spec: str = ""
    until: float = 1.0
    seconds: float | None = None
    megabytes: float | None = None
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a task.

    Parameters
    ----------
    task : Task
        What was asked for, without files.
    values : dict of float
        Numbers of a finished run (see `stdpnet.sweep.objectives`), or the accuracy so
        far of one that has learned a part.
    error : str
        Why the task failed, in one line; empty if it did not.
    details : str
        Where the error came from.
    files : dict of bytes
        The run folder, of a worker that does not see that of the sweep.
    """

    task: Task
    values: dict[str, float] = field(default_factory=dict)
    error: str = ""
    details: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


def run_task(task: Task, data: Dataset) -> Outcome:
    """Train the network of a task, or go on with it; an error is part of the outcome."""
    found: dict[str, Any] = {}
    limits = Limits(task.seconds, task.megabytes)
    with _workplace(task) as options:
        try:
            with limits:
                found["values"] = _run(options, task.until, data)
        except Exception as error:  # a failing trial must not stop the others
            found["error"] = limits.reached or _one_line(error)
            found["details"] = traceback.format_exc()
        if options.out is not None and options.out != task.options.out:
            found["files"] = read_files(options.out)
    return Outcome(task=replace(task, files={}, spec=""), **found)


def _run(options: TrainOptions, until: float, data: Dataset) -> dict[str, float]:
    folder = options.out
    assert folder is not None  # `_workplace` says where
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A worker whose sweep was killed may not have noticed yet.
    with locked(folder.with_name(f".{folder.name}.lock")):
        before = _earlier(folder)
        if before is None or not before.finished:
            options = replace(options, resume=before is not None)
            if until < 1:
                accuracy = train_part(options, data, until)
                if accuracy is not None:
                    return {"accuracy": accuracy}
                options = replace(options, resume=True)
            train(options, data)
        return measured(load_run(folder))


def _earlier(folder: Path) -> RunFolder | None:
    """Return the run that a folder holds; what cannot be used is removed."""
    try:
        return RunFolder.open(folder)
    except FileNotFoundError:
        return None
    except RunError:
        shutil.rmtree(folder)
        return None


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} {error.strerror}"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


# -- where a worker works -------------------------------------------------------------


@contextlib.contextmanager
def _workplace(task: Task) -> Iterator[TrainOptions]:
    """Return options with a run folder and a specification that this machine sees."""
    out = task.options.out
    assert out is not None  # the sweep says where
    if sees_sweep(out.parents[2], task.sweep):
        yield task.options
        return
    with tempfile.TemporaryDirectory(prefix="stdpnet-trial-") as place:
        spec, folder = (
            Path(place) / Path(task.options.spec).name,
            Path(place) / out.name,
        )
        spec.write_text(task.spec)
        if task.files:
            write_files(folder, task.files)
        yield replace(task.options, spec=str(spec), out=folder)


def score_files(name: str, files: dict[str, bytes], data: Dataset) -> float:
    """Return the test accuracy of a finished run, of which the files are given."""
    with tempfile.TemporaryDirectory(prefix="stdpnet-test-") as place:
        folder = Path(place) / name
        write_files(folder, files)
        return accuracy_on_test(folder, data)


def sees_sweep(folder: Path, identity: str) -> bool:
    """Say whether this machine sees the folder of a sweep, not another of its name."""
    mark = folder / MARK
    with contextlib.suppress(OSError):
        return mark.read_text() == identity
    return False


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a run folder; ``run.json`` last, which says what it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(files, key=lambda name: name == "run.json"):
        write_atomically(folder / name, files[name])


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a run folder, by name; none if there is no such folder."""
    if not folder.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# -- limits ---------------------------------------------------------------------------


class Limits:
    """Ends what programs are doing while the context is open, once it takes too much.

    A readout that is being fitted is not a program: it comes to its end.

    Attributes
    ----------
    reached : str
        Which limit was reached; empty if none.
    """

    def __init__(self, seconds: float | None, megabytes: float | None) -> None:
        self.reached = ""
        self._seconds, self._megabytes = seconds, megabytes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Limits":
        self._start = time.monotonic()
        if self._seconds is not None or self._megabytes is not None:
            self._thread.start()
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self.reached and kind is None:
            self.reached = ""  # it was ready just before

    def _watch(self) -> None:
        pause = min(LOOK, self._seconds or LOOK)
        while not self._stop.wait(pause):
            self.reached = self.reached or self._exceeded()
            if self.reached:
                stop_all()  # again and again: there may be a next chunk
                pause = LOOK_AGAIN

    def _exceeded(self) -> str:
        took = time.monotonic() - self._start
        if self._seconds is not None and took > self._seconds:
            return f"took more than {self._seconds:g} s, the limit of a run"
        if self._megabytes is not None:
            found = resident_megabytes()
            if found > self._megabytes:
                return f"took {found:.0f} MB of memory, more than {self._megabytes:g}"
        return ""
