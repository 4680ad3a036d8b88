"""Figure and table: accuracy against connectivity and levels, with baselines.

    STDPNET_DATA=... python analysis/fig_compression.py --runs DIR [--seeds 0 1 2] [--all]
        [--jobs N] [--draw FILE.png]

The dense network of Diehl and Cook on MNIST: `diehl-cook-400`, `diehl-cook-400-compressed`,
and with ``--all``, for the first seed, that with other shares and levels. Runs that are
in DIR are not trained again (``whole-0``, ``learning-0.9-8-0``, ...; an interrupted one
goes on). Baselines at equal connectivity: the network that was not compressed, after
learning pruned at once, its weights rounded, and its thresholds settled: on 20,000 images
at the rates of learning, then as in the specification on as many at a fifth of them.
*After* removes what the schedule removes, *after, weakest* the weakest, *random* any.
"""

import argparse
import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet import load_dataset
from stdpnet.analysis import load_run
from stdpnet.compression import QuantizationSchedule, prune_to, random_mask
from stdpnet.datasets import Dataset
from stdpnet.estimators.control import settle
from stdpnet.estimators.learning import SETTLING
from stdpnet.estimators.spec import make_readout
from stdpnet.runs import RunError, write_atomically
from stdpnet.specs import load_spec
from stdpnet.training import TrainOptions, load_banks, train
from stdpnet.training.split import choose

WHOLE, COMPRESSED = "diehl-cook-400", "diehl-cook-400-compressed"
#: Share that goes and levels (0: not rounded), first what the specification has.
POINTS = ((0.9, 8), (0.8, 8), (0.95, 8), (0.9, 2), (0.9, 4), (0.9, 0))
BASELINES = ("after", "after, weakest", "random")
LABELLED, SETTLED = 10_000, 20_000

Row = dict[str, float]


def trained(options: argparse.Namespace, name: str, seed: int) -> Row:
    """Return the numbers of a run, which is trained or goes on if need be."""
    folder = Path(options.runs) / f"{name}-{seed}"
    try:
        return numbers(folder)
    except (FileNotFoundError, RunError):
        kind, *point = name.split("-")
        overrides: list[str] = []
        if point:
            share, levels = float(point[0]), int(point[1])
            overrides.append(f"network.pruning.threshold={share}")
            how = f".levels={levels}" if levels else "=none"
            overrides.append(f"network.quantization{how}")
        asked = TrainOptions(
            spec=WHOLE if kind == "whole" else COMPRESSED,
            dataset="mnist",
            seed=seed,
            out=folder,
            resume=folder.exists(),
            overrides=tuple(overrides),
            control=False,
            jobs=options.jobs,
        )
        train(asked)
    return numbers(folder)


def numbers(folder: Path) -> Row:
    """Return the numbers of a finished run."""
    run = load_run(folder)
    kernels = run.need("kernels", "connectivity")
    events = run.attributes("test/events/main")
    return {
        "accuracy": run.metrics["accuracy"],
        "connectivity": float(np.mean(kernels != 0)),
        "events": events.get("afferents.events", 0) / run.metrics["n_test"],
    }


def masked(network: Any, kind: str, share: float, levels: int, *, data: Dataset) -> Any:
    """Return a network pruned after learning, rounded, with thresholds that have settled."""
    made = deepcopy(network)
    weights = made.state()["afferents.w"]
    if kind == "random":
        rng = np.random.default_rng(made.seed_)
        mask = random_mask(weights.shape, share, rng, "target")
    else:
        asked = load_spec(COMPRESSED)["network"]["pruning"] if kind == "after" else {}
        how = {name: asked[name] for name in ("thin", "relative") if name in asked}
        mask = prune_to(weights, share, "share", **how)
    kept = np.where(mask, weights, 0).astype(weights.dtype)
    if levels:
        rounded = QuantizationSchedule(levels=levels, spacing="adaptive")
        kept, _ = rounded.quantize(kept, mask, 1.0)
    made.weights_ = kept.reshape(made.weights_.shape)
    settle(made, data.X_train[:SETTLED])
    settle(made, data.X_train[SETTLED : 2 * SETTLED], SETTLING)
    return made


def baseline(
    options: argparse.Namespace, kind: str, point: tuple[float, int], seed: int
) -> Row:
    """Return the numbers of a network that was pruned after learning."""
    data = load_dataset("mnist", download=False)
    assert data.y_train is not None  # MNIST has labels
    (network,) = load_banks(load_run(Path(options.runs) / f"whole-{seed}")).values()
    network.set_params(n_jobs=options.jobs, verbose=True)
    made = masked(network, kind, *point, data=data)
    labelled = choose(data, seed, None, LABELLED, None).train
    readout = make_readout(load_spec(WHOLE))
    readout.fit(made.transform(data.X_train[labelled]), data.y_train[labelled])
    accuracy = readout.score(made.transform(data.X_test), data.y_test)
    return {
        "accuracy": float(accuracy),
        "connectivity": float(np.mean(made.weights_ != 0)),
    }


def study(options: argparse.Namespace) -> dict[str, Row]:
    """Return all rows; baselines are kept in a file."""
    file = Path(options.runs) / "baselines.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    rows: dict[str, Row] = {}
    for number, seed in enumerate(options.seeds):
        rows[f"whole 0 0 {seed}"] = trained(options, "whole", seed)
        for share, levels in POINTS if options.all and not number else POINTS[:1]:
            name = f"learning-{share}-{levels}"
            rows[f"learning {share} {levels} {seed}"] = trained(options, name, seed)
            for kind in BASELINES if levels == POINTS[0][1] else ():
                name = f"{kind} {share} {levels} {seed}"
                if name not in known:
                    known[name] = baseline(options, kind, (share, levels), seed)
                    write_atomically(file, json.dumps(known, indent=1).encode())
                rows[name] = known[name]
                print(name, rows[name], file=sys.stderr, flush=True)
    return rows


def means(rows: dict[str, Row]) -> dict[tuple[str, float, int], dict[str, float]]:
    """Return the mean numbers of the seeds, the deviation of accuracy, and their number."""
    groups: dict[tuple[str, float, int], list[Row]] = {}
    for name, row in rows.items():
        kind, share, levels, _ = name.rsplit(" ", 3)
        groups.setdefault((kind, float(share), int(levels)), []).append(row)
    found = {}
    for key, members in groups.items():
        mean = {k: float(np.mean([row[k] for row in members])) for k in members[0]}
        accuracy = [row["accuracy"] for row in members]
        deviation = float(np.std(accuracy, ddof=1)) if len(accuracy) > 1 else 0.0
        found[key] = {**mean, "deviation": deviation, "n": len(accuracy)}
    return found


def draw(rows: dict[str, Row], file: str) -> None:
    """Draw accuracy against connectivity, and against the number of levels."""
    from matplotlib.figure import Figure

    found = means(rows)
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    at, usual = POINTS[0]
    for kind in ("learning", *BASELINES):
        points = sorted(
            (100 * row["connectivity"], 100 * row["accuracy"], 100 * row["deviation"])
            for (k, _, levels), row in found.items()
            if k == kind and levels == usual
        )
        label = "while learning" if kind == "learning" else kind
        left.errorbar(*zip(*points, strict=True), marker="o", capsize=2, label=label)
    rounded = sorted(
        (levels or np.inf, 100 * row["accuracy"], 100 * row["deviation"])
        for (kind, share, levels), row in found.items()
        if kind == "learning" and share == at
    )
    names, *values = zip(*rounded, strict=True)
    right.errorbar(range(len(names)), *values, marker="o", capsize=2)
    ticks = ["float" if name == np.inf else f"{name:g}" for name in names]
    right.set_xticks(range(len(names)), ticks)
    for ax in (left, right):
        ax.axhline(
            100 * found["whole", 0.0, 0]["accuracy"], color="0.5", linestyle="--"
        )
        ax.spines[["top", "right"]].set_visible(False)
    left.set(
        xlabel=f"% of synapses left, {usual} levels",
        ylabel="Test accuracy (%)",
        xlim=(0, None),
    )
    right.set(xlabel=f"Levels, {1 - at:.0%} of synapses left")
    left.legend(frameon=False, loc="lower right")
    figure.savefig(file, dpi=150)


def table(rows: dict[str, Row]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| synapses go | left | levels | accuracy % | input events a test image | seeds |",
        "|---|---|---|---|---|---|",
    ]
    for (kind, _, levels), row in means(rows).items():
        spread = f" ± {100 * row['deviation']:.2f}" if row["n"] > 1 else ""
        events = f"{row['events']:,.0f}" if row.get("events") else ""
        lines.append(
            f"| {kind} | {100 * row['connectivity']:.1f} % | {levels or 'float'} | "
            f"{100 * row['accuracy']:.2f}{spread} | {events} | {row['n']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Compute, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--all", action="store_true", help="other shares and levels")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--draw", help="PNG, PDF or SVG file")
    options = parser.parse_args()
    rows = study(options)
    print(table(rows))
    if options.draw:
        draw(rows, options.draw)


if __name__ == "__main__":
    main()
