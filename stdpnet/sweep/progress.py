"""How a sweep gets on: a live table for people, a few lines for logs."""

import sys
import time
from typing import Any

from stdpnet.estimators.show import show_line
from stdpnet.sweep.sweep import Sweep

#: Seconds between two looks at the storage.
EVERY = 1.0


class Progress:
    """Shows a sweep while it works; give it to `Sweep` as `watch`.

    On a terminal a table of the running trials, else a line for every tenth of them.
    """

    def __init__(self) -> None:
        self._live: Any = None
        self._last = 0.0
        self._tenth = 0

    def __enter__(self) -> "Progress":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(file=sys.stderr), transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, sweep: Sweep) -> None:
        """Show how far a sweep is."""
        if time.monotonic() - self._last < EVERY:
            return
        self._last = time.monotonic()
        state = State(sweep)
        if self._live is not None:
            self._live.update(_table(sweep, state))
        elif state.tenth > self._tenth:
            self._tenth = state.tenth
            show_line(state.line)


class State:
    """Numbers of a sweep at some time.

    Attributes
    ----------
    line : str
        All of them in one line.
    tenth : int
        Tenths of the trials that are finished.
    """

    def __init__(self, sweep: Sweep) -> None:
        counts = sweep.study.counts()
        left = counts["waiting"] + counts["running"]
        done = sum(counts.values()) - left
        parts = [f"{done} of {done + left} trials done"]
        parts += [f"{counts[kind]} {word}" for kind, word in _WORDS if counts[kind]]
        best = sweep.study.best()
        if best is not None:
            name = sweep.definition.objectives[0]
            parts.append(f"best {name} {best.values[0]:.4g} (trial {best.number})")
        seconds = sweep.seconds_left(left)
        if left and seconds is not None:
            parts.append(f"{_clock(seconds)} left")
        self.line = ", ".join(parts)
        self.tenth = 10 * done // max(done + left, 1)


_WORDS = (("fail", "failed"), ("pruned", "given up"))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _table(sweep: Sweep, state: State) -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    keys = list(sweep.definition.space.parameters)
    table = Table("trial", *keys, "runs done", "time", box=None)
    for running in list(sweep.running.values()):
        values = running.trial.params
        texts = (
            sweep.definition.space.parameters[key].shown(values[key]) for key in keys
        )
        table.add_row(
            str(running.number),
            *texts,
            f"{len(running.values)} of {sweep.definition.seeds}",
            _clock(time.monotonic() - running.started),
        )
    return Group(table, Text(state.line, style="dim"))
