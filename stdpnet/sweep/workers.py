"""Tasks of a sweep in the hands of workers."""

import queue
from typing import Any

from stdpnet.cluster import ClusterError, given
from stdpnet.sweep.trial import Outcome, Task, run_task

_GONE = "the scheduler has gone; what was finished is kept, go on with --resume"


class Workers:
    """Carries out tasks, as many at a time as there are workers.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    data : Dataset
        What all tasks learn from; it reaches every worker once.
    """

    def __init__(self, client: Any, data: Any) -> None:
        self._client = client
        self._data = given(client, data)
        self._tasks: dict[Any, tuple[Task, str]] = {}
        self._done: queue.Queue[Any] = queue.Queue()

    def free(self) -> str | None:
        """Return the address of a worker that has nothing to do; None if none is."""
        # One task a process: limits end all that a process is doing.
        addresses = list(self._client.scheduler_info(n_workers=-1)["workers"])
        if len(addresses) <= len(self._tasks):
            return None
        taken = {address for _, address in self._tasks.values()}
        return next((one for one in addresses if one not in taken), addresses[0])

    @property
    def n_at_work(self) -> int:
        """How many tasks are not finished."""
        return len(self._tasks)

    def submit(self, task: Task, address: str) -> None:
        """Have a task carried out by a worker, or by another if that one ends."""
        # Left to itself, Dask would rather queue tasks where the data are already.
        where: dict[str, Any] = {"workers": [address], "allow_other_workers": True}
        future = self._client.submit(run_task, task, self._data, pure=False, **where)
        self._tasks[future] = task, address
        future.add_done_callback(self._done.put)

    def finished(self, timeout: float) -> Outcome | None:
        """Wait until a task is finished, or for some time; return what came of it.

        Raises
        ------
        ClusterError
            If the scheduler has gone.
        """
        try:
            future = self._done.get(timeout=timeout)
        except queue.Empty:
            if self._client.status not in ("running", "connecting"):
                raise ClusterError(_GONE) from None
            return None
        task, _ = self._tasks.pop(future)
        if future.status == "finished":
            outcome: Outcome = future.result()
        elif future.status == "error":
            error = future.exception()
            outcome = Outcome(task=task, error=_why(error), details=str(error))
        else:
            raise ClusterError(_GONE)
        future.release()
        return outcome


def _why(error: Any) -> str:
    if type(error).__name__ == "KilledWorker":
        return (
            "the workers that were to train it ended again and again, perhaps for lack "
            "of memory"
        )
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
