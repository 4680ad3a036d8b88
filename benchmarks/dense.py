"""``make bench``, second part: the network of Diehl & Cook, in one run with its peers.

    python benchmarks/dense.py [--repeats R] [--neurons N] [--bindsnet PYTHON] [--alone] [--json]

784 Poisson inputs, 400 neurons, time steps of 0.5 ms, 350 ms of input and 150 ms
of rest, everything learning, on one core: stdpnet's `FullyConnectedSTDP`, ordinary
Brian2 (`plain_diehl_cook.py`) and, where it is installed, BindsNET. The networks of
Brian2 start from the weights that stdpnet's has learned. Times are milliseconds a
presentation, repetitions and normalization included, compilation not; ratios are
to the same inhibition. BindsNET's network is another one (1 ms, 350 steps, no
conductances), as its users run it. PYTHON is an interpreter that has it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from bench import HERE, images, one_core

from stdpnet import FullyConnectedSTDP

INHIBITION = ("explicit", "direct")
#: Images from which the networks learn before they are timed, and those that are timed.
LEARNED, TIMED, PLAIN, APART = 1000, 400, 60, 20


def learned(inhibition: str, n_neurons: int, data: np.ndarray) -> FullyConnectedSTDP:
    """Return a network that has learned from some images."""
    network = FullyConnectedSTDP(n_neurons, inhibition=inhibition, random_state=0)
    return network.fit(data[:LEARNED])


def our_seconds(network: FullyConnectedSTDP, data: np.ndarray) -> float:
    """Return the seconds of a presentation of learning, encoding included."""
    before, start = network.n_shown_, time.perf_counter()
    network.partial_fit(data)
    return (time.perf_counter() - start) / (network.n_shown_ - before)


def plain_seconds(network: FullyConnectedSTDP, *options: str) -> float:
    """Return the seconds of a presentation in ordinary Brian2."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.npz"
        theta = (network.thresholds_ + 72) / 1000
        np.savez(file, weights=network.weights_.astype(float), theta=theta)
        words = ["time", str(file), "--json", "--neurons", str(network.n_neurons)]
        found = printed(sys.executable, "plain_diehl_cook.py", *words, *options)
    return float(found["ms_per_presentation"]) / 1000


def bindsnet_seconds(
    python: str, batch: int, n_neurons: int, data: np.ndarray
) -> float:
    """Return the seconds of an example in BindsNET."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npy"
        np.save(file, data[:200])
        words = ["--batch", str(batch), "--neurons", str(n_neurons), "--json"]
        words += ["--images", str(file)]
        found = printed(python, "bindsnet_diehl_cook.py", *words)
    return float(found["seconds"])


def printed(python: str, script: str, *words: str) -> dict[str, Any]:
    """Return what a script prints as JSON.

    Raises
    ------
    RuntimeError
        If it fails, with what it says.
    """
    command = [python, str(HERE / script), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{script} failed: {done.stderr.strip()[-1000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().split("\n")[-1])
    return found


def measure(
    repeats: int, n_neurons: int, python: str, *, alone: bool = False
) -> dict[str, dict[str, float | str]]:
    """Measure all rows, the slow ones once."""
    data, source = images(LEARNED + TIMED)
    print(f"images: {source}", file=sys.stderr)
    rows: dict[str, dict[str, float | str]] = {}

    def add(name: str, of: str, times: int, run: Any) -> None:
        seconds = median(run() for _ in range(times))
        ours = float(rows[of]["seconds"]) if of in rows else seconds
        rows[name] = {"seconds": seconds, "ratio": seconds / ours}
        print(f"{name:40s} {1e3 * seconds:9.2f} ms", file=sys.stderr)

    for inhibition in INHIBITION:
        network, ours = learned(inhibition, n_neurons, data), f"stdpnet, {inhibition}"
        add(ours, ours, repeats, lambda n=network: our_seconds(n, data[LEARNED:]))
        if alone:
            continue
        add(
            f"Brian2 standalone, {inhibition}",
            ours,
            max(1, repeats // 2),
            lambda n=network, i=inhibition: plain_seconds(
                n, "--images", str(4 * PLAIN), "--inhibition", i
            ),
        )
        for name, options in {
            "Brian2 Cython, one run": ("--images", str(PLAIN)),
            "Brian2 Cython, a run each": ("--images", str(APART), "--apart"),
        }.items():
            more = ("--target", "cython", "--inhibition", inhibition, *options)
            add(
                f"{name}, {inhibition}",
                ours,
                1,
                lambda n=network, m=more: plain_seconds(n, *m),
            )
    if python and not alone:
        for batch in (1, 32):
            add(
                f"BindsNET, batch {batch}",
                "stdpnet, direct",
                1,
                lambda b=batch: bindsnet_seconds(python, b, n_neurons, data),
            )
    return rows


def table(rows: dict[str, dict[str, float | str]]) -> str:
    """Return the rows as text."""
    lines = [f"{'':40s} {'ms':>9s} {'times stdpnet':>14s}"]
    for name, row in rows.items():
        milliseconds = 1e3 * float(row["seconds"])
        lines.append(f"{name:40s} {milliseconds:9.2f} {float(row['ratio']):14.1f}")
    return "\n".join(lines)


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--neurons", type=int, default=400)
    parser.add_argument("--bindsnet", default="", metavar="PYTHON")
    parser.add_argument("--alone", action="store_true", help="stdpnet's rows only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for name in ("repeats", "neurons"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be >= 1, got {getattr(options, name)}")
    one_core()
    rows = measure(
        options.repeats, options.neurons, options.bindsnet, alone=options.alone
    )
    print(json.dumps(rows, indent=1) if options.json else f"\n{table(rows)}")


if __name__ == "__main__":
    main()
