"""``stdpnet evaluate``: score a run once more, or on other data."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer

from stdpnet.cli.options import (
    DataOption,
    JobsOption,
    JsonOption,
    KeyOption,
    RunArgument,
    SchedulerOption,
    ShardOption,
    examples,
    whole_option,
    workers,
)
from stdpnet.cli.output import print_json, print_table

EPILOG = examples(
    "stdpnet evaluate runs/conv-stdp-mnist-1",
    "stdpnet evaluate runs/conv-stdp-mnist-1 --dataset fashion-mnist",
    "stdpnet evaluate runs/conv-stdp-mnist-1 --images more.h5 --jobs 2",
)


def run(
    run: RunArgument,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            metavar="D",
            help="Data to score instead; the readout is fitted to their labels, "
            "the kernels stay (default: the run's own).",
        ),
    ] = None,
    data: DataOption = None,
    n_test: Annotated[
        int | None,
        whole_option(
            "--n-test",
            1,
            "Test images to score (default: as in the run, all of other data).",
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="FILE",
            help="Score all images of this file, shard by shard, so that they need not "
            "fit into memory (default: the run's test images).",
        ),
    ] = None,
    key: KeyOption = None,
    labels: Annotated[
        str,
        typer.Option(
            "--labels", metavar="NAME", help="Array of their labels, with --images."
        ),
    ] = "y",
    shard: ShardOption = 2000,
    jobs: JobsOption = 1,
    scheduler: SchedulerOption = None,
    json: JsonOption = False,
) -> None:
    """Score the features of a run once more, or on other data."""
    from stdpnet.training import evaluate

    if images is None:
        if scheduler or key:
            raise ValueError("--scheduler and --key go with --images; give all or none")
        scores = evaluate(run, dataset=dataset, data=data, n_test=n_test, jobs=jobs)
    elif dataset or n_test:
        raise ValueError(
            "--images scores all of a file; leave --dataset and --n-test out"
        )
    else:
        file, cluster = (images, key, labels), workers(scheduler, jobs)
        scores = _evaluate_file(run, file, data, cluster, shard)
    if json:
        print_json(scores)
    else:
        print_scores(scores)


def _evaluate_file(
    run_path: Path,
    file: tuple[Path, str | None, str],
    data: Path | None,
    cluster: AbstractContextManager[Any],
    size: int,
) -> dict[str, Any]:
    from stdpnet.analysis import load_run
    from stdpnet.estimators.show import progress_bar
    from stdpnet.shards import evaluate_shards, open_source
    from stdpnet.training.evaluation import data_of

    path, key, labels = file
    run = load_run(run_path)
    images, y = open_source(path, key), open_source(path, labels)
    with cluster as client, progress_bar() as bar:
        task = bar.add_task("evaluation", total=None)
        return evaluate_shards(
            run,
            images,
            y,
            data_of(run, data),
            client,
            size=size,
            watch=lambda done, n: bar.update(task, completed=done, total=n),
        )


def print_scores(scores: dict[str, Any]) -> None:
    """Print the accuracy of all test images and of each class."""
    from stdpnet.analysis.numbers import percent, whole

    print(
        f"test accuracy {percent(scores['accuracy'])} of {whole(scores['n_test'])} images "
        f"of {scores['dataset']} (readout from {whole(scores['n_train'])} labelled images)"
    )
    per_class = scores.get("per_class", {})
    if per_class:
        rows = [(name, percent(value)) for name, value in per_class.items()]
        print_table(("class", "accuracy"), rows)
