"""``stdpnet models``: the networks of the catalogue, and what they are made of."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from stdpnet.cli.options import JsonOption, examples
from stdpnet.cli.output import print_json

EPILOG = examples("stdpnet models", "stdpnet models --rules")
_LAST = {
    "models": "Train one: stdpnet train NAME",
    "rules": "Draw one: stdpnet plot rule NAME. Train with one: --set rule.type=NAME",
    "neurons": "Draw one: stdpnet plot neuron NAME. Train with one: --set neuron.type=NAME",
}


def run(
    rules: Annotated[
        bool,
        typer.Option("--rules", help="List learning rules (default: networks)."),
    ] = False,
    neurons: Annotated[
        bool, typer.Option("--neurons", help="List neurons (default: networks).")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the networks that 'stdpnet train' knows by name, or rules or neurons."""
    wanted = {"rules": rules, "neurons": neurons, "models": not (rules or neurons)}
    lists = {name: _entries(name) for name, is_wanted in wanted.items() if is_wanted}
    if json:
        print_json(lists)
        return
    for name, entries in lists.items():
        for entry in entries:
            print(f"{entry['name']}: {entry['title']}")
            for key in ("source", "expect"):
                if entry.get(key):
                    print(f"  {key:7}{entry[key]}")
        print(_LAST[name])


def _entries(what: str) -> list[dict[str, Any]]:
    if what == "models":
        from stdpnet.catalog import spec_names, spec_path

        return [_entry(name, spec_path(name)) for name in spec_names()]
    from stdpnet.analysis.model_pages import built_in, source, summary

    return [
        {"name": name, "title": summary(cls), "source": source(cls)}
        for name, cls in built_in(what.removesuffix("s")).items()
    ]


def _entry(name: str, path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    about = tomllib.loads(text).get("about", {})
    title = about.get("title") or text.splitlines()[0].lstrip("# ")
    return {
        "name": name,
        "title": title,
        "source": about.get("source", ""),
        "expect": about.get("expect", ""),
        "path": path,
    }
