"""Table of choices for MNIST, each scored on the last 10,000 training images.

    STDPNET_DATA=... python analysis/tab_mnist_choices.py [NAME ...] [--labels 10000] [--seeds 1] [--jobs 2]

Kernels learn from the first 50,000 training images, the readout from labelled
ones among them; the test set is not touched. Each row changes one thing of
``models/conv-stdp-mnist.toml``. Without names, all rows. Prints a Markdown table.
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
#: Name of a row and what it changes in the specification.
CHOICES: dict[str, tuple[str, ...]] = {
    "as specified": (),
    "ties: all that cross": ("network.inhibition.ties=all",),
    "ties: highest potential": ("network.inhibition.ties=highest",),
    "one winner at test": ("network.feature_winners=1",),
    "five winners at test": ("network.feature_winners=5",),
    "thresholds x 0.85 at test": ("network.feature_scale=0.85",),
    "no competition at test": ("network.feature_winners=1000",),
    "radius 1": ("network.inhibition.radius=1",),
    "64 maps": ("network.n_maps=64",),
    "96 maps": ("network.n_maps=96",),
    "64 maps, all ties, thresholds x 0.85 at test": (
        "network.n_maps=64", "network.inhibition.ties=all", "network.feature_scale=0.85",
        "neuron.theta_plus=0.01", "network.pool.stride=3",
    ),
    "128 maps, all ties, thresholds x 0.85 at test": (
        "network.inhibition.ties=all", "network.feature_scale=0.85", "neuron.theta_plus=0.01",
    ),
    "trace 24 ms, offset 0.5": ("rule.tau_pre=24 ms", "rule.offset=0.5"),
    "threshold increment 0.02": ("neuron.theta_plus=0.02",),
    "kernels 5x5": ("network.kernel_size=5",),
    "kernels 9x9": ("network.kernel_size=9",),
    "pooling 4, stride 4": ("network.pool.size=4", "network.pool.stride=4", "network.pool.padding=0"),
    "pooling 6, stride 3": ("network.pool.size=6", "network.pool.stride=3"),
    "8 steps": ("network.presentation=8 ms", "rule.tau_pre=8 ms"),
    "32 steps": ("network.presentation=32 ms", "rule.tau_pre=32 ms"),
    "intensity to latency": ("encoding.code.type=Latency",),
    "Poisson, 30 steps": (
        "encoding.code.type=Poisson", "encoding.code.max_rate=300 Hz", "network.presentation=30 ms",
    ),
    "learned on patches": ("network.fit_on=patches",),
    "additive bounds": ("rule.bounds=hard",),
    "leaky neurons, 20 ms": (
        "neuron.type=AdaptiveLIF", "neuron.tau_m=20 ms", "neuron.v_th=0", "neuron.theta_plus=0.03",
    ),
    "two kernel sizes, 7 and 5": (
        "network.n_maps=64", "network.banks.seven.kernel_size=7", "network.banks.five.kernel_size=5",
    ),
}  # fmt: skip


def row(
    name: str, seed: int, n_labels: int, n_fit: int, jobs: int, control: bool
) -> dict:
    """Learn, score and return the numbers of one row."""
    data = load_dataset("mnist", download=False)
    spec = load_spec(SPEC, CHOICES[name])
    banks = make_banks(spec, seed=seed, n_jobs=jobs)
    order = np.random.default_rng(seed).permutation(50_000)
    images = data.X_train[order[:n_fit]]
    for bank in banks.values():
        bank.fit(images)
    found = {"shown": sum(bank.n_shown_ for bank in banks.values())}
    networks = {"learned": banks}
    if control:
        networks["control"] = {n: shuffled_control(b, images) for n, b in banks.items()}
    labelled = np.random.default_rng(seed + 1).permutation(50_000)[:n_labels]
    for kind, network in networks.items():
        start = time.perf_counter()
        train = features_of(network, data.X_train[labelled], kind)
        validation = features_of(network, data.X_train[50_000:], kind)
        per_image = (time.perf_counter() - start) / (n_labels + 10_000)
        readout = make_readout(spec, n_jobs=jobs)
        readout.fit(train.counts, data.y_train[labelled])
        found[kind] = readout.score(validation.counts, data.y_train[50_000:])
        if kind == "learned":
            found |= {
                "features": train.counts.shape[1],
                "spikes": float(train.spikes.sum(axis=1).mean()),
                "ms": 1e3 * per_image,
            }
    return found


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="rows (default: all)")
    parser.add_argument("--labels", type=int, default=10_000)
    parser.add_argument("--fit", type=int, default=5_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    unknown = set(options.names) - set(CHOICES)
    if unknown:
        sys.exit(
            f"unknown rows: {', '.join(sorted(unknown))}; known: {', '.join(CHOICES)}"
        )
    print("| choice | validation % | control % | features | spikes/image | ms/image |")
    print("|---|---|---|---|---|---|")
    for name in options.names or CHOICES:
        rows = [
            row(name, seed, options.labels, options.fit, options.jobs, options.control)
            for seed in range(options.seeds)
        ]
        mean = {key: np.mean([r[key] for r in rows]) for key in rows[0]}
        spread = (
            f" ± {100 * np.std([r['learned'] for r in rows], ddof=1):.2f}"
            if len(rows) > 1
            else ""
        )
        control = f"{100 * mean['control']:.2f}" if options.control else ""
        print(
            f"| {name} | {100 * mean['learned']:.2f}{spread} | {control} "
            f"| {mean['features']:.0f} | {mean['spikes']:.0f} | {mean['ms']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
