"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
        "--jobs", metavar="J", min=1, help="Processes at work at the same time."
    ),
]
