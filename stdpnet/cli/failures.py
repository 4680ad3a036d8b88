"""Errors and warnings in one line each, for people who did not write the program."""

import contextlib
import functools
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
#: What a shell reports of a program that wrote to a closed pipe (128 + SIGPIPE).
EXIT_PIPE = 141

_TRACEBACK = ContextVar("traceback", default=False)


@contextlib.contextmanager
def traceback_wanted(words: list[str]) -> Iterator[list[str]]:
    """Take ``--traceback`` out of the words, wherever it stands, and remember it."""
    token = _TRACEBACK.set("--traceback" in words)
    try:
        yield [word for word in words if word != "--traceback"]
    finally:
        _TRACEBACK.reset(token)


@contextlib.contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that nothing stays running.

    Only the first of them counts: SLURM sends one to the command and another by its
    script, which must not disturb what the first has begun.
    """
    before, ending = {}, False

    def interrupt(number: int, _frame: Any) -> None:
        nonlocal ending
        if not ending:
            ending = True
            raise KeyboardInterrupt(f"ended by {signal.Signals(number).name}")

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # Ignored under nohup: leave it so.
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def guarded(name: str, function: Callable[..., None]) -> Callable[..., None]:
    """Return a command that ends with one line and an exit status, not a traceback.

    Parameters
    ----------
    name : str
        What the line starts with, such as ``"stdpnet train"``.
    function : callable
        The command; what it raises on purpose is ValueError, OSError or ProgramError.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except KeyboardInterrupt as interrupt:
            _stop(name, str(interrupt) or "interrupted", EXIT_INTERRUPTED)
        except BrokenPipeError:
            close_output()
            raise SystemExit(EXIT_PIPE) from None
        except Exception as error:
            if not on_purpose(error):
                raise
            _stop(name, one_line(error), EXIT_ERROR)

    return call


def _stop(name: str, message: str, status: int) -> None:
    if _TRACEBACK.get():
        import traceback

        traceback.print_exc()
    print(f"{name}: {message}", file=sys.stderr)
    raise SystemExit(status) from None


def on_purpose(error: Exception) -> bool:
    """Say whether an error is meant for the user."""
    return isinstance(error, ValueError | OSError)


def one_line(error: Exception) -> str:
    """Return the message of an error in one line."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return where + error.strerror
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    more = " (--traceback shows the rest)" if len(lines) > 1 else ""
    return lines[0] + more


def close_output() -> None:
    """Send what is still to be written nowhere, so that Python does not complain."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class _Lines(logging.Handler):
    """Writes each warning once, from `warnings` or from the logger ``stdpnet``."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.show(record.getMessage())

    def show(self, message: str) -> None:
        line = " ".join(message.split())
        if line not in self.seen:
            self.seen.add(line)
            print(f"warning: {line}", file=sys.stderr)


@contextlib.contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Show warnings meant for users as one line on standard error, each once."""
    lines, logger = _Lines(), logging.getLogger("stdpnet")
    logger.addHandler(lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            warnings.simplefilter("always", RuntimeWarning)
            warnings.showwarning = lambda message, *_: lines.show(str(message))
            yield
    finally:
        logger.removeHandler(lines)
