"""Tables of CIFAR-10: choices scored on training images, then all labels and the test set.

    STDPNET_DATA=... python analysis/tab_cifar10.py choices OUT [NAME ...] [--seed 0] [--labels 8000]
    STDPNET_DATA=... python analysis/tab_cifar10.py final OUT [NAME ...] [--seed 0] [--jobs 1]

*choices*: each row changes one thing of ``models/conv-stdp-cifar10-512.toml`` (with 256
maps, so that a row takes minutes); kernels learn from 3,000 of the first 40,000 training
images, the readout from 8,000 of them, and the first 5,000 of the last 10,000 are scored.
*final*: the specification as it stands, all 50,000 labels, the 10,000 test images.

OUT is a folder: what is there already is not computed again, so a run that was
interrupted goes on. Prints Markdown tables.
"""

import argparse
import json
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from stdpnet.datasets import Dataset, load_dataset
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.spec import make_banks
from stdpnet.readout import LinearReadout, MLPReadout
from stdpnet.specs import load_spec
from stdpnet.training.scoring import features_of
from stdpnet.training.split import choose

SPEC = "conv-stdp-cifar10-512"
SMALL = ("network.n_maps=256", "neuron.theta_plus=0.03")
#: Name of a row and what it changes in the specification.
CHOICES: dict[str, tuple[str, ...]] = {
    "as specified": (),
    "spikes counted, whenever they are": ("network.feature_code=count",),
    "one winner a step at test": ("network.inhibition.ties=strongest",),
    "3 winners at test": ("network.feature_winners=3",),
    "8 winners at test": ("network.feature_winners=8",),
    "32 winners at test": ("network.feature_winners=32",),
    "thresholds not scaled at test": ("network.feature_scale=1.0",),
    "thresholds x 0.6 at test": ("network.feature_scale=0.6",),
    "128 maps": ("network.n_maps=128", "neuron.theta_plus=0.015"),
    "512 maps": ("network.n_maps=512", "neuron.theta_plus=0.06"),
    "thresholds half as high": ("neuron.theta_plus=0.015", "neuron.theta_start=10"),
    "thresholds twice as high": ("neuron.theta_plus=0.06",),
    "kernels 4x4": ("network.kernel_size=4",),
    "kernels 7x7": ("network.kernel_size=7", "neuron.theta_start=25"),
    "whitening of 5x5 patches": ("encoding.filter.patch_size=5",),
    "whitening of 13x13 patches": ("encoding.filter.patch_size=13",),
    "epsilon 0.02": ("encoding.filter.epsilon=0.02",),
    "epsilon 0.001": ("encoding.filter.epsilon=0.001",),
    "pooling 14, stride 14": ("network.pool.stride=14",),
    "pooling 7, stride 7": ("network.pool.size=7",),
    "512 maps, one winner a step": (
        "network.n_maps=512",
        "neuron.theta_plus=0.06",
        "network.inhibition.ties=strongest",
    ),
    "512 maps, half of them 3x3": (
        "network.banks.small.kernel_size=3",
        "network.banks.small.neuron.theta_start=5",
        "network.banks.large.kernel_size=5",
    ),
    "512 maps, half of them 7x7": (
        "network.banks.small.kernel_size=5",
        "network.banks.large.kernel_size=7",
        "network.banks.large.neuron.theta_start=25",
    ),
    "512 maps, two banks of 5x5": (
        "network.banks.one.kernel_size=5",
        "network.banks.other.kernel_size=5",
    ),
}  # fmt: skip
N_UNLABELLED, N_VALIDATION = 3_000, 5_000
READOUTS = {
    "linear": partial(
        LinearReadout, C=3e-4, scale="std", count_transform="sqrt", n_jobs=1
    ),
    "mlp": MLPReadout,
}


class Kept:
    """Arrays and numbers in a folder, made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def array(self, name: str, make) -> np.ndarray:
        """Return the array of this name, from the folder if it is there."""
        path = self.folder / f"{name}.npy"
        if not path.exists():
            np.save(path, make())
        return np.load(path, mmap_mode="r")

    def row(self, name: str, make) -> dict:
        """Return the numbers of this name, from the folder if they are there."""
        path = self.folder / f"{name.replace(' ', '_').replace('/', '_')}.json"
        if not path.exists():
            path.write_text(json.dumps(make(), indent=1) + "\n")
        return json.loads(path.read_text())


# -- choices --------------------------------------------------------------------------


def choice_row(name: str, data: Dataset, options: argparse.Namespace) -> dict:
    """Learn and score one choice, on training images only."""
    spec = load_spec(SPEC, (*SMALL, *CHOICES[name]))
    banks = make_banks(spec, seed=options.seed, n_jobs=options.jobs)
    order = np.random.default_rng(options.seed).permutation(40_000)
    for bank in banks.values():
        bank.fit(data.X_train[order[:N_UNLABELLED]])
    labelled = np.random.default_rng(options.seed + 1).permutation(40_000)
    labelled = labelled[: options.labels]
    validation = slice(40_000, 40_000 + N_VALIDATION)
    start = time.perf_counter()
    train = features_of(banks, data.X_train[labelled], name)
    held_out = features_of(banks, data.X_train[validation], name)
    seconds = time.perf_counter() - start
    found = {
        "features": train.counts.shape[1],
        "spikes": float(train.spikes.sum(axis=1).mean()),
        "ms": 1e3 * seconds / (options.labels + N_VALIDATION),
    }
    for which, readout in READOUTS.items():
        machine = readout().fit(train.counts, data.y_train[labelled])
        found[which] = machine.score(held_out.counts, data.y_train[validation])
    return found


def choices(options: argparse.Namespace, data: Dataset) -> None:
    """Print a row for each choice as soon as it is known."""
    kept = Kept(options.out)
    print("| choice | linear % | hidden layer % | features | spikes/image | ms/image |")
    print("|---|---|---|---|---|---|")
    for name in options.names or CHOICES:
        found = kept.row(
            f"{name}, {options.labels} labels, seed {options.seed}",
            lambda name=name: choice_row(name, data, options),
        )
        print(
            f"| {name} | {100 * found['linear']:.2f} | {100 * found['mlp']:.2f} "
            f"| {found['features']} "
            f"| {found['spikes']:.0f} | {found['ms']:.1f} |",
            flush=True,
        )


# -- all labels -----------------------------------------------------------------------


class Final:
    """Features of the networks that the last table compares, each made once."""

    def __init__(self, options: argparse.Namespace, data: Dataset) -> None:
        self.options, self.data = options, data
        self.kept = Kept(options.out / f"seed{options.seed}")
        self.spec = load_spec(SPEC)
        n_fit = self.spec["about"]["n_fit"]
        split = choose(data, options.seed, n_fit, None, None)
        self.images = data.X_train[split.fit]

    def bank(self, kind: str):
        """Return the learned network, or one of its controls."""
        path = self.kept.folder / f"{kind}.h5"
        (bank,) = make_banks(
            self.spec, seed=self.options.seed, n_jobs=self.options.jobs
        ).values()
        if path.exists():
            return type(bank).load(path)
        if kind == "learned":
            bank.fit(self.images)
        else:
            bank = shuffled_control(self.bank("learned"), self.images, kernels=kind)
        bank.save(path)
        return bank

    def features(self, kind: str, which: str) -> np.ndarray:
        """Return the features of the training ("train", "mirrored") or test images."""
        images = self.data.X_test if which == "test" else self.data.X_train
        if which == "mirrored":
            images = images[:, :, ::-1]

        def make() -> np.ndarray:
            if kind == "pixels":
                return self.pixels(images)
            return features_of({"main": self.bank(kind)}, images, which).counts

        return self.kept.array(f"{kind}_{which}", make)

    def pixels(self, images: np.ndarray) -> np.ndarray:
        """Return whitened contrasts, what the network's input is made of."""
        bank = self.bank("learned")
        return (
            bank._encoding()
            .contrast(images, bank.encoding_arrays_, max_value=bank.max_value_)
            .reshape(len(images), -1)
        )

    def training(self, kind: str, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return features and labels, with the mirrored images as more examples."""
        X, y = self.features(kind, "train"), self.data.y_train
        if mirrored:
            X = np.concatenate([X, self.features(kind, "mirrored")])
            y = np.concatenate([y, y])
        return X, y

    def score(self, kind: str, readout: str, mirrored: bool) -> dict:
        """Return the accuracy on the test images."""
        X, y = self.training(kind, mirrored)
        start = time.perf_counter()
        machine = READOUTS[readout]().fit(X, y)
        seconds = time.perf_counter() - start
        accuracy = machine.score(self.features(kind, "test"), self.data.y_test)
        return {"accuracy": float(accuracy), "seconds": seconds}


#: Rows of the last table: name, features, readout, whether mirrored images teach too.
FINAL = {
    "learned": ("learned", "linear", False),
    "shuffled kernels": ("shuffled", "linear", False),
    "random kernels": ("random", "linear", False),
    "whitened pixels": ("pixels", "linear", False),
    "learned, mirrored": ("learned", "linear", True),
    "learned, MLP": ("learned", "mlp", False),
    "learned, MLP, mirrored": ("learned", "mlp", True),
    "shuffled kernels, MLP": ("shuffled", "mlp", False),
    "shuffled kernels, MLP, mirrored": ("shuffled", "mlp", True),
    "random kernels, MLP": ("random", "mlp", False),
    "whitened pixels, MLP": ("pixels", "mlp", False),
}


def final(options: argparse.Namespace, data: Dataset) -> None:
    """Print a row for each network and readout as soon as it is known."""
    job = Final(options, data)
    print("| features and readout | test % | readout s |")
    print("|---|---|---|")
    for name in options.names or FINAL:
        found = job.kept.row(name, lambda name=name: job.score(*FINAL[name]))
        print(
            f"| {name} | {100 * found['accuracy']:.2f} | {found['seconds']:.0f} |",
            flush=True,
        )


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", choices=("choices", "final"))
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", help="rows (default: all)")
    parser.add_argument("--labels", type=int, default=8_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    data = load_dataset("cifar10", download=False)
    {"choices": choices, "final": final}[options.table](options, data)


if __name__ == "__main__":
    main()
