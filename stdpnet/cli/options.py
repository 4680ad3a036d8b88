"""Arguments and options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def at_least(low: int) -> Callable[[Any], int]:
    """Return a parser of whole numbers that refuses what is below `low`."""

    def whole_number(text: Any) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise typer.BadParameter(f"must be a whole number >= {low}, got {text!r}")
        return value

    return whole_number


def number(text: Any) -> float:
    """Parse a number."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"must be a number, got {text!r}") from None


RunArgument = Annotated[
    Path, typer.Argument(metavar="RUN", help="Run folder that 'stdpnet train' wrote.")
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object (default: text for people)."),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder to look for data in first (default: $STDPNET_DATA, then the cache).",
    ),
]
JobsOption = Annotated[
    int,
    typer.Option(
        "--jobs",
        metavar="J",
        parser=at_least(1),
        help="Processes at work at the same time.",
    ),
]
