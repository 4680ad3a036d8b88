"""``stdpnet data``: find, fetch and check data sets."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stdpnet.cli.options import DataOption, JsonOption, examples
from stdpnet.cli.output import print_json, print_table

if TYPE_CHECKING:
    from stdpnet.datasets import FileCheck

HELP = "Data sets: list them, fetch one, check its files."
EPILOG = examples("stdpnet data check mnist --data ~/data")

#: What the exit status of ``check`` tells: these files cannot be used.
UNUSABLE = ("damaged", "missing")

NameArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Data set, as 'stdpnet data list' shows it."),
]


def show(data: DataOption = None, json: JsonOption = False) -> None:
    """List the data sets of the catalogue, and where a copy was found."""
    from stdpnet.datasets import list_datasets

    listing = list_datasets(root=data)
    if json:
        print_json({"datasets": [asdict(entry) for entry in listing]})
        return
    rows = [(e.name, e.title, e.source or "not here") for e in listing]
    print_table(("name", "title", "where"), rows)
    absent = [entry.name for entry in listing if entry.source is None]
    if absent:
        print(f"Fetch one: stdpnet data fetch {absent[0]}")


def fetch(
    name: NameArgument,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Where to put it (default: the user's cache)."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Download a data set, unless a whole copy is there already."""
    from stdpnet import datasets

    folder = datasets.fetch(name, root=data, progress=True)
    if json:
        print_json({"name": name, "path": folder})
        return
    print(f"{name} is in {folder}")


def check(
    name: NameArgument, data: DataOption = None, json: JsonOption = False
) -> None:
    """Compare every file of a data set with what was published.

    The exit status is 1 if a file is damaged or missing.
    """
    from stdpnet import datasets

    found = datasets.check(name, root=data)
    usable = all(entry.status not in UNUSABLE for entry in found)
    if json:
        files = [asdict(entry) for entry in found]
        print_json({"name": name, "usable": usable, "files": files})
    else:
        _print_check(name, usable, found)
    if not usable:
        raise typer.Exit(1)


def _print_check(name: str, usable: bool, found: "list[FileCheck]") -> None:
    print_table(
        ("file", "status", "what was found"),
        [(entry.name, entry.status, entry.message) for entry in found],
    )
    places = {str(entry.path.parent) for entry in found if entry.path is not None}
    where = f" in {', '.join(sorted(places))}" if places else ""
    print(f"{name} {'can' if usable else 'cannot'} be used{where}")


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "list": (show, examples("stdpnet data list")),
    "fetch": (fetch, examples("stdpnet data fetch mnist")),
    "check": (check, EPILOG),
}
