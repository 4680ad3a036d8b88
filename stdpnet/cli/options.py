"""What the commands share: arguments, options, and examples below their help."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def at_least(low: int) -> Callable[[Any], int]:
    """Return a parser of whole numbers that refuses what is below `low`."""

    def whole_number(text: Any) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise typer.BadParameter(f"must be a whole number >= {low}, got {text!r}")
        return value

    return whole_number


def number(text: Any) -> float:
    """Parse a number."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"must be a number, got {text!r}") from None


def whole_option(flag: str, low: int, help_text: str, metavar: str = "N") -> Any:
    """Declare an option that takes a whole number, at least `low`."""
    return typer.Option(flag, metavar=metavar, parser=at_least(low), help=help_text)


def file_option(help_text: str) -> Any:
    """Declare the option that names the file to write."""
    return typer.Option("-o", "--out", metavar="FILE", help=help_text)


def workers(scheduler: str | None, jobs: int) -> Any:
    """Return a context with a client of the workers that these options name."""
    from stdpnet.cluster import local_cluster, remote_cluster

    return remote_cluster(scheduler) if scheduler else local_cluster(jobs)


def examples(*commands: str) -> str:
    """Return what stands below the help of a command."""
    heading = "Example:" if len(commands) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  {command}" for command in commands), ""])


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
NTrainOption = Annotated[
    int | None,
    whole_option("--n-train", 2, "Labelled images for the readout (default: all)."),
]
NTestOption = Annotated[
    int | None, whole_option("--n-test", 1, "Images to score (default: all).")
]
NFitOption = Annotated[
    int | None,
    whole_option(
        "--n-fit",
        1,
        "Unlabelled images shown for learning (default: the network's, else all).",
    ),
]
DatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="D",
        help="A name that 'stdpnet data list' shows, an .npz or HDF5 file, "
        "or a folder with one folder of images or sounds a class; for a network of "
        "several senses one each, such as mnist+fsdd (default: the network's, else "
        "digits).",
    ),
]
TestFractionOption = Annotated[
    float,
    typer.Option(
        "--test-fraction",
        metavar="F",
        parser=number,
        help="Share of the test set in data of your own that has none.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME",
        help="Array of the images (default: X, X_test, X_train or the only one).",
    ),
]
ShardOption = Annotated[
    int, whole_option("--shard", 1, "Images of a shard, about (default: 2000).")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Dask scheduler whose workers do the work (default: workers of this "
        "machine).",
    ),
]
StorageOption = Annotated[
    str | None,
    typer.Option(
        "--storage",
        metavar="URL",
        help="The sweep's database with its password (default: as the sweep has it).",
    ),
]
JobsOption = Annotated[
    int, whole_option("--jobs", 1, "Processes at work at the same time.", metavar="J")
]
