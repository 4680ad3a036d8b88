"""``make bench``: ConvSTDP against the same equations on plain Brian2, in one run.

    python benchmarks/bench.py [--examples N] [--plain-examples N] [--repeats R] [--json]

32 kernels 5x5 on 28x28x2 ON/OFF inputs, 30 steps of 1 ms, Poisson spikes,
learning on, everything on one core. Images are MNIST where it is found (in
STDPNET_DATA or the user's cache, nothing is downloaded), else scikit-learn's
digits, enlarged. `fit` includes the encoding of the images; the program alone
and plain Brian2 are given the same encoded images, and their compilation is
left out. Times are medians over repeats; this machine's other work moves them,
the ratios less.
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
from threadpoolctl import threadpool_limits

from stdpnet.datasets import load_dataset
from stdpnet.encoding import Encoding, Poisson
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.learning import Learning, encode
from stdpnet.units import Hz

HERE = Path(__file__).parent


#: What ratios refer to.
PROGRAM = "stdpnet program alone"
#: Brian2 needs some examples to warm up (`plain_brian2.WARM_UP`), and one to time.
FEWEST_EXAMPLES = 3


def one_core() -> None:
    """Keep this process, and what it starts from now on, on one core with one thread."""
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    threadpool_limits(1)
    if hasattr(os, "sched_setaffinity"):  # Linux only
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def images(n: int) -> tuple[np.ndarray, str]:
    """Return up to n images of 28 x 28 pixels, uint8, and where they are from."""
    try:
        return load_dataset("mnist", download=False).X_train[:n], "MNIST"
    except FileNotFoundError:
        from sklearn.datasets import load_digits

    small = (load_digits().images * 15).astype(np.uint8)
    large = np.pad(small.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    return np.resize(large, (n, 28, 28)), "scikit-learn's digits, enlarged"


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
        "state": network.state(),
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
    """Measure everything, the slow ones half as often as the others."""
    data, source = images(max(examples, 600))
    print(f"images: {source}", file=sys.stderr)
    job = chunk_job(data[:examples])
    seldom = max(1, repeats // 2)
    runs = {
        "stdpnet fit with encoding": (
            repeats,
            lambda: fit_seconds("images", data[:examples]),
        ),
        "stdpnet fit, for a patch": (
            repeats,
            lambda: fit_seconds("patches", data[:examples]),
        ),
        PROGRAM: (repeats, lambda: engine_seconds(job)),
        "Brian2 standalone": (
            seldom,
            lambda: plain_seconds("standalone", job, plain_examples),
        ),
        "Brian2 Cython": (seldom, lambda: plain_seconds("cython", job, plain_examples)),
    }
    found: dict[str, dict[str, float]] = {}
    for name, (times, run) in runs.items():
        results = [run() for _ in range(times)]
        found[name] = {key: median(r[key] for r in results) for key in results[0]}
        print(f"{name:28s} {1e3 * found[name]['seconds']:9.3f} ms", file=sys.stderr)
    found[PROGRAM]["peak_mb"] = binary_memory(job)
    add_ratios(found)
    return found


def add_ratios(found: dict[str, dict[str, float]]) -> None:
    """Give each row its time, and its memory where known, in those of the program."""
    ours = found[PROGRAM]
    for row in found.values():
        row["ratio"] = row["seconds"] / ours["seconds"]
        if "peak_mb" in row:
            row["memory_ratio"] = row["peak_mb"] / ours["peak_mb"]


def table(found: dict[str, dict[str, float]]) -> str:
    """Return the rows as text; times are for one example."""
    columns = ("seconds", "ratio", "peak_mb", "memory_ratio")
    heads = ("ms", "times the program", "peak MB", "times the memory")
    lines = [" " * 28 + "".join(f" {head:>17s}" for head in heads)]
    for name, row in found.items():
        values = [row.get(key) for key in columns]
        scaled = [1e3 * row["seconds"], *values[1:]]
        formats = (".3f", ".2f", ".0f", ".1f")
        cells = (
            " " * 18 if value is None else f" {value:17{form}}"
            for value, form in zip(scaled, formats, strict=True)
        )
        lines.append(f"{name:28s}" + "".join(cells).rstrip())
    return "\n".join(lines)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Return the options, within their bounds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    bounds = {"examples": (1000, FEWEST_EXAMPLES), "repeats": (5, 1)}
    bounds["plain-examples"] = (60, FEWEST_EXAMPLES)
    for name, (default, _) in bounds.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(words)
    for name, (_, lowest) in bounds.items():
        value = getattr(options, name.replace("-", "_"))
        if value < lowest:
            parser.error(f"--{name} must be >= {lowest}, got {value}")
    if options.plain_examples > options.examples:
        parser.error(
            f"--plain-examples must be <= --examples {options.examples}, "
            f"got {options.plain_examples}"
        )
    return options


def main() -> None:
    """Print a table, or JSON."""
    options = parse()
    one_core()
    found = measure(options.examples, options.plain_examples, options.repeats)
    print(json.dumps(found, indent=1) if options.json else f"\n{table(found)}")


if __name__ == "__main__":
    main()
