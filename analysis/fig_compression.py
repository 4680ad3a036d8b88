"""Figure and table: accuracy against connectivity and levels, with baselines.

    STDPNET_DATA=... python analysis/fig_compression.py --out results.json [--seeds 0 1 2]
        [--passes 3] [--neurons 400] [--shares 0.5 0.8 0.9 0.95] [--draw FILE.png]

The dense network of Diehl and Cook on MNIST. *While learning*: synapses are pruned in
cubic steps until 4/9 of the images were shown, those left are then rounded to 8 levels
until the end. *After learning*: the same share of the weakest weights of the network that
was not compressed goes at once, and thresholds settle on 20,000 images with weights kept.
*Random*: the same, but which synapses go is random. Neurons are labelled by 10,000
training images, the 10,000 test images are scored. Finished rows are in the JSON file and
are not computed again.
"""

import argparse
import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet import FullyConnectedSTDP, load_dataset
from stdpnet.compression import (
    PruningSchedule,
    QuantizationSchedule,
    prune_to,
    random_mask,
)
from stdpnet.estimators.control import settle
from stdpnet.runs import write_atomically

LABELLED, SETTLED = 10_000, 20_000
LEVELS = (2, 4, 8, 16)


def schedules(
    share: float, levels: int, n_total: int
) -> tuple[PruningSchedule | None, QuantizationSchedule | None]:
    """Return what happens to the weights while so many images are shown."""
    start, end = n_total // 18, n_total * 4 // 9
    pruning = quantization = None
    if share:
        pruning = PruningSchedule(
            criterion="quantile",
            threshold=share,
            start=start,
            every=start // 2,
            end=end,
            ramp="cubic",
            scope="share",
        )
    if levels:
        quantization = QuantizationSchedule(
            levels=levels, spacing="adaptive", start=end, every=start, end=n_total
        )
    return pruning, quantization


def learned(
    options: argparse.Namespace, seed: int, data: Any, **parts: Any
) -> FullyConnectedSTDP:
    """Return a network that has learned from all training images."""
    network = FullyConnectedSTDP(
        options.neurons,
        n_epochs=options.passes,
        random_state=seed,
        n_jobs=options.jobs,
        **parts,
    )
    return network.fit(data.X_train)


def masked(
    network: FullyConnectedSTDP, mask: np.ndarray, levels: int, data: Any
) -> FullyConnectedSTDP:
    """Return a network pruned after learning, rounded, with thresholds that have settled."""
    made = deepcopy(network)
    made.weights_ = np.where(mask, made.weights_, 0).astype(made.weights_.dtype)
    if levels:
        quantization = QuantizationSchedule(levels=levels, spacing="adaptive")
        made.weights_, made.levels_ = quantization.quantize(made.weights_, mask, 1.0)
    settle(made, data.X_train[:SETTLED])
    return made


def scored(network: FullyConnectedSTDP, data: Any) -> dict[str, float]:
    """Label the neurons and return the numbers of a row."""
    network.label(data.X_train[:LABELLED], data.y_train[:LABELLED])
    counts = network.counts_
    return {
        "accuracy": network.score(data.X_test, data.y_test),
        "connectivity": float(np.mean(network.weights_ > 0)),
        "n_levels": float(len(np.unique(network.weights_[network.weights_ > 0]))),
        "events": counts["afferents.events"] / network.n_shown_,
        "updates": counts["afferents.updates"] / network.n_shown_,
    }


def study(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Compute all rows that are not there yet."""
    data = load_dataset("mnist", download=False)
    n_total = options.passes * len(data.X_train)
    path = Path(options.out)
    rows: dict[str, dict[str, float]] = (
        json.loads(path.read_text()) if path.exists() else {}
    )

    def add(name: str, made: Any) -> None:
        if name in rows:
            return
        rows[name] = scored(made(), data)
        print(name, rows[name], file=sys.stderr, flush=True)
        write_atomically(path, json.dumps(rows, indent=1).encode())

    for seed in options.seeds:
        whole = Path(f"{options.out}-{seed}.h5")
        if not whole.exists():
            learned(options, seed, data).save(whole)
        network = FullyConnectedSTDP.load(whole)
        network.n_jobs = options.jobs
        add(f"whole {seed}", lambda n=network: deepcopy(n))
        wanted = [(share, 8) for share in options.shares]
        wanted += [(options.at, levels) for levels in (*LEVELS, 0)]
        for share, levels in dict.fromkeys(wanted):
            pruning, quantization = schedules(share, levels, n_total)
            parts = {"pruning": pruning, "quantization": quantization}
            add(
                f"learning {share} {levels} {seed}",
                lambda s=seed, p=parts: learned(options, s, data, **p),
            )
        shape = network.weights_.shape
        for share in options.shares:
            masks = {
                "after": prune_to(network.weights_, share, "share"),
                "random": random_mask(
                    shape, share, np.random.default_rng(seed), "target"
                ),
            }
            for name, mask in masks.items():
                add(
                    f"{name} {share} 8 {seed}",
                    lambda n=network, m=mask: masked(n, m, 8, data),
                )
    return rows


def means(
    rows: dict[str, dict[str, float]],
) -> dict[tuple[str, float, int], tuple[float, float, float, int]]:
    """Return connectivity, mean accuracy, its deviation and the number of seeds."""
    groups: dict[tuple[str, float, int], list[dict[str, float]]] = {}
    for name, row in rows.items():
        kind, *numbers, _ = name.split()
        key = (kind, float(numbers[0]), int(numbers[1])) if numbers else (kind, 0.0, 0)
        groups.setdefault(key, []).append(row)
    found = {}
    for key, members in groups.items():
        accuracy = np.array([row["accuracy"] for row in members])
        deviation = float(accuracy.std(ddof=1)) if len(accuracy) > 1 else 0.0
        connectivity = float(np.mean([row["connectivity"] for row in members]))
        found[key] = (connectivity, float(accuracy.mean()), deviation, len(accuracy))
    return found


def draw(rows: dict[str, dict[str, float]], file: str, at: float) -> None:
    """Draw accuracy against connectivity, and against the number of levels."""
    from matplotlib.figure import Figure

    found = means(rows)
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    names = {
        "learning": "while learning",
        "after": "after learning",
        "random": "random",
    }
    for kind, label in names.items():
        points = sorted(
            (c, 100 * a, 100 * d)
            for (k, _, levels), (c, a, d, _) in found.items()
            if k == kind and levels == 8
        )
        if points:
            left.errorbar(
                *zip(*points, strict=True), marker="o", capsize=2, label=label
            )
    levels = sorted(
        (n, 100 * a, 100 * d)
        for (k, s, n), (_, a, d, _) in found.items()
        if k == "learning" and s == at
    )
    float32 = [row for row in levels if row[0] == 0]
    rounded = [row for row in levels if row[0]]
    if rounded:
        x, y, error = zip(*rounded, strict=True)
        right.errorbar(range(len(x)), y, error, marker="o", capsize=2)
        right.set_xticks([*range(len(x)), len(x)], [*map(str, x), "float"])
    if float32:
        right.errorbar(
            [len(rounded)], [float32[0][1]], [float32[0][2]], marker="s", capsize=2
        )
    whole = found.get(("whole", 0.0, 0))
    for ax in (left, right):
        if whole:
            ax.axhline(100 * whole[1], color="0.5", linestyle="--", linewidth=1)
        ax.spines[["top", "right"]].set_visible(False)
    left.set(
        xlabel="Synapses left (share), 8 levels",
        ylabel="Test accuracy (%)",
        xlim=(0, None),
    )
    right.set(xlabel=f"Levels, {1 - at:.0%} of the synapses left")
    left.legend(frameon=False, loc="lower right")
    figure.savefig(file, dpi=150)


def table(rows: dict[str, dict[str, float]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| synapses go | left | levels | accuracy % | seeds |",
        "|---|---|---|---|---|",
    ]
    for (kind, _, levels), (connectivity, mean, deviation, n) in means(rows).items():
        spread = f" ± {100 * deviation:.2f}" if n > 1 else ""
        lines.append(
            f"| {kind} | {100 * connectivity:.1f} % | {levels or 'float'} | {100 * mean:.2f}{spread} | {n} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Compute, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="JSON file of finished rows")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--shares", type=float, nargs="+", default=[0.5, 0.8, 0.9, 0.95]
    )
    parser.add_argument("--at", type=float, default=0.9, help="share for the levels")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--neurons", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--draw", help="PNG, PDF or SVG file")
    options = parser.parse_args()
    rows = study(options)
    print(table(rows))
    if options.draw:
        draw(rows, options.draw, options.at)


if __name__ == "__main__":
    main()
