"""Python processes of the engine: this interpreter and this stdpnet, nothing of the user's folder."""

import os
import site
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def command(module: str, *arguments: str) -> list[str]:
    """Return the words that run a module of stdpnet in a process of its own.

    With ``-P`` Python does not look for modules in the current folder, where a
    ``random.py`` of the user may be.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Return the variables of such a process, which finds stdpnet where we did.

    A stdpnet that is not installed is found by the path of this process alone, so
    ``PYTHONPATH`` hands its folder on.
    """
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # An empty entry stands for the current folder.
    paths = [str(Path(path).absolute()) for path in inherited if path]
    installed = [*site.getsitepackages(), site.getusersitepackages()]
    if PACKAGE.parent not in (Path(path).resolve() for path in installed):
        paths.insert(0, str(PACKAGE.parent))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
