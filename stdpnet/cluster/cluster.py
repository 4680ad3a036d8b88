"""Workers: processes of this machine, or of a Dask scheduler that is there already."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from stdpnet import __version__
from stdpnet.cluster.local import LOOPBACK, PATIENCE, LocalWorkers
from stdpnet.extras import require


class ClusterError(OSError):
    """There is no scheduler, or its workers cannot be used."""


@contextlib.contextmanager
def local_cluster(jobs: int, workers: LocalWorkers | None = None) -> Iterator[Any]:
    """Return a client of workers on this machine.

    Parameters
    ----------
    jobs : int
        How many.
    workers : LocalWorkers, optional
        Those that have been started before; they are ended in any case.
    """
    require("sweep", "distributed")
    with contextlib.ExitStack() as stack:
        workers = workers or LocalWorkers()
        stack.callback(workers.end)
        from distributed import Client, LocalCluster

        quieten()
        quiet: dict[str, Any] = {
            # A free port that only this machine reaches: other sweeps may be at work.
            "dashboard_address": f"{LOOPBACK}:0",
            "scheduler_kwargs": {"dashboard": False},
            "silence_logs": logging.CRITICAL,
        }
        cluster = stack.enter_context(LocalCluster(n_workers=0, **quiet))
        with Client(cluster, set_as_default=False) as client:
            workers.work_for(cluster.scheduler_address, jobs)
            try:
                _wait_for(client, workers, jobs)
                yield client
            finally:
                workers.end()  # before their scheduler does


def _wait_for(client: Any, workers: LocalWorkers, number: int) -> None:
    for _ in range(round(6 * PATIENCE)):
        with contextlib.suppress(TimeoutError):
            client.wait_for_workers(number, timeout=1)
            return
        if workers.failed:
            raise ClusterError("workers cannot start on this machine, as is told above")
    raise ClusterError(
        f"workers have not started within {6 * PATIENCE:.0f} s; is the machine busy?"
    )


def quieten() -> None:
    """Keep what Dask tells of its connections off the screen."""
    # Some have a level of their own, whatever that of those above them.
    own = ("distributed.client", "distributed.gc", "tornado.application")
    for name in ("distributed", "tornado", "bokeh", *own):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def remote_cluster(address: str) -> Iterator[Any]:
    """Return a client of a scheduler that is there already; its workers may come a bit later.

    Raises
    ------
    ClusterError
        If it does not answer, has no workers in time, or they cannot do the work.
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
        with contextlib.suppress(TimeoutError):
            client.wait_for_workers(1, timeout=PATIENCE)
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
