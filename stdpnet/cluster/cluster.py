"""Workers: processes of this machine, or of a Dask scheduler that is there already."""

import contextlib
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Self

from stdpnet import __version__
from stdpnet.extras import require

#: Seconds that a scheduler, and the workers of this machine, have to answer.
PATIENCE = 20.0
#: Address that only this machine reaches.
LOOPBACK = "127.0.0.1"


class ClusterError(OSError):
    """There is no scheduler, or its workers cannot be used."""


@contextlib.contextmanager
def local_cluster(jobs: int) -> Iterator[Any]:
    """Start workers on this machine and return a client of them.

    They are processes of their own, started as ``python -m stdpnet.cluster.worker``: nothing
    of the calling program is imported there, and they end when it ends, even if it is
    killed.
    """
    require("sweep", "distributed")
    from distributed import Client, LocalCluster

    quieten()
    quiet: dict[str, Any] = {
        # A free port that only this machine reaches: other sweeps may be at work.
        "dashboard_address": f"{LOOPBACK}:0",
        "scheduler_kwargs": {"dashboard": False},
        "silence_logs": logging.CRITICAL,
    }
    with (
        LocalCluster(n_workers=0, **quiet) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        with LocalWorkers(cluster.scheduler_address, jobs):
            _wait_for_one(client)
            yield client


class LocalWorkers:
    """Processes that work for a scheduler; one that has ended is replaced.

    Parameters
    ----------
    address : str
        Of the scheduler.
    number : int
        How many there are to be.
    """

    def __init__(self, address: str, number: int) -> None:
        self._command = [sys.executable, "-m", "stdpnet.cluster.worker", address]
        self._workers = [self._start() for _ in range(number)]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._tend, daemon=True)

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C is for us alone, who then end it in order.
        return subprocess.Popen(
            self._command, stdin=subprocess.PIPE, start_new_session=True
        )

    def _tend(self) -> None:
        while not self._end.wait(1.0):
            for place, worker in enumerate(self._workers):
                if worker.poll() is not None:
                    _close(worker)
                    self._workers[place] = self._start()

    @property
    def pids(self) -> list[int]:
        """Return the numbers of the processes."""
        return [worker.pid for worker in self._workers]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        for worker in self._workers:
            _close(worker)
        for worker in self._workers:
            try:
                worker.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _close(worker: subprocess.Popen[bytes]) -> None:
    """Close standard input, at which a worker ends itself."""
    assert worker.stdin is not None  # a pipe
    worker.stdin.close()


def _wait_for_one(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=6 * PATIENCE)
    except TimeoutError as error:
        raise ClusterError(
            f"no worker has started within {6 * PATIENCE:.0f} s; is the machine busy?"
        ) from error


def quieten() -> None:
    """Keep what Dask tells of its connections off the screen."""
    for name in ("distributed", "tornado", "bokeh"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def remote_cluster(address: str) -> Iterator[Any]:
    """Return a client of a scheduler that is there already.

    Raises
    ------
    ClusterError
        If it does not answer, has no workers, or they cannot do the work.
    """
    require("sweep", "distributed")
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
        check_workers(client, address)
        yield client


def check_workers(client: Any, address: str) -> None:
    """Raise ClusterError if a worker has another stdpnet, or no compiler."""
    if not client.scheduler_info(n_workers=-1)["workers"]:
        raise ClusterError(
            f"the scheduler at {address} has no workers; start one with "
            f"'dask worker {address} --nthreads 1'"
        )
    found = client.run(_equipment())
    for worker, (version, compiles) in found.items():
        if version != __version__:
            has = f"stdpnet {version}" if version else "no stdpnet"
            raise ClusterError(
                f"worker {worker} has {has}, this is {__version__}; install the same "
                "version everywhere"
            )
        if not compiles:
            raise ClusterError(
                f"worker {worker} has no C++ compiler (g++, clang++ or $CXX); install one "
                "there, or stop that worker"
            )


def _equipment() -> Callable[[], tuple[str, bool]]:
    """Return a function that needs no module of ours where it is called."""

    def equipment() -> tuple[str, bool]:
        try:
            import stdpnet

            version = str(stdpnet.__version__)
        except ImportError:
            return "", False
        try:
            from stdpnet.engine.compiler import find_compiler
        except ImportError:
            return version, False
        return version, find_compiler() is not None

    return equipment


def given(client: Any, content: Any) -> Any:
    """Return a future of something that all workers need.

    It stays in the scheduler: a worker that has ended takes nothing with it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its size
        return client.submit(_same, content, pure=False)


def _same(content: Any) -> Any:
    return content
