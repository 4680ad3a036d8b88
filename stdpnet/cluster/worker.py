"""``python -m stdpnet.cluster.worker MODULE ...``: workers, as long as standard input is open.

Imports modules, reads the address of a scheduler and a number from standard input, and
forks that many workers: they share what was imported, and begin at once. One that has
ended is replaced.
"""

import asyncio
import contextlib
import gc
import os
import select
import sys
import threading
from importlib import import_module
from typing import Any

from threadpoolctl import threadpool_limits

#: Seconds between two looks at the workers.
LOOK = 0.5


def main() -> None:
    """Prepare, then keep workers alive until whoever started this has ended."""
    gc.set_threshold(50_000)  # imports make little garbage
    import_module("distributed")
    for name in sys.argv[1:]:
        import_module(name)
    gc.freeze()  # what is shared stays shared
    words = sys.stdin.readline().split()
    if words:
        address, number = words
        _keep_alive(address, int(number))


def _keep_alive(address: str, number: int) -> None:
    # Workers read from this pipe, into which nobody writes: it closes when we end.
    ends, ours = os.pipe()
    workers = [_fork(address, number, ends, ours) for _ in range(number)]
    while not select.select([sys.stdin], [], [], LOOK)[0]:
        for place, pid in enumerate(workers):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) != (0, 0):
                    workers[place] = _fork(address, number, ends, ours)
    os.close(ours)
    for pid in workers:
        os.waitpid(pid, 0)


def _fork(address: str, number: int, ends: int, ours: int) -> int:
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        threading.Thread(target=_end_with, args=(ends,), daemon=True).start()
        threadpool_limits(max(1, (os.cpu_count() or 1) // number))
        asyncio.run(_work(address))
        _exit()
    return pid


async def _work(address: str) -> None:
    import dask
    from distributed import Worker

    from stdpnet.cluster import LOOPBACK, quieten

    quieten()
    dask.config.set({"distributed.worker.profile.enabled": False})
    # Nobody but this machine may reach it: whoever does can have any code run.
    here: dict[str, Any] = {"host": LOOPBACK, "dashboard_address": f"{LOOPBACK}:0"}
    settings = {"nthreads": 1, "memory_limit": 0, "dashboard": False, **here}
    async with Worker(address, **settings) as worker:
        await worker.finished()


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)
    _exit()


def _exit() -> None:
    if "stdpnet.engine.processes" in sys.modules:
        from stdpnet.engine.processes import close

        close()  # programs, and their temporary folders
    os._exit(0)


if __name__ == "__main__":
    main()
