"""``stdpnet models``: the networks of the catalogue."""

import tomllib
from pathlib import Path
from typing import Any

from stdpnet.cli.options import JsonOption, examples
from stdpnet.cli.output import print_json

EPILOG = examples("stdpnet models")


def run(json: JsonOption = False) -> None:
    """List the networks that 'stdpnet train' knows by name."""
    from stdpnet.catalog import spec_names, spec_path

    entries = [_entry(name, spec_path(name)) for name in spec_names()]
    if json:
        print_json({"models": entries})
        return
    for entry in entries:
        print(f"{entry['name']}: {entry['title']}")
        for key in ("source", "expect"):
            if entry[key]:
                print(f"  {key:7}{entry[key]}")
    print("Train one: stdpnet train NAME")


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
