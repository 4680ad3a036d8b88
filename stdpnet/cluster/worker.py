"""``python -m stdpnet.cluster.worker ADDRESS``: one worker, as long as standard input is open."""

import asyncio
import os
import sys
import threading


def main() -> None:
    """Work for the scheduler at an address until whoever started this has ended."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_work(sys.argv[1]))


async def _work(address: str) -> None:
    from distributed import Worker

    from stdpnet.cluster import quieten

    quieten()
    async with Worker(address, nthreads=1, memory_limit=0, dashboard=False) as worker:
        await worker.finished()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    if "stdpnet.engine.processes" in sys.modules:
        from stdpnet.engine.processes import stop_all

        stop_all()  # programs, and their temporary folders
    os._exit(0)


if __name__ == "__main__":
    main()
