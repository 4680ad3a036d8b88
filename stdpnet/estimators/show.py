"""Progress on standard error for people, nothing for logs."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def track(
    items: Iterable[T], total: int, text: str, visible: bool, done: int = 0
) -> Iterator[T]:
    """Yield items and show a bar with rate and time left.

    Parameters
    ----------
    items : iterable
        Anything with an attribute `n_shown`, or plain items that count one.
    total : int
        Value of `n_shown` (or number of items) at the end.
    text : str
        What is going on.
    visible : bool
        Whether to show anything.
    done : int
        Value of `n_shown` before the first item.
    """
    if not visible:
        yield from items
        return
    with progress_bar() as bar:
        task = bar.add_task(text, total=total, completed=done)
        for number, item in enumerate(items, start=1):
            bar.update(task, completed=getattr(item, "n_shown", number))
            yield item


@contextmanager
def count_steps(text: str, visible: bool) -> Iterator[Callable[..., None] | None]:
    """Show how often what is yielded was called, for work whose end is not known."""
    if not visible:
        yield None
        return
    with progress_bar() as bar:
        task = bar.add_task(text, total=None)
        yield lambda *_: bar.advance(task)


def show_line(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{text}\n")


def progress_bar() -> Any:
    """Return a Rich progress bar with count, rate and time left, on standard error."""
    # Rich takes a tenth of a second to import; only those who look should wait.
    from rich import progress
    from rich.console import Console
    from rich.table import Column
    from rich.text import Text

    class CountColumn(progress.MofNCompleteColumn):
        def render(self, task: progress.Task) -> Text:
            if task.total is not None:
                return super().render(task)
            return Text(f"{task.completed:.0f}" if task.completed else "")

    class RateColumn(progress.ProgressColumn):
        def render(self, task: progress.Task) -> Text:
            if not task.speed:
                return Text("")
            slow = task.speed < 1
            return Text(
                f"{1 / task.speed:.1f} s each" if slow else f"{task.speed:.0f}/s"
            )

    class LeftColumn(progress.TimeRemainingColumn):
        def render(self, task: progress.Task) -> Text:
            known = task.total is not None
            return Text("left ").append(super().render(task)) if known else Text("")

    numbers = (CountColumn, RateColumn, progress.TimeElapsedColumn, LeftColumn)
    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),  # the only one that gives way
        *(column(table_column=Column(no_wrap=True)) for column in numbers),
        console=Console(file=sys.stderr),
    )
