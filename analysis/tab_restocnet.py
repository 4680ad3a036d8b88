"""Table of the stack of binary kernels on CIFAR-10: depth, residual inputs, rules, controls.

    STDPNET_DATA=... python analysis/tab_restocnet.py OUT [--seeds 0 1 2] [--labels 10000]
    STDPNET_DATA=... python analysis/tab_restocnet.py --run RUN

Each row is ``models/restocnet-cifar10.toml`` with what its name says. Kernels learn from
3,000 unlabelled training images; the readout from `--labels` training images; all 10,000
test images are scored. *Depth* 1, 2 and 3: features of the first layers together; *alone*:
of a single one.

OUT is a folder: what is there already is not computed again, so a run that was
interrupted goes on; without the .json files only the readouts learn again. Prints a
Markdown table for each readout. With `--run`, prints the same columns for the features
that a run of ``stdpnet train restocnet-cifar10 --on-disk`` kept.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from stdpnet import ConvStack, load_dataset
from stdpnet.analysis import load_run
from stdpnet.datasets import Dataset
from stdpnet.estimators.control import shuffled_control
from stdpnet.estimators.spec import Readout, make_banks, make_readout
from stdpnet.specs import load_spec
from stdpnet.training import load_banks
from stdpnet.training.split import choose
from stdpnet.training.store import FeatureStore

SPEC = "restocnet-cifar10"
_UPPER = ("conv2", "conv3")
_LAYERS = ("conv1", *_UPPER)


def _of_layers(text: str, layers: tuple[str, ...] = _LAYERS) -> tuple[str, ...]:
    return tuple(f"network.layers.{name}.{text}" for name in layers)


#: Name of a row, and what it changes in the specification.
NETWORKS: dict[str, tuple[str, ...]] = {
    "as specified": (),
    "without residual inputs": ("network.residual={}",),
    "Hebbian only": (
        *_of_layers("rule.anti_hebbian=0"),
        *_of_layers("rule.depression=0.5"),
    ),
    "full precision": ("rule.type=TraceSTDP", "rule.learning_rate=0.01", "rule.offset=0.43", "rule.tau_pre=16 ms", *_of_layers("rule={offset = 0.2}", _UPPER)),
}  # fmt: skip
#: What replaces the readout of the specification.
READOUTS: dict[str, dict] = {
    "linear": {"C": 3e-4, "scale": "std", "count_transform": "sqrt"},
    "hidden layer": {},
}
#: Networks whose kernels are replaced.
CONTROLS = {"shuffled kernels": "shuffled", "random kernels": "random"}


def learned(name: str, data: Dataset, seed: int) -> tuple[ConvStack, np.ndarray]:
    """Return a fitted stack, and the images it learned from."""
    spec = load_spec(SPEC, NETWORKS.get(name, ()))
    stack = make_banks(spec, seed=seed)["main"]
    order = np.random.default_rng([seed, 0]).permutation(len(data.X_train))
    images = data.X_train[order[: spec["about"]["n_fit"]]]
    return stack.fit(images), images


def columns(stack: ConvStack) -> dict[str, np.ndarray]:
    """Return which features belong to each depth, and to each layer alone."""
    names = list(stack.members_)
    layers = stack.layers_for(np.zeros((1, *stack.image_shape_), "u1"))
    ends = np.cumsum([0, *(int(np.prod(one.features)) for one in layers)])
    found = {f"depth {k}": np.arange(ends[k]) for k in range(1, len(ends))}
    alone = zip(names, ends, ends[1:], strict=False)
    return found | {f"{name} alone": np.arange(a, b) for name, a, b in alone}


def readout(kind: str) -> Readout:
    """Return a readout that has learned nothing yet."""
    return make_readout({"readout": READOUTS[kind] or load_spec(SPEC)["readout"]})


def row(name: str, data: Dataset, seed: int, n_labels: int, path: Path) -> dict:
    """Learn and score one network; keep it and its features."""
    rng = np.random.default_rng([seed, 1])
    labelled = rng.permutation(len(data.X_train))[:n_labels]
    if not path.with_suffix(".npz").exists():
        stack, images = learned(name, data, seed)
        if name in CONTROLS:
            stack = shuffled_control(stack, images, kernels=CONTROLS[name])
        stack.save(path.with_suffix(".h5"))
        np.savez_compressed(
            path.with_suffix(".npz"),
            train=stack.transform(data.X_train[labelled]),
            test=stack.transform(data.X_test),
        )
    stack = ConvStack.load(path.with_suffix(".h5"))
    features = np.load(path.with_suffix(".npz"))
    train, test = features["train"], features["test"]
    accuracy = {
        kind: {
            part: readout(kind)
            .fit(train[:, of], data.y_train[labelled])
            .score(test[:, of], data.y_test)
            for part, of in columns(stack).items()
        }
        for kind in READOUTS
    }
    memory = stack.memory()
    return {
        "accuracy": accuracy,
        "synaptic_factor": memory.synaptic_factor,
        "synaptic_bytes": memory.synaptic_bytes,
        "mean_weight": [float(one.kernels_.mean()) for one in stack.members_.values()],
    }


def depths(path: Path, data: Dataset) -> None:
    """Print what readouts make of the layers of a run, with all its labels."""
    run = load_run(path)
    (stack,) = load_banks(run).values()
    options = run.record["options"]
    n_fit = run.record["spec"]["about"]["n_fit"]
    split = choose(data, options["seed"], n_fit, options["n_train"], options["n_test"])
    train, test = (
        FeatureStore(path / "features").kept(f"features-{which}").counts[()]
        for which in ("train", "test")
    )
    for part, of in columns(stack).items():
        for kind in READOUTS:
            machine = readout(kind).fit(train[:, of], data.y_train[split.train])
            accuracy = machine.score(test[:, of], data.y_test[split.test])
            print(f"| {part} | {kind} | {100 * accuracy:.2f} |", flush=True)


def main() -> None:
    """Print a table for each readout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", help="what is known already")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--labels", type=int, default=10_000)
    parser.add_argument("--rows", nargs="+", default=[*NETWORKS, *CONTROLS])
    parser.add_argument("--run", type=Path, help="a run with features on disk")
    options = parser.parse_args()
    if (options.out is None) == (options.run is None):
        parser.error("give either OUT or --run RUN")
    data = load_dataset("cifar10")
    if options.run is not None:
        depths(options.run, data)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    rows = {}
    for name in options.rows:
        found = []
        for seed in options.seeds:
            path = (
                options.out / f"{name.replace(' ', '-')}-{options.labels}-{seed}.json"
            )
            if not path.exists():
                made = row(name, data, seed, options.labels, path)
                path.write_text(json.dumps(made, indent=1) + "\n")
            found.append(json.loads(path.read_text()))
        rows[name] = found
        print(f"{name}: done", file=sys.stderr)
    for kind in READOUTS:
        _print(kind, rows)


def _print(kind: str, rows: dict[str, list[dict]]) -> None:
    """Print the table of one readout."""
    parts = list(next(iter(rows.values()))[0]["accuracy"][kind])
    print(f"\n| {kind} | {' | '.join(parts)} | 32 bits / stored |")
    print("|---" * (len(parts) + 2) + "|")
    for name, found in rows.items():
        each = [[100 * one["accuracy"][kind][part] for one in found] for part in parts]
        cells = " | ".join(_cell(values) for values in each)
        print(f"| {name} | {cells} | {found[0]['synaptic_factor']:.1f} |")


def _cell(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread}"


if __name__ == "__main__":
    main()
