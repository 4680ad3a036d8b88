"""Peak memory of this process and all its children together."""

import threading
from typing import Self

import psutil


class PeakMemory:
    """Sample memory in a thread while the context is open.

    Attributes
    ----------
    megabytes : float
        Largest sum seen of the memory of this process and its children, in MB
        (10^6 bytes). Shared pages count once in all, so that a child which has just
        been forked is no second copy of its parent.
    """

    def __init__(self, interval: float = 0.25) -> None:
        self.megabytes = 0.0
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            self.megabytes = max(self.megabytes, resident_megabytes(process))
            if self._stop.wait(self._interval):
                return


def resident_megabytes(process: psutil.Process | None = None) -> float:
    """Return the memory of a process, by default this one, and all its children."""
    process, total = process or psutil.Process(), 0
    for member in [process, *process.children(recursive=True)]:
        try:
            memory = member.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        total += getattr(memory, "pss", memory.rss)
    return total / 1e6
