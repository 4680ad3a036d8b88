"""Pages of the site that are made from code: the reference and the command line."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

#: What the reference has, a page each, in the order in which people need it.
ROOMS = (
    "stdpnet",
    "stdpnet.models.neurons",
    "stdpnet.models.plasticity",
    "stdpnet.models.projections",
    "stdpnet.encoding",
    "stdpnet.readout",
    "stdpnet.compression",
    "stdpnet.costs",
    "stdpnet.datasets",
    "stdpnet.audio",
    "stdpnet.devices",
    "stdpnet.training",
    "stdpnet.analysis",
    "stdpnet.sweep",
    "stdpnet.shards",
    "stdpnet.cluster",
    "stdpnet.network",
    "stdpnet.runs",
    "stdpnet.units",
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the reference to the table of contents."""
    pages = [f"reference/{name}.md" for name in ("index", "commands", *ROOMS)]
    config.nav = [*(config.nav or []), {"Reference": pages}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from code."""
    pages = {f"reference/{room}.md": reference(room) for room in ROOMS}
    pages["reference/index.md"] = contents()
    pages["reference/commands.md"] = commands()
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def contents() -> str:
    """Return a list of the pages of the reference."""
    rows = [f"| [`{room}`]({room}.md) | {summary(room)} |" for room in ROOMS]
    head = "# Reference\n\n[The command line](commands.md), and from Python:\n\n| | |\n|---|---|"
    return "\n".join([head, *rows, ""])


def summary(room: str) -> str:
    """Return the first line of the docstring of a module."""
    return (importlib.import_module(room).__doc__ or "").splitlines()[0]


def reference(room: str) -> str:
    """Return the page of a module: everything that it exports."""
    parts = [f"# {room}", "", summary(room), ""]
    return "\n".join([*parts, *(f"::: {room}.{name}\n" for name in exported(room))])


def exported(room: str) -> list[str]:
    """Return the public names of a module, those of a package that it takes up too."""
    module = importlib.import_module(room)
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isroutine(value))
        and f"{value.__module__}.".startswith(f"{room}.")
    ]


# -- the command line -----------------------------------------------------------------


def commands() -> str:
    """Return the page of all commands with their options."""
    from stdpnet.cli import app

    group = typer.main.get_command(app)
    parts = ["# The command line", ""]
    for name, command in leaves(group):
        context = command.make_context(name, [], resilient_parsing=True)
        parts += [f"## {name}", "", *described(command, context), ""]
    return "\n".join(parts)


def leaves(command: Any, name: str = "stdpnet") -> Iterator[tuple[str, Any]]:
    """Yield all commands that do something, with their names."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for part in command.commands.values():
        yield from leaves(part, f"{name} {part.name}")


def described(command: Any, context: typer.Context) -> Iterator[str]:
    """Yield the lines that tell what a command does and takes."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield from ("```text", f"{context.info_name} {usage}", "```", "")
    yield from (command.help or "").splitlines()
    yield from ("", "| | |", "|---|---|")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            name, text = record
            yield f"| `{escaped(name)}` | {escaped(text)} |"
    examples = [line.strip() for line in (command.epilog or "").splitlines()]
    shown = [line for line in examples if line.startswith("stdpnet")]
    if shown:
        yield from ("", "```console", *shown, "```")


def escaped(text: str) -> str:
    """Return text for a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")
