"""What it costs that two ensembles learn together, beside what each costs alone.

    python benchmarks/senses.py [--neurons 400] [--pairs 1000] [--repeats 5]

Image and audio ensembles of MNIST and FSDD, each alone and both joined, in turn. Printed
are medians in ms a pair, their spread, and the ratio of the joined network to the sum of
the others. Programs are compiled before, thresholds and weights have learned from some
pairs; sums of weights are restored and presentations repeated as always.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from stdpnet import FullyConnectedSTDP, MultimodalSTDP
from stdpnet.datasets.paired import load_pairs

SENSES = ("image", "audio")


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def networks(neurons: int) -> dict[str, FullyConnectedSTDP | MultimodalSTDP]:
    """Return both ensembles alone, and joined."""
    alone = {name: FullyConnectedSTDP(neurons, random_state=0) for name in SENSES}
    joined = [(name, FullyConnectedSTDP(neurons)) for name in SENSES]
    return {**alone, "joined": MultimodalSTDP(joined, random_state=0)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--before", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    data = load_pairs("mnist+fsdd", SENSES)
    order = np.random.default_rng(0).permutation(len(data.X_train))
    pairs = data.X_train[order]
    made = networks(options.neurons)

    def shown(name: str, first: int, n: int) -> object:
        X = pairs[first : first + n].arrays()
        return made[name].partial_fit(X.get(name, X))

    for name in made:
        shown(name, 0, options.before)
    found: dict[str, list[float]] = {name: [] for name in made}
    for repeat in range(options.repeats):
        first = options.before + repeat * options.pairs
        for name, times in found.items():
            took = seconds(partial(shown, name, first, options.pairs))
            times.append(1000 * took / options.pairs)
    for name, times in found.items():
        print(
            f"{name:8}{statistics.median(times):7.2f} ms a pair "
            f"({min(times):.2f} to {max(times):.2f})"
        )
    ratios = [j / (i + a) for i, a, j in zip(*found.values(), strict=True)]
    print(
        f"joined / (image + audio) = {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
