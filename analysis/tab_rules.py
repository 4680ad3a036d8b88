"""Table of learning rules: the MNIST network trained with each of them.

    STDPNET_DATA=... python analysis/tab_rules.py [NAME ...] [--labels 10000] [--seeds 3] [--validate]

The network is ``models/conv-stdp-mnist.toml``; a row changes the rule alone (TripletSTDP
is not among them: neurons of this network spike once). Kernels
learn from 5,000 unlabelled images, a linear readout from the labelled ones, both of the
training set; the 10,000 test images are scored (with ``--validate`` the last 10,000
training images instead: constants of the rules were chosen there). Prints a Markdown table.
"""

import argparse
import sys
import time
import warnings

import numpy as np

from stdpnet.datasets import load_dataset
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.spec import make_banks, make_readout
from stdpnet.specs import load_spec
from stdpnet.training.scoring import features_of

SPEC = "conv-stdp-mnist"
#: Name of a row: the rule, and its constants where the defaults do not fit one
#: spike an input in 16 steps.
RULES: dict[str, tuple[str, ...]] = {
    "TraceSTDP (as specified)": (),
    "TraceSTDP, additive": ("rule.bounds=hard", "rule.learning_rate=0.005"),
    "PowerLawSTDP": ("rule.type=PowerLawSTDP", "rule.tau_pre=16 ms", "rule.offset=0.43", "rule.learning_rate=0.005"),
    "ExponentialSTDP": ("rule.type=ExponentialSTDP", "rule.tau_pre=16 ms", "rule.offset=0.3", "rule.learning_rate=0.005"),
    "SimplifiedSTDP": ("rule.type=SimplifiedSTDP", "rule.learning_rate=0.004"),
    "PairSTDP": ("rule.type=PairSTDP", "rule.tau_plus=16 ms", "rule.tau_minus=16 ms", "rule.learning_rate=0.005"),
    "SymmetricSTDP": ("rule.type=SymmetricSTDP", "rule.tau_pre=16 ms", "rule.tau_post=16 ms", "rule.offset=0.43", "rule.learning_rate=0.005"),
    "StochasticSTDP": ("rule.type=StochasticSTDP", "rule.tau_plus=6 ms", "rule.tau_minus=6 ms", "rule.learning_rate=0.02", "rule.depression=1"),
    "WindowSTDP": ("rule.type=WindowSTDP", "rule.tau_plus=16 ms", "rule.tau_minus=16 ms", "rule.learning_rate=0.02", "rule.depression=1"),
    "LongShortTermSTDP": ("rule.type=LongShortTermSTDP", "rule.learning_rate=0.05", "rule.depression=1"),
    "HybridSTDP": ("rule.type=HybridSTDP", "rule.recent=0.43", "rule.tau_plus=16 ms", "rule.learning_rate=0.02", "rule.anti_hebbian=1", "rule.depression=0"),
    "HybridSTDP, mini-batch": ("rule.type=HybridSTDP", "rule.recent=0.43", "rule.tau_plus=16 ms", "rule.learning_rate=0.02", "rule.anti_hebbian=1", "rule.depression=0", "rule.aggregate=mini-batch", "rule.batch=10"),
}  # fmt: skip


def distinct(kernels: np.ndarray, limit: float = 0.9) -> int:
    """Count kernels that correlate less than `limit` with every one counted before."""
    flat = kernels.reshape(len(kernels), -1).astype(float)
    flat = flat - flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1)
    flat = flat[norm > 1e-6] / norm[norm > 1e-6, np.newaxis]
    kept: list[np.ndarray] = []
    for kernel in flat:
        if all(kernel @ other < limit for other in kept):
            kept.append(kernel)
    return len(kept)


def row(name: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    """Learn, score and return the numbers of one row and seed."""
    data = load_dataset("mnist", download=False)
    spec = load_spec(SPEC, [*RULES[name], *options.set])
    network = make_banks(spec, seed=seed, n_jobs=options.jobs)["main"]
    n_train = 50_000 if options.validate else 60_000
    images = data.X_train[
        np.random.default_rng(seed).permutation(n_train)[: options.fit]
    ]
    network.fit(images)
    start = time.perf_counter()
    network.fit(images)  # compiled now
    found = {
        "ms": 1e3 * (time.perf_counter() - start) / network.n_images_shown_,
        "shown": network.n_images_shown_,
        "distinct": distinct(network.kernels_),
        "on": float(network.kernels_.mean()),
    }
    labelled = np.random.default_rng(seed + 1).permutation(n_train)[: options.labels]
    scored = data.X_train[50_000:] if options.validate else data.X_test
    targets = data.y_train[50_000:] if options.validate else data.y_test
    scored, targets = scored[: options.test], targets[: options.test]
    networks = {"learned": network}
    if not options.no_control:
        networks["control"] = shuffled_control(network, images)
    for kind, one in networks.items():
        train = features_of({"main": one}, data.X_train[labelled], kind)
        test = features_of({"main": one}, scored, kind)
        readout = make_readout(spec, n_jobs=options.jobs)
        readout.fit(train.counts, data.y_train[labelled])
        found[kind] = 100 * readout.score(test.counts, targets)
        found[f"{kind} spikes"] = float(test.spikes.sum(axis=1).mean())
    return found


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="rows (default: all)")
    parser.add_argument("--labels", type=int, default=10_000)
    parser.add_argument("--test", type=int, default=10_000)
    parser.add_argument("--fit", type=int, default=5_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--no-control", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    unknown = set(options.names) - set(RULES)
    if unknown:
        sys.exit(
            f"unknown rows: {', '.join(sorted(unknown))}; known: {', '.join(RULES)}"
        )
    print(
        "| rule | accuracy % | control % | distinct kernels | mean weight | images shown | spikes/image | ms/image |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name in options.names or RULES:
        rows = [row(name, seed, options) for seed in range(options.seeds)]
        print(_line(name, rows), flush=True)


def _line(name: str, rows: list[dict[str, float]]) -> str:
    def both(key: str) -> str:
        values = [one[key] for one in rows if key in one]
        if not values:
            return ""
        spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
        return f"{np.mean(values):.2f}{spread}"

    def mean(key: str, digits: int = 0) -> str:
        return f"{np.mean([one[key] for one in rows]):.{digits}f}"

    cells = [name, both("learned"), both("control"), mean("distinct"), mean("on", 2)]
    cells += [mean("shown"), mean("learned spikes"), mean("ms", 2)]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
