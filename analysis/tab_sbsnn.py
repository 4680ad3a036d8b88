"""Table of the stochastic binary network and its twins, on MNIST.

    STDPNET_DATA=... python analysis/tab_sbsnn.py OUT [--rows NAME ...] [--seeds 3] [--validate]

The network is ``models/sbsnn-400.toml``. Twins differ in one thing: neurons that are
deterministic while learning too; graded weights that follow what the binary rule does on
average; kernels of the learned network shuffled, with thresholds settled again. All learn
from the 60,000 training images without labels, 10,000 of them then name the neurons,
and the 10,000 test images are scored (with ``--validate`` the last 10,000 training
images, left out before: constants were chosen there). Networks and numbers are kept in OUT,
and what is there is not computed again. Prints Markdown of all that is there (``--seeds 0``
prints alone).
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet import (
    FullyConnectedSTDP,
    StochasticBinarySTDP,
    load_dataset,
    load_network,
)
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.memory import memory_of
from stdpnet.models.custom import EquationRule
from stdpnet.readout import NeuronVoteClassifier

SPEC = "sbsnn-400"
ROWS = {
    "binary": "binary weights, stochastic neurons",
    "certain": "binary weights, deterministic neurons",
    "graded": "graded weights, deterministic neurons",
    "shuffled": "binary weights, shuffled",
}
LABELLED = 10_000


def graded(network: Any) -> FullyConnectedSTDP:
    """Return the twin whose weights move as binary ones do on average."""
    rule, neuron = network.rule, network.neuron
    mean = EquationRule(
        name="MeanHybrid",
        pre_equations="dpre_trace/dt = -pre_trace / tau_plus : 1",
        on_post="""
        on = int(pre_trace >= recent)
        w = w + learning_rate*(on*(w_max - w) - anti_hebbian*(1 - on)*w)
        """,
        parameters={
            "tau_plus": rule.tau_plus,
            "recent": rule.recent,
            "anti_hebbian": rule.anti_hebbian,
        },
        learning_rate=rule.learning_rate,
        w_max=rule.w_max,
    )
    twin = FullyConnectedSTDP(mean_weight=None, start_weight=0.99)
    shared = set(twin.get_params(deep=False)) & set(network.get_params(deep=False))
    twin.set_params(**{name: getattr(network, name) for name in shared})
    return twin.set_params(rule=mean, neuron=neuron, neuron__noise=0.0)


def learned(
    row: str, seed: int, images: np.ndarray, options: argparse.Namespace
) -> Any:
    """Return the fitted network of a row, and keep it in a file."""
    file = options.out / f"{row}-{seed}.h5"
    if row == "shuffled":
        whole = StochasticBinarySTDP.load(options.out / f"binary-{seed}.h5")
        network = shuffled_control(whole, images)
    else:
        network = load_network(SPEC, options.set, random_state=seed)
        if row == "certain":
            network.set_params(neuron__noise=0.0)
        if row == "graded":
            network = graded(network)
        network.fit(images)
    network.save(file)
    return network


def numbers(row: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Learn, name the neurons, score."""
    data = load_dataset("mnist", download=False)
    n_train = 50_000 if options.validate else 60_000
    images = data.X_train[:n_train]
    scored, targets = data.X_test, data.y_test
    if options.validate:
        scored, targets = data.X_train[n_train:], data.y_train[n_train:]
    begin = time.perf_counter()
    network = learned(row, seed, images, options)
    seconds = time.perf_counter() - begin
    named = np.random.default_rng(seed).permutation(n_train)[:LABELLED]
    votes = NeuronVoteClassifier(vote="proportion")
    votes.fit(network.transform(images[named]), data.y_train[named])
    counts = network.transform(scored)
    memory = memory_of(network)
    return {
        "accuracy": 100 * votes.score(counts, targets),
        "spikes": float(counts.sum(axis=1).mean()),
        "on": float(network.weights_.mean()),
        "n_images": network.n_images_shown_,
        "bytes": memory.synaptic_bytes,
        "factor": memory.synaptic_factor,
        "minutes": seconds / 60,
    }


def line(row: str, found: list[dict[str, Any]]) -> str:
    """Return a row of the table."""
    scores = np.array([one["accuracy"] for one in found])
    spread = f" ± {scores.std(ddof=1):.2f}" if len(scores) > 1 else ""
    mean = {key: np.mean([one[key] for one in found]) for key in found[0]}
    cells = [
        ROWS[row],
        f"{scores.mean():.2f}{spread}",
        ", ".join(f"{score:.2f}" for score in scores),
        f"{mean['bytes']:,.0f}",
        f"{mean['factor']:.1f}",
        f"{mean['on']:.3f}",
        f"{mean['spikes']:.1f}",
        f"{mean['minutes']:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    options.out.mkdir(parents=True, exist_ok=True)
    for row in options.rows:
        for seed in range(options.seeds):
            file = options.out / f"{row}-{seed}.json"
            if not file.exists():
                file.write_text(json.dumps(numbers(row, seed, options), indent=1))
                print(file, file=sys.stderr, flush=True)
    print(
        "| network | accuracy % | by seed | synaptic bytes | times less | mean weight "
        "| spikes/image | minutes |\n|---|---|---|---|---|---|---|---|"
    )
    for row in options.rows:
        files = sorted(options.out.glob(f"{row}-*.json"))
        if files:
            print(line(row, [json.loads(file.read_text()) for file in files]))


if __name__ == "__main__":
    main()
