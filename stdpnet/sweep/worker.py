"""``python -m stdpnet.sweep.worker ADDRESS``: one worker, as long as standard input is open."""

import asyncio
import os
import sys
import threading
import time

#: Seconds for an orderly end once standard input has been closed.
GRACE = 4.0


def main() -> None:
    """Work for the scheduler at an address until whoever started this has ended."""
    asyncio.run(_work(sys.argv[1]))


async def _work(address: str) -> None:
    from distributed import Nanny

    from stdpnet.sweep.cluster import quieten

    quieten()
    async with Nanny(address, nthreads=1, memory_limit=0, silence_logs=50) as nanny:
        loop = asyncio.get_running_loop()

        def end_with_parent() -> None:
            sys.stdin.buffer.read()
            asyncio.run_coroutine_threadsafe(nanny.close(timeout=GRACE / 2), loop)
            time.sleep(GRACE)
            os._exit(0)

        threading.Thread(target=end_with_parent, daemon=True).start()
        await nanny.finished()


if __name__ == "__main__":
    main()
