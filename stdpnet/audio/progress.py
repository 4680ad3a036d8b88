"""Progress for people who wait longer than a moment."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds before anything is shown.
PATIENCE = 2.0


def track(items: Sequence[T], text: str) -> Iterator[T]:
    """Yield items, with a bar and the time left on standard error if that takes long.

    Parameters
    ----------
    items : sequence
        What is passed on.
    text : str
        What is going on.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    begin, bar, task = time.monotonic(), None, None
    try:
        for number, item in enumerate(items, start=1):
            if bar is None and time.monotonic() - begin > PATIENCE:
                bar = _bar()
                task = bar.add_task(text, total=len(items))
                bar.start()
            if bar is not None:
                bar.update(task, completed=number)
            yield item
    finally:
        if bar is not None:
            bar.stop()


def _bar() -> Any:
    # Rich takes a tenth of a second to import.
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
        console=Console(file=sys.stderr),
    )
