"""Inference before and after compression: events and time of the same test images.

    python benchmarks/compact.py RUN [--whole RUN] [--images N] [--repeats R] [--json]

RUN is a run of `FullyConnectedSTDP` with pruning; ``--whole`` one without. "Dense" is the
compressed network in the program of the one without pruning, zeros and all: its spikes
are those of the compact one, which is checked. Milliseconds a test image on one core,
encoding and repetitions included, compilation not; the networks take turns.
"""

import argparse
import json
import sys
import time
from copy import deepcopy
from functools import reduce
from statistics import median
from typing import Any

import numpy as np
from bench import one_core

from stdpnet import FullyConnectedSTDP, load_dataset
from stdpnet.analysis import load_run
from stdpnet.estimators.features import compute_features, feature_dtype
from stdpnet.estimators.learning import added
from stdpnet.training import load_banks


def network_of(run: str) -> FullyConnectedSTDP:
    """Return the network of a run, for one core.

    Raises
    ------
    ValueError
        If it is not a single `FullyConnectedSTDP`.
    """
    network, *others = load_banks(load_run(run)).values()
    if others or not isinstance(network, FullyConnectedSTDP):
        raise ValueError(f"{run} must hold one FullyConnectedSTDP, and nothing else")
    network.n_jobs, network.verbose = 1, False
    return network


def dense(network: FullyConnectedSTDP) -> FullyConnectedSTDP:
    """Return a network whose program has all synapses, those that are zero too."""
    made = deepcopy(network)
    made.pruning = None
    return made


def answers(
    network: FullyConnectedSTDP, images: np.ndarray
) -> tuple[np.ndarray, dict[str, int], float]:
    """Return spike counts, events and seconds."""
    layer = network.layer()
    counts: np.ndarray = np.empty(
        (len(images), network.n_neurons), feature_dtype(layer, network.n_steps())
    )
    start = time.perf_counter()
    steps = list(compute_features(network, images, counts))
    seconds = time.perf_counter() - start
    return counts, reduce(added, (step.events for step in steps)), seconds


def measure(
    networks: dict[str, FullyConnectedSTDP], images: np.ndarray, repeats: int
) -> dict[str, dict[str, float]]:
    """Return milliseconds and events an image of each network."""
    n = len(images)
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    found: dict[str, Any] = {}
    for network in networks.values():
        answers(network, images[:1])  # compiles
    for _ in range(repeats):
        for name, network in networks.items():
            *found[name], one = answers(network, images)
            seconds[name].append(one)
    np.testing.assert_array_equal(found["dense"][0], found["compact"][0])
    return {
        name: {
            "ms": 1e3 * median(seconds[name]) / n,
            "events": sum(v for k, v in events.items() if k.endswith(".events")) / n,
            "afferent_events": events["afferents.events"] / n,
        }
        for name, (_, events) in found.items()
    }


def table(rows: dict[str, dict[str, float]]) -> str:
    """Return the rows as text, with ratios to the compact network."""
    head = ("", "ms", "events", "of inputs", "times ms", "times events")
    lines = ["".join(f"{cell:>14s}" for cell in head)]
    last = rows["compact"]
    for name, row in rows.items():
        cells = [f"{row['ms']:.2f}", f"{row['events']:,.0f}"]
        cells += [f"{row['afferent_events']:,.0f}"]
        cells += [f"{row[key] / last[key]:.2f}" for key in ("ms", "events")]
        lines.append("".join(f"{cell:>14s}" for cell in (name, *cells)))
    return "\n".join(lines)


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--whole", help="run without pruning")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    one_core()
    compressed = network_of(options.run)
    networks = {"dense": dense(compressed), "compact": compressed.compact()}
    if options.whole:
        networks = {"uncompressed": network_of(options.whole), **networks}
    images = load_dataset("mnist", download=False).X_test[: options.images]
    print(f"{len(images)} test images of MNIST, one core", file=sys.stderr)
    rows = measure(networks, images, options.repeats)
    print(json.dumps(rows) if options.json else table(rows))


if __name__ == "__main__":
    main()
