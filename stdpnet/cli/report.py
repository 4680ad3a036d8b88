"""``stdpnet report``: one HTML file that tells all about a run or a sweep."""

from pathlib import Path
from typing import Annotated

import typer

from stdpnet.cli.options import JsonOption, StorageOption, examples, file_option
from stdpnet.cli.output import print_json

EPILOG = examples(
    "stdpnet report runs/conv-stdp-digits-1",
    "stdpnet report sweeps/conv-stdp-digits-1",
)


def run(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|SWEEP",
            help="Folder that 'stdpnet train' or 'stdpnet sweep' wrote.",
        ),
    ],
    out: Annotated[
        Path | None,
        file_option(
            "HTML file to write, replaced if it exists (default: RUN/report.html)."
        ),
    ] = None,
    storage: StorageOption = None,
    json: JsonOption = False,
) -> None:
    """Write a report on a run or a sweep: one HTML file that needs no other."""
    if (run / "sweep.json").is_file():
        from stdpnet.sweep.report import write_sweep_report

        path = write_sweep_report(run, out, storage)
    else:
        from stdpnet.analysis import write_report

        path = write_report(run, out)
    if json:
        print_json({"run": run, "path": path})
    else:
        print(path)
