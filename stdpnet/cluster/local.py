"""Workers on this machine, in processes of their own."""

import contextlib
import subprocess
import sys
import threading
from typing import Self

#: Seconds that a scheduler has to answer, and workers to end.
PATIENCE = 20.0
#: What a run imports on its way.
READY = (
    "stdpnet.sweep.trial",
    "sklearn.svm",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "rich.progress",
)
#: Address that only this machine reaches.
LOOPBACK = "127.0.0.1"


class LocalWorkers:
    """Processes that get ready at once, and work for a scheduler when they are told which.

    Nothing of the calling program is imported there (see `stdpnet.cluster.worker`), and
    they end when it ends, even if it is killed.

    Parameters
    ----------
    *modules : str
        What they will need, imported once for all; default all that a run needs.
    """

    def __init__(self, *modules: str) -> None:
        self._command = [sys.executable, "-m", "stdpnet.cluster.worker"]
        self._command += modules or READY
        self._order = b""
        self._parent = self._start()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._tend, daemon=True)

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C is for us alone, who then end it in order.
        return subprocess.Popen(
            self._command, stdin=subprocess.PIPE, start_new_session=True
        )

    def work_for(self, address: str, number: int) -> None:
        """Have a number of them work for a scheduler from now on."""
        self._order = f"{address} {number}\n".encode()
        self._tell()
        self._thread.start()

    def _tell(self) -> None:
        pipe = self._parent.stdin
        assert pipe is not None  # `_start` asks for one
        with contextlib.suppress(BrokenPipeError):  # it has ended, and is started again
            pipe.write(self._order)
            pipe.flush()

    def _tend(self) -> None:
        while not self._end.wait(1.0):
            if self._parent.poll() is not None:
                self._close()
                if self.failed:
                    return
                self._parent = self._start()
                self._tell()

    @property
    def failed(self) -> bool:
        """Whether they cannot start; why is on standard error."""
        return (self._parent.poll() or 0) > 0  # below zero: killed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End all of them."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self._order:
            self._parent.kill()  # it is still getting ready, for nothing
        self._close()

    def _close(self) -> None:
        assert self._parent.stdin is not None  # a pipe
        with contextlib.suppress(BrokenPipeError):  # what it was not told any more
            self._parent.stdin.close()
        try:
            self._parent.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._parent.kill()
            self._parent.wait()
