"""Databases for the trials of a sweep: opened, and what they do wrong in one line."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stdpnet.config import SpecError


class StorageError(OSError):
    """A storage does not answer, or holds something else."""


def open_storage(url: str) -> Any:
    """Return Optuna's storage at a URL of SQLAlchemy.

    Raises
    ------
    StorageError
        If it does not answer.
    """
    import optuna
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        shown = make_url(url).render_as_string(hide_password=True)
    except ArgumentError as error:
        raise SpecError(
            f"storage {url!r} is not a URL such as sqlite:///FILE or "
            "postgresql://USER@HOST/NAME"
        ) from error
    # Two processes on one file of SQLite wait for each other.
    waits = {"timeout": 60} if shown.startswith("sqlite") else {}
    # No connection stays open that nobody uses.
    settings = {"connect_args": waits, "poolclass": NullPool}
    try:
        return optuna.storages.RDBStorage(url, engine_kwargs=settings)
    except ImportError as error:
        missing = error.__cause__ or error
        raise SpecError(
            f"storage {shown} needs a driver: {missing}; install it, for example with "
            "'pip install stdpnet[postgresql]'"
        ) from error
    except (SQLAlchemyError, RuntimeError) as error:
        raise StorageError(
            f"storage {shown} does not answer: {_reason(error)}"
        ) from error


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:  # what the database itself says
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)


@contextlib.contextmanager
def answering(url: str | None) -> Iterator[None]:
    """Say in one line that a storage has ceased to answer.

    Raises
    ------
    StorageError
        Instead of what its library raises.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StorageError(
            f"storage {url or 'of the sweep'} does not answer any more: {_reason(error)}; "
            "what was finished is kept, go on with --resume"
        ) from error


def without_password(url: str) -> str:
    """Return a URL as it may be written to a file."""
    from sqlalchemy.engine import URL, make_url

    found = make_url(url)
    kept = URL.create(
        found.drivername,
        found.username,
        None,
        found.host,
        found.port,
        found.database,
        found.query,
    )
    return kept.render_as_string()


def sqlite_url(file: Path) -> str:
    """Return the URL of a file of SQLite."""
    return f"sqlite:///{file.absolute()}"
