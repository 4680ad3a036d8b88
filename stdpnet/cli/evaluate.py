"""``stdpnet evaluate``: score a run once more, or on other data."""

from typing import Annotated, Any

import typer

from stdpnet.cli.options import (
    DataOption,
    JobsOption,
    JsonOption,
    RunArgument,
    examples,
    whole_option,
)
from stdpnet.cli.output import print_json, print_table

EPILOG = examples(
    "stdpnet evaluate runs/conv-stdp-mnist-1",
    "stdpnet evaluate runs/conv-stdp-mnist-1 --dataset fashion-mnist",
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
    jobs: JobsOption = 1,
    json: JsonOption = False,
) -> None:
    """Score the features of a run once more, or on other data."""
    from stdpnet.training import evaluate

    scores = evaluate(run, dataset=dataset, data=data, n_test=n_test, jobs=jobs)
    if json:
        print_json(scores)
    else:
        print_scores(scores)


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
