"""``make bench``: ConvSTDP against the same equations on plain Brian2, in one run.

    python benchmarks/bench.py [--examples N] [--plain-examples N] [--repeats R] [--json]

32 kernels 5x5 on 28x28x2 ON/OFF inputs, 30 steps of 1 ms, Poisson spikes,
learning on, one core. Images are MNIST where STDPNET_DATA has it, else
scikit-learn's digits, enlarged. Times are medians over repeats; this machine's
other work moves them, the ratios less.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from threading import Thread

import numpy as np
import psutil

from stdpnet.encoding import Encoding, Poisson
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.learning import Learning, encode, state
from stdpnet.units import Hz

HERE = Path(__file__).parent


def images(n: int) -> np.ndarray:
    """Return n images of 28 x 28 pixels, uint8."""
    if os.environ.get("STDPNET_DATA"):
        from stdpnet.datasets import load_dataset

        return load_dataset("mnist", download=False).X_train[:n]
    from sklearn.datasets import load_digits

    small = (load_digits().images * 15).astype(np.uint8)
    large = np.pad(small.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    return np.resize(large, (n, 28, 28))


def estimator(fit_on: str) -> ConvSTDP:
    """Return the network of the benchmark."""
    code = Poisson(max_rate=300 * Hz)
    return ConvSTDP(
        n_maps=32,
        kernel_size=5,
        presentation="30 ms",
        encoding=Encoding(code=code),
        fit_on=fit_on,
        tol=0.0,
        random_state=0,
        n_epochs=1,
    )


def fit_seconds(fit_on: str, data: np.ndarray) -> dict[str, float]:
    """Time `fit` for an example, encoding and chunks included, compilation not."""
    network = estimator(fit_on).fit(data[:32])  # compiles
    start = time.perf_counter()
    network = estimator(fit_on).fit(data)
    return {"seconds": (time.perf_counter() - start) / network.n_shown_}


def engine_seconds(job: dict) -> dict[str, float]:
    """Time one chunk of the program alone, without encoding."""
    start = time.perf_counter()
    run_chunk(**job)
    return {"seconds": (time.perf_counter() - start) / len(job["stimuli"]["inputs"])}


def plain_seconds(target: str, job: dict, n: int) -> dict[str, float]:
    """Time the same network on plain Brian2, in a process of its own."""
    settings = {
        "description": job["program"].description,
        "parameters": dict(job["parameters"]),
        "n_steps": job["n_steps"],
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "job.npz"
        np.savez(
            file,
            settings=json.dumps(settings),
            stimulus=job["stimuli"]["inputs"][:n],
            weights=job["state"]["afferents.w"],
            theta=job["state"]["features.theta"],
        )
        command = [sys.executable, str(HERE / "plain_brian2.py"), target, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"plain Brian2 ({target}) failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().split("\n")[-1])


def chunk_job(data: np.ndarray) -> dict:
    """Return the arguments of `run_chunk` for one chunk of learning."""
    network = estimator("images")
    network.fit(data[:500])
    learning = Learning(network)
    return {
        "program": learning.program,
        "stimuli": {"inputs": encode(network, data)},
        "state": state(network),
        "parameters": learning.parameters,
        "n_steps": network.n_steps(),
        "seed": 1,
    }


def binary_memory(job: dict) -> float:
    """Return the peak resident memory of the compiled program in MB, sampled."""
    peak = 0
    thread = Thread(target=run_chunk, kwargs=job)
    thread.start()
    while thread.is_alive():
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.NoSuchProcess):
                # Before it starts the program, a child is still a copy of us.
                if child.name() == "main":
                    peak = max(peak, child.memory_info().rss)
        time.sleep(0.002)
    return peak / 1e6


def measure(
    examples: int, plain_examples: int, repeats: int
) -> dict[str, dict[str, float]]:
    """Measure everything, the fast ones several times between the slow ones."""
    data = images(max(examples, 600))
    job = chunk_job(data[:examples])
    runs = {
        "stdpnet fit, whole images": lambda: fit_seconds("images", data[:examples]),
        "stdpnet fit, a patch": lambda: fit_seconds("patches", data[:examples]),
        "stdpnet program alone": lambda: engine_seconds(job),
        "Brian2 standalone": lambda: plain_seconds("standalone", job, plain_examples),
        "Brian2 Cython": lambda: plain_seconds("cython", job, plain_examples),
    }
    found: dict[str, dict[str, float]] = {}
    for name, run in runs.items():
        results = [
            run() for _ in range(repeats if "stdpnet" in name else max(1, repeats // 2))
        ]
        found[name] = {key: median(r[key] for r in results) for key in results[0]}
        if name == "stdpnet program alone":
            found[name]["peak_mb"] = binary_memory(job)
        print(f"{name:28s} {1e3 * found[name]['seconds']:9.3f} ms", file=sys.stderr)
    ours = found["stdpnet program alone"]["seconds"]
    for row in found.values():
        row["ratio"] = row["seconds"] / ours
    return found


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--plain-examples", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.examples, options.plain_examples, options.repeats)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(f"\n{'':28s} {'ms':>9s} {'times the program':>18s} {'peak MB':>8s}")
    for name, row in found.items():
        peak = f"{row['peak_mb']:8.0f}" if "peak_mb" in row else ""
        print(f"{name:28s} {1e3 * row['seconds']:9.3f} {row['ratio']:18.1f} {peak}")


if __name__ == "__main__":
    main()
