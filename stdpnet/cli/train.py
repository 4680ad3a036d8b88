"""``stdpnet train``: learn from a data set, leave a run folder that explains itself."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stdpnet.cli.options import (
    DataOption,
    DatasetOption,
    JobsOption,
    JsonOption,
    NFitOption,
    NTestOption,
    NTrainOption,
    TestFractionOption,
    examples,
    whole_option,
)
from stdpnet.cli.output import print_json, print_pairs, print_table

if TYPE_CHECKING:
    from stdpnet.training import TrainOptions

EPILOG = examples(
    "stdpnet train conv-stdp --dataset digits",
    "stdpnet train conv-stdp --dataset mnist --data ~/data --n-fit 2000 --n-train 10000",
    "stdpnet train two-senses --dataset digits+synthetic-digits",
    "stdpnet train conv-stdp --set network.n_maps=32 --set rule.learning_rate=0.02 --seed 7",
)


def run(
    context: typer.Context,
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            help="Network: a name that 'stdpnet models' lists, or a TOML file.",
        ),
    ],
    dataset: DatasetOption = None,
    n_fit: NFitOption = None,
    n_train: NTrainOption = None,
    n_test: NTestOption = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change one value of the network, such as rule.learning_rate=0.02; "
            "can be given many times (default: none).",
        ),
    ] = None,
    seed: Annotated[
        int, whole_option("--seed", 0, "Seed of all randomness.", metavar="S")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="New run folder (default: runs/SPEC-DATASET-N, the next free N).",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the unfinished run in --out (default: start a new one).",
        ),
    ] = False,
    jobs: JobsOption = 1,
    data: DataOption = None,
    no_control: Annotated[
        bool,
        typer.Option(
            "--no-control",
            help="Leave out the same network with shuffled kernels (default: score both).",
        ),
    ] = False,
    control_kernels: Annotated[
        str,
        typer.Option(
            "--control-kernels",
            metavar="KIND",
            help="Kernels of that network: 'shuffled', the learned ones in another order, "
            "or 'random', those that learning began with.",
        ),
    ] = "shuffled",
    on_disk: Annotated[
        bool,
        typer.Option(
            "--on-disk",
            help="Keep features in RUN/features, for more of them than fit into memory; "
            "an interruption loses none (default: in memory).",
        ),
    ] = False,
    test_fraction: TestFractionOption = 0.2,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace a run in --out (default: refuse)."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Learn kernels from unlabelled images, and score their features.

    Writes a run folder with all arrays and numbers and a picture of the kernels;
    'stdpnet report' makes one page of it.
    """
    from stdpnet.training import TrainOptions

    words: list[str] = context.find_root().obj
    options = TrainOptions(
        spec=spec,
        dataset=dataset,
        n_fit=n_fit,
        n_train=n_train,
        n_test=n_test,
        overrides=tuple(overrides or ()),
        seed=seed,
        out=out,
        resume=resume,
        jobs=jobs,
        data=data,
        control=not no_control,
        control_kernels=control_kernels,
        on_disk=on_disk,
        test_fraction=test_fraction,
        force=force,
        command=shlex.join(["stdpnet", *words]),
    )
    _train_and_print(options, words, json)


def _train_and_print(options: "TrainOptions", words: list[str], json: bool) -> None:
    from stdpnet.training import TrainingInterrupted, train

    try:
        folder = train(options)
    except TrainingInterrupted as interrupt:
        raise KeyboardInterrupt(what_is_kept(interrupt.path, words)) from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt("interrupted before learning began") from None
    if json:
        print_json(folder.metadata["metrics"])
    else:
        print_result(folder.path)


def print_result(path: Path) -> None:
    """Print what came out, where it is, and what to do next."""
    print(result_line(path))
    print_senses(path)
    print_pairs(
        {
            "run": path,
            "kernels": path / "kernels.png",
            "next": f"stdpnet report {shlex.quote(str(path))}",
        }
    )


def print_senses(path: Path) -> None:
    """Print what each sense of a network of several tells, with and without the others."""
    from stdpnet.analysis import load_run
    from stdpnet.analysis.numbers import percent

    accuracies = load_run(path).metrics.get("accuracies", {})
    if accuracies:
        rows = [(name, percent(value)) for name, value in accuracies.items()]
        print_table(("senses", "accuracy"), rows)


def result_line(path: Path) -> str:
    """Return accuracy, number of test images and the comparison with the control."""
    from stdpnet.analysis import load_run
    from stdpnet.analysis.numbers import result_parts

    run = load_run(path)
    first, *others = (phrase for _, phrase in result_parts(run))
    if run.metrics.get("accuracy") is None:
        return ", ".join([first, *others])
    aside = f" ({', '.join(others)})" if others else ""
    return f"test accuracy {first.replace(' test ', ' ')}{aside}"


def what_is_kept(path: Path, words: list[str]) -> str:
    """Say in one line what an interrupted run left, and how to go on."""
    from stdpnet.runs import RunFolder
    from stdpnet.training.checkpoint import n_images_learned

    folder = RunFolder.open(path)
    if folder.finished:
        return f"interrupted; the run in {path} is finished"
    shown = n_images_learned(folder)
    kept = (
        f"{shown:,} images are learned and kept" if shown else "no chunk was finished"
    )
    return f"interrupted; {kept} in {path}. Go on with: {_resume_command(path, words)}"


def _resume_command(path: Path, words: list[str]) -> str:
    kept, rest = [], iter(words)
    for word in rest:
        if word == "--out":
            next(rest, None)
        elif word not in ("--resume", "--force") and not word.startswith("--out="):
            kept.append(word)
    return shlex.join(["stdpnet", *kept, "--resume", "--out", str(path)])
