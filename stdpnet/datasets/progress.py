"""Progress of a download, shown on standard error when asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stdpnet.datasets.download import ProgressCallback

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def show_progress(
    progress: bool | ProgressCallback | None,
) -> Iterator[ProgressCallback | None]:
    """Turn the `progress` argument of the public functions into a callback.

    Parameters
    ----------
    progress : bool or callable, optional
        True for a bar on standard error, a callback of one's own, or nothing.

    Yields
    ------
    callable or None
        To be called with file name, bytes received, and bytes in all if known.
    """
    if progress is not True:
        yield progress or None
        return
    with _rich_bars() as bars:
        tasks: dict[str, TaskID] = {}

        def update(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=done, total=total)

        yield update


def _rich_bars() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    return Progress(
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
