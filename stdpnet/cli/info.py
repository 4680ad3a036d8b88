"""``stdpnet info``: this machine as stdpnet sees it, or what a run is."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from stdpnet.cli.cache import fullness
from stdpnet.cli.options import JsonOption, examples
from stdpnet.cli.output import print_json, print_pairs, size

EPILOG = examples("stdpnet info", "stdpnet info runs/conv-stdp-digits-1")

PACKAGES = ("stdpnet", "brian2", "numpy", "scipy", "scikit-learn", "h5py")


def run(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="RUN", help="Run folder (default: about this machine)."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what stdpnet finds on this machine, or what a run is.

    Without RUN: versions, compiler, cores, memory, cache and data folders. With
    RUN: its settings, numbers and files.
    """
    content = machine_facts() if run is None else run_facts(run)
    if json:
        print_json(content)
    elif run is None:
        print_machine(content)
    else:
        print_run(content)


# -- the machine ------------------------------------------------------------------


def machine_facts() -> dict[str, Any]:
    """Return versions, compiler, backend, cores, memory, cache and data folders."""
    import os
    import platform

    import psutil

    from stdpnet.engine.compiler import find_compiler

    compiler = find_compiler()
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "system": platform.platform(),
        "compiler": None if compiler is None else compiler.version,
        "compiler_path": None if compiler is None else compiler.path,
        "backend": "numpy" if compiler is None else "cpp",
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "cache": _or_problem(_cache_facts),
        "data": _or_problem(_data_facts),
    }


def _versions() -> dict[str, str | None]:
    # From the installed metadata: importing Brian2 takes seconds.
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _cache_facts() -> dict[str, Any]:
    from stdpnet.engine.cache import SIZE_LIMIT, cache_folder, list_programs

    programs = list_programs()
    return {
        "folder": str(cache_folder()),
        "programs": len(programs),
        "bytes": sum(program.size for program in programs),
        "limit_bytes": SIZE_LIMIT,
    }


def _data_facts() -> dict[str, Any]:
    from stdpnet.datasets.places import search_roots

    return {"folders": [str(folder) for folder in search_roots(None)]}


def _or_problem(facts: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    # What is wrong here is just what a reader of this command looks for.
    try:
        return facts()
    except OSError as error:
        return {"problem": str(error)}


def print_machine(facts: dict[str, Any]) -> None:
    """Print what `machine_facts` found, for people."""
    from stdpnet.engine.program import NO_COMPILER

    compiled = facts["compiler"] is not None
    pairs = {
        name: value or "not installed" for name, value in facts["versions"].items()
    }
    pairs |= {
        "system": facts["system"],
        "compiler": f"{facts['compiler_path']} ({facts['compiler']})"
        if compiled
        else NO_COMPILER,
        "backend": f"{facts['backend']} (what 'auto' stands for here)",
        "cores": facts["cores"],
        "memory": size(facts["memory_bytes"]),
        "cache": _cache_line(facts["cache"]),
        "data": facts["data"].get("problem") or ", ".join(facts["data"]["folders"]),
    }
    print_pairs(pairs)


def _cache_line(cache: dict[str, Any]) -> str:
    if "problem" in cache:
        return str(cache["problem"])
    return fullness(cache["programs"], cache["bytes"], cache["folder"])


# -- a run ------------------------------------------------------------------------


def run_facts(path: Path) -> dict[str, Any]:
    """Return what the record of a run says, and which files it has."""
    from stdpnet.runs import RunFolder

    folder = RunFolder.open(path)
    files = sorted(
        file.name for file in path.iterdir() if not file.name.startswith(".")
    )
    return {"run": str(path), **folder.metadata, "files": files}


def print_run(facts: dict[str, Any]) -> None:
    """Print what `run_facts` found, for people."""
    from stdpnet.analysis.numbers import metric_rows

    status = facts.get("status", "unknown")
    if status != "finished":
        status = (
            f"not finished (running, or interrupted: then give the same command "
            f"with --resume --out {facts['run']})"
        )
    print_pairs(
        {
            "run": facts["run"],
            "status": status,
            "network": facts.get("spec_name"),
            "data": facts.get("dataset", {}).get("name"),
            "seed": facts.get("seed"),
            "command": facts.get("command"),
            "files": ", ".join(facts["files"]),
        }
    )
    rows = metric_rows(facts.get("metrics", {}))
    if rows:
        print()
        print_pairs(dict(rows))
