"""The command ``stdpnet``: parse, call, print. One module a command.

Commands import what they need when they run, so that ``stdpnet --help`` is quick.
"""

import atexit
import gc
import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from stdpnet import __version__
from stdpnet.cli import (
    cache,
    data,
    device,
    evaluate,
    export,
    info,
    models,
    plot,
    report,
    sweep,
    train,
    transform,
)
from stdpnet.cli.failures import (
    EXIT_ERROR,
    ended_like_ctrl_c,
    guarded,
    traceback_wanted,
    warnings_in_lines,
)
from stdpnet.cli.options import examples
from stdpnet.cli.output import finish_output

_LEAVES: dict[str, Any] = {
    "train": train,
    "evaluate": evaluate,
    "transform": transform,
    "sweep": sweep,
    "report": report,
    "export": export,
    "info": info,
    "models": models,
}
_GROUPS: dict[str, Any] = {
    "plot": plot,
    "device": device,
    "data": data,
    "cache": cache,
}

_EPILOG = examples("stdpnet train conv-stdp --dataset digits")


def _typer(help_text: str, **options: Any) -> typer.Typer:
    # Help in plain text: loading Rich would take longer than all the rest.
    return typer.Typer(
        help=help_text,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **options,
    )


def _add(
    parent: typer.Typer,
    name: str,
    function: Callable[..., None],
    path: str,
    epilog: str,
) -> None:
    parent.command(name, epilog=epilog)(guarded(f"stdpnet {path}", function))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stdpnet {__version__}")
        raise typer.Exit()


def _global_options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            callback=_show_version,
            is_eager=True,
        ),
    ] = False,
    traceback: Annotated[
        bool,
        typer.Option(
            "--traceback", help="Show where an error came from (default: one line)."
        ),
    ] = False,
) -> None:
    """Learn features from images by STDP, without labels."""


def _build() -> typer.Typer:
    app = _typer(
        "Unsupervised spike-timing-dependent plasticity in shallow spiking networks.",
        no_args_is_help=True,
        epilog=_EPILOG,
    )
    app.callback()(_global_options)
    for name, module in _LEAVES.items():
        _add(app, name, module.run, name, module.EPILOG)
    for name, module in _GROUPS.items():
        group = _typer(module.HELP, no_args_is_help=True, epilog=module.EPILOG)
        for leaf, (function, epilog) in module.COMMANDS.items():
            _add(group, leaf, function, f"{name} {leaf}", epilog)
        app.add_typer(group, name=name)
    return app


app = _build()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after ``stdpnet``; default: those this process was started with.

    Returns
    -------
    int
        0, 1 if a check found something, 2 for an error, 130 after Ctrl-C.
    """
    if argv is None:
        _waste_no_time()
    words = list(sys.argv[1:] if argv is None else argv)
    with traceback_wanted(words) as rest, warnings_in_lines(), ended_like_ctrl_c():
        return finish_output(_status(rest))


def _waste_no_time() -> None:
    """Spare the search for garbage, of which imports make little and the end needs none."""
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)


def _status(words: list[str]) -> int:
    try:
        result = app(words, prog_name="stdpnet", standalone_mode=False, obj=words)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else EXIT_ERROR
    except Exception as error:
        return _usage_error(error, words)
    return result if isinstance(result, int) else 0


def _usage_error(error: Exception, words: list[str]) -> int:
    """Say in one line what is wrong with the words of the command."""
    if not hasattr(error, "format_message"):
        raise error
    context = getattr(error, "ctx", None)
    where = context.command_path if context else _command_of(words)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr)
        return EXIT_ERROR
    message = " ".join(error.format_message().split()).removesuffix(".")
    message = re.sub(r"^Invalid value for '([^']+)': (?=must)", r"\1 ", message)
    stop = " See" if message.endswith("?") else "; see"
    print(f"{where}: {message}{stop} '{where} --help'", file=sys.stderr)
    return EXIT_ERROR


def _command_of(words: list[str]) -> str:
    """Return the command that the words begin with; not every error knows it."""
    if words[:1] and words[0] in _LEAVES:
        return f"stdpnet {words[0]}"
    if words[:1] and words[0] in _GROUPS and words[1:2]:
        return f"stdpnet {words[0]} {words[1]}"
    return "stdpnet"
