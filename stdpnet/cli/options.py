"""What the commands share: arguments, options, and examples below their help."""

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


def whole_option(flag: str, low: int, help_text: str, metavar: str = "N") -> Any:
    """Declare an option that takes a whole number, at least `low`."""
    return typer.Option(flag, metavar=metavar, parser=at_least(low), help=help_text)


def file_option(help_text: str) -> Any:
    """Declare the option that names the file to write."""
    return typer.Option("-o", "--out", metavar="FILE", help=help_text)


def examples(*commands: str) -> str:
    """Return what stands below the help of a command."""
    heading = "Example:" if len(commands) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  {command}" for command in commands), ""])


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
    int, whole_option("--jobs", 1, "Processes at work at the same time.", metavar="J")
]
