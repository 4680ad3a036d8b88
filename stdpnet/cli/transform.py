"""``stdpnet transform``: features of images that need not fit into memory."""

import contextlib
import shlex
from pathlib import Path
from typing import Annotated

import typer

from stdpnet.cli.options import (
    JobsOption,
    JsonOption,
    KeyOption,
    RunArgument,
    SchedulerOption,
    ShardOption,
    examples,
    workers,
)
from stdpnet.cli.output import print_json, print_pairs

EPILOG = examples(
    "stdpnet transform runs/conv-stdp-mnist-1 more.h5 -o features.h5 --jobs 4",
    "stdpnet transform RUN images.npz --key X_train --labels y_train -o features.h5",
)


def run(
    run: RunArgument,
    images: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=".npy, .npz, HDF5 or Zarr file of images (n, height, width[, channels]).",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", metavar="FILE", help="HDF5 file to write, replaced."
        ),
    ],
    key: KeyOption = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="NAME",
            help="Array of labels of the same file, copied as 'y' (default: none).",
        ),
    ] = None,
    shard: ShardOption = 2000,
    jobs: JobsOption = 1,
    scheduler: SchedulerOption = None,
    json: JsonOption = False,
) -> None:
    """Write the features of all images of a file, shard by shard.

    Shards that are finished are kept: the same command goes on after an interruption.
    """
    from stdpnet.analysis import load_run
    from stdpnet.estimators.show import progress_bar
    from stdpnet.shards import check_labels, open_source, write_features

    source = open_source(images, key)
    y = open_source(images, labels) if labels else None
    if y is not None:
        check_labels(y, source)
    with contextlib.ExitStack() as stack:
        bar = stack.enter_context(progress_bar())
        task = bar.add_task("features", total=len(source))
        client = stack.enter_context(workers(scheduler, jobs))
        write_features(
            load_run(run),
            source,
            out,
            client,
            labels=y,
            size=shard,
            watch=lambda done, _: bar.update(task, completed=done),
        )
    if json:
        print_json({"file": out, "images": len(source)})
    else:
        print_pairs({"features": shlex.quote(str(out)), "images": f"{len(source):,}"})
