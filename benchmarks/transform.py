"""Features of images that need not fit into memory: time, memory, and that they are right.

    STDPNET_DATA=... python benchmarks/transform.py RUN [--images 200000] [--jobs 2]

Makes images from MNIST's by shifts, has ``stdpnet transform`` write their features shard by
shard, and compares them with those of all images at once. Memory is what each process keeps
resident at the most, looked at ten times a second.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import psutil

from stdpnet import load_dataset
from stdpnet.analysis import load_run
from stdpnet.training import load_banks


def shifted(number: int) -> np.ndarray:
    """Return images (number, 28, 28), each shifted by up to two pixels."""
    images = load_dataset("mnist", download=False).X_train
    rng = np.random.default_rng(0)
    found = images[rng.integers(len(images), size=number)]
    for across in range(-2, 3):
        chosen = rng.random(number) < 0.2
        found[chosen] = np.roll(found[chosen], across, axis=2)
    return found


def peaks(process: subprocess.Popen) -> dict[int, float]:
    """Wait for a command; return the most memory of each of its processes, in MB."""
    found: dict[int, float] = {}
    parent = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for one in (parent, *parent.children(recursive=True)):
                size = one.memory_info().rss / 1e6
                found[one.pid] = max(found.get(one.pid, 0), size)
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.1)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    (bank,) = load_banks(load_run(options.run)).values()
    with tempfile.TemporaryDirectory() as place:
        source, out = Path(place) / "images.h5", Path(place) / "features.h5"
        images = shifted(options.images)
        with h5py.File(source, "w") as file:
            file["X"] = images
        command = [sys.executable, "-m", "stdpnet", "transform", str(options.run)]
        command += [str(source), "-o", str(out), "--jobs", str(options.jobs)]
        start = time.perf_counter()
        memory = peaks(subprocess.Popen(command))
        took = time.perf_counter() - start
        most = sorted(memory.values(), reverse=True)[: options.jobs + 1]
        print(
            f"{options.images} images in {took:.0f} s, {1000 * took / options.images:.2f}"
            f" ms an image; most memory: {', '.join(f'{one:.0f} MB' for one in most)}"
        )
        size = 20 * bank.chunk_size
        with h5py.File(out) as file:
            equal = [
                np.array_equal(file["features"][start : start + size], features)
                for start, features in unsharded(bank, images, size)
            ]
        print(f"equal to those of all images at once: {all(equal)}")


def unsharded(bank, images: np.ndarray, size: int):
    """Yield parts of the features of all images, made by one call."""
    features = bank.set_params(n_jobs=2).transform(images)
    for start in range(0, len(images), size):
        yield start, features[start : start + size]


if __name__ == "__main__":
    main()
