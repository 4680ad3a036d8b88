"""Packages that only some uses need."""

from importlib.util import find_spec


class MissingExtraError(OSError):
    """A package that is not installed."""


def require(extra: str, *modules: str) -> None:
    """Make sure that the packages of an extra are installed.

    Raises
    ------
    MissingExtraError
        Naming those that are not, and what installs them.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"this needs {' and '.join(missing)}; install with "
            f"pip install 'stdpnet[{extra}]'"
        )
