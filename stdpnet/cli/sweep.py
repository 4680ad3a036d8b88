"""``stdpnet sweep``: many runs of a specification with other values."""

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stdpnet.cli.options import (
    DataOption,
    DatasetOption,
    JobsOption,
    JsonOption,
    NFitOption,
    NTestOption,
    NTrainOption,
    SchedulerOption,
    TestFractionOption,
    examples,
    number,
    whole_option,
)
from stdpnet.cli.output import print_json, print_pairs

if TYPE_CHECKING:
    from stdpnet.cluster import LocalWorkers
    from stdpnet.sweep import Sweep

EPILOG = examples(
    "stdpnet sweep conv-stdp --param rule.learning_rate=0.001:0.1:log --trials 8 --jobs 2",
    "stdpnet sweep conv-stdp --param network.n_maps=16,32,64 --sampler grid --seeds 3",
    "stdpnet sweep --resume --out sweeps/conv-stdp-digits-1 --jobs 2",
)


def run(
    context: typer.Context,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            help="A name that 'stdpnet models' shows, or a TOML file (default: with --resume that of the sweep).",
        ),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="KEY=VALUES",
            help="What to vary: LOW:HIGH, LOW:HIGH:log, LOW:HIGH:STEP or VALUE,VALUE,...; "
            "can be given many times (default: those of the specification's [sweep]).",
        ),
    ] = None,
    n_trials: Annotated[
        int | None,
        whole_option(
            "--trials", 1, "Combinations to try (default: 20; with --sampler grid all)."
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        whole_option("--seeds", 1, "Networks a trial, seeds 0, 1, ... (default: 1)."),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            metavar="NAME",
            help="How values are chosen: tpe, random, grid, quasi-random or nsga2 "
            "(default: tpe).",
        ),
    ] = None,
    objectives: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            metavar="NAME",
            help="What to compare: accuracy, connectivity, bytes, events, energy, spikes "
            "or seconds; can be given many times (default: accuracy).",
        ),
    ] = None,
    pruner: Annotated[
        str | None,
        typer.Option(
            "--pruner",
            metavar="NAME",
            help="Give up hopeless trials on the way: none, median or halving "
            "(default: none).",
        ),
    ] = None,
    dataset: DatasetOption = None,
    n_fit: NFitOption = None,
    n_train: NTrainOption = None,
    n_test: NTestOption = None,
    validation: Annotated[
        float,
        typer.Option(
            "--validation",
            metavar="F",
            parser=number,
            help="Share of the training images that trials are scored on; the test set is "
            "for the best alone.",
        ),
    ] = 0.2,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change one value for all trials; can be given many times (default: none).",
        ),
    ] = None,
    seed: Annotated[
        int, whole_option("--seed", 0, "Seed of the choice of values.", metavar="S")
    ] = 0,
    control: Annotated[
        bool,
        typer.Option(
            "--control",
            help="Train the shuffled control of each too (default: do not).",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="New folder (default: sweeps/SPEC-DATASET-N, the next free N).",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the sweep in --out, or help whoever is at work on it "
            "(default: start a new one).",
        ),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="With --resume: try the values of trials that failed once more "
            "(default: do not).",
        ),
    ] = False,
    jobs: JobsOption = 1,
    scheduler: SchedulerOption = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="Database of the trials, such as postgresql://USER@HOST/NAME "
            "(default: a file in --out).",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name in the database (default: the folder's).",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--max-seconds",
            metavar="S",
            parser=number,
            help="Limit of the time of a run (default: none).",
        ),
    ] = None,
    megabytes: Annotated[
        float | None,
        typer.Option(
            "--max-memory",
            metavar="MB",
            parser=number,
            help="Limit of a run's memory (default: none).",
        ),
    ] = None,
    data: DataOption = None,
    test_fraction: TestFractionOption = 0.2,
    json: JsonOption = False,
) -> None:
    """Train a network many times with other values, and find the best.

    Every trial is scored on images held out of the training set; the best one then
    on the test set. 'stdpnet report' makes one page of it.
    """
    from stdpnet.cluster import LocalWorkers
    from stdpnet.extras import require

    words: list[str] = context.find_root().obj
    if spec is None and not resume:
        raise ValueError(
            "give the name or file of a specification, or --resume and --out"
        )
    options = {
        "dataset": dataset,
        "n_trials": n_trials,
        "seeds": seeds,
        "sampler": sampler,
        "objectives": tuple(objectives or ()),
        "pruner": pruner,
        "n_fit": n_fit,
        "n_train": n_train,
        "n_test": n_test,
        "validation": validation,
        "overrides": tuple(overrides or ()),
        "seed": seed,
        "control": control,
        "out": out,
        "resume": resume,
        "retry_failed": retry_failed,
        "jobs": jobs,
        "scheduler": scheduler,
        "storage": storage,
        "name": name,
        "seconds": seconds,
        "megabytes": megabytes,
        "data": data,
        "test_fraction": test_fraction,
        "command": shlex.join(["stdpnet", *words]),
    }
    require("sweep", "optuna", "distributed")
    # They get ready while the sweep is being made.
    with contextlib.nullcontext() if scheduler else LocalWorkers() as workers:
        sweep = _run(spec or "", parameters or [], options, workers)
    if json:
        print_json(result(sweep))
    else:
        print_result(sweep)


def _run(
    spec: str,
    parameters: list[str],
    options: dict[str, Any],
    workers: "LocalWorkers | None",
) -> "Sweep":
    from stdpnet.sweep import Sweep, SweepInterrupted
    from stdpnet.sweep.progress import Progress
    from stdpnet.sweep.space import read_parameters

    try:
        with Progress() as progress:
            varied = read_parameters(parameters)
            return Sweep(spec, varied, progress, workers, **options).run()
    except SweepInterrupted as interrupt:
        place = shlex.quote(str(interrupt.path))
        raise KeyboardInterrupt(
            f"interrupted; what was finished is kept in {interrupt.path}. "
            f"Go on with: stdpnet sweep --resume --out {place}"
        ) from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt("interrupted before any trial began") from None


def result(sweep: "Sweep") -> dict[str, Any]:
    """Return what came out of a sweep, for JSON."""
    best, tested = sweep.study.best(), sweep.study.tested()
    return {
        "sweep": sweep.folder.path,
        "trials": sweep.study.counts(),
        "objectives": list(sweep.definition.objectives),
        "best": None
        if best is None
        else {"trial": best.number, "values": best.values, "parameters": best.params},
        "test": tested or None,
    }


def print_result(sweep: "Sweep") -> None:
    """Print the best trial, where everything is, and what to do next."""
    from stdpnet.sweep.numbers import result_lines
    from stdpnet.sweep.results import load_results

    for line in result_lines(load_results(sweep.folder.path, sweep.options.storage)):
        print(line)
    place = shlex.quote(str(sweep.folder.path))
    print_pairs({"sweep": sweep.folder.path, "next": f"stdpnet report {place}"})
