"""``stdpnet export``: the numbers of a sweep as a table."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from stdpnet.cli.options import JsonOption, StorageOption, examples
from stdpnet.cli.output import print_json, print_pairs

EPILOG = examples(
    "stdpnet export sweeps/conv-stdp-digits-1",
    "stdpnet export sweeps/conv-stdp-digits-1 --runs -o runs.parquet",
)


def run(
    sweep: Annotated[
        Path,
        typer.Argument(metavar="SWEEP", help="Folder that 'stdpnet sweep' wrote."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="File ending in .csv or .parquet (default: SWEEP/trials.csv or runs.csv).",
        ),
    ] = None,
    runs: Annotated[
        bool,
        typer.Option(
            "--runs", help="A row for each network (default: for each trial)."
        ),
    ] = False,
    storage: StorageOption = None,
    json: JsonOption = False,
) -> None:
    """Write the trials of a sweep, or every run, as CSV or Parquet."""
    from stdpnet.sweep.frame import export

    file = out or sweep / ("runs.csv" if runs else "trials.csv")
    written = export(sweep, file, runs=runs, storage=storage)
    if json:
        print_json({"file": written})
    else:
        print_pairs({"table": shlex.quote(str(written))})
