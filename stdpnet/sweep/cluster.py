"""Workers of a sweep: processes of this machine, or of a Dask scheduler."""

import contextlib
import logging
import queue
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from stdpnet import __version__
from stdpnet.sweep.trial import Outcome, Task, run_task

#: Seconds that a scheduler, and the workers of this machine, have to answer.
PATIENCE = 20.0


class ClusterError(OSError):
    """There is no scheduler, or its workers cannot be used."""


@contextlib.contextmanager
def local_cluster(jobs: int) -> Iterator[Any]:
    """Start workers on this machine and return a client of them.

    They are processes of their own, started as ``python -m stdpnet.sweep.worker``: nothing
    of the calling program is imported there, and they end when it ends, even if it is
    killed.
    """
    from distributed import Client, LocalCluster

    quieten()
    quiet: dict[str, Any] = {"dashboard_address": None, "silence_logs": 50}
    with (
        LocalCluster(n_workers=0, **quiet) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        command = [sys.executable, "-m", "stdpnet.sweep.worker"]
        command.append(cluster.scheduler_address)
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(jobs)
        ]
        try:
            client.wait_for_workers(jobs, timeout=3 * PATIENCE)
            yield client
        finally:
            _end(workers)


def quieten() -> None:
    """Keep what Dask tells of its connections off the screen."""
    for name in ("distributed", "tornado", "bokeh"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _end(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        assert worker.stdin is not None  # a pipe
        worker.stdin.close()
    for worker in workers:
        try:
            worker.wait(timeout=5)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


@contextlib.contextmanager
def remote_cluster(address: str) -> Iterator[Any]:
    """Return a client of a scheduler that is there already.

    Raises
    ------
    ClusterError
        If it does not answer, has no workers, or they have another version.
    """
    from distributed import Client

    quieten()
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address}; start one with 'dask scheduler', or "
            "leave --scheduler out to work on this machine"
        ) from error
    with client:
        _check_workers(client, address)
        yield client


def _check_workers(client: Any, address: str) -> None:
    if not client.scheduler_info(n_workers=-1)["workers"]:
        raise ClusterError(
            f"the scheduler at {address} has no workers; start one with "
            f"'dask worker {address} --nthreads 1'"
        )
    try:
        found = client.run(_version)
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"a worker of {address} has no stdpnet; install {__version__} there"
        ) from error
    for worker, version in found.items():
        if version != __version__:
            raise ClusterError(
                f"worker {worker} has stdpnet {version}, this is {__version__}; install "
                "the same version everywhere"
            )


def _version() -> str:
    import stdpnet

    return str(stdpnet.__version__)


class Workers:
    """Carries out tasks, as many at a time as there are threads of workers.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    data : Dataset
        What all tasks learn from; it reaches every worker once.
    """

    def __init__(self, client: Any, data: Any) -> None:
        self._client = client
        self._data = client.scatter(data, broadcast=True, hash=False)
        self._tasks: dict[Any, Task] = {}
        self._done: queue.Queue[Any] = queue.Queue()

    @property
    def n_free(self) -> int:
        """How many more tasks could be carried out at once."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(worker["nthreads"] for worker in workers) - len(self._tasks)

    @property
    def tasks(self) -> list[Task]:
        """What has been submitted and is not finished."""
        return list(self._tasks.values())

    def submit(self, task: Task) -> None:
        """Have a task carried out."""
        future = self._client.submit(run_task, task, self._data, pure=False)
        self._tasks[future] = task
        future.add_done_callback(self._done.put)

    def finished(self, timeout: float) -> Outcome | None:
        """Wait until a task is finished, or for some time; return what came of it."""
        try:
            return self._outcome(self._done.get(timeout=timeout))
        except queue.Empty:
            return None

    def _outcome(self, future: Any) -> Outcome:
        task = self._tasks.pop(future)
        if future.status == "finished":
            outcome: Outcome = future.result()
        else:
            error = future.exception()
            outcome = Outcome(task=task, error=_why(error), details=str(error))
        future.release()
        return outcome


def _why(error: Any) -> str:
    if type(error).__name__ == "KilledWorker":
        return (
            "the workers that were to train it ended again and again, perhaps for lack "
            "of memory"
        )
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
