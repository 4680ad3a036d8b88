"""``python -m stdpnet.cluster.worker ADDRESS``: one worker, as long as standard input is open."""

import asyncio
import os
import sys
import threading
from typing import Any


def main() -> None:
    """Work for the scheduler at an address until whoever started this has ended."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_work(sys.argv[1]))


async def _work(address: str) -> None:
    from distributed import Worker

    from stdpnet.cluster import LOOPBACK, quieten

    quieten()
    # Nobody but this machine may reach it: whoever does can have any code run.
    here: dict[str, Any] = {"host": LOOPBACK, "dashboard_address": f"{LOOPBACK}:0"}
    settings = {"nthreads": 1, "memory_limit": 0, "dashboard": False, **here}
    async with Worker(address, **settings) as worker:
        await worker.finished()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    if "stdpnet.engine.processes" in sys.modules:
        from stdpnet.engine.processes import stop_all

        stop_all()  # programs, and their temporary folders
    os._exit(0)


if __name__ == "__main__":
    main()
