"""``stdpnet report``: one HTML file that tells all about a run."""

from pathlib import Path
from typing import Annotated

from stdpnet.cli.options import JsonOption, RunArgument, examples, file_option
from stdpnet.cli.output import print_json

EPILOG = examples("stdpnet report runs/conv-stdp-digits-1")


def run(
    run: RunArgument,
    out: Annotated[
        Path | None,
        file_option(
            "HTML file to write, replaced if it exists (default: RUN/report.html)."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a report on a run: one HTML file that needs no other."""
    from stdpnet.analysis import write_report

    path = write_report(run, out)
    if json:
        print_json({"run": run, "path": path})
    else:
        print(path)
