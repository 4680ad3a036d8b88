"""Settings and data that all tests share."""

import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path

# Before any import of matplotlib or stdpnet, and for the processes that tests start.
os.environ["MPLBACKEND"] = "Agg"
# A folder of the checkout: compiled programs outlive a test run, the user's stay untouched.
os.environ["STDPNET_CACHE"] = str(
    Path(__file__).resolve().parents[1] / ".pytest_cache" / "stdpnet"
)
# Brian2 compiles hundreds of small modules, five times as long where they are to be fast.
os.environ["STDPNET_CYTHON_FLAGS"] = "-w -O0 -g0 -std=c++17"

import numpy as np
import pytest
from sklearn.datasets import load_digits

from stdpnet.datasets import Dataset, load_dataset
from stdpnet.encoding import Encoding, Intensity, Poisson
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.fully_connected import FullyConnectedSTDP
from stdpnet.estimators.multimodal import MultimodalSTDP
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.plasticity import PowerLawSTDP
from stdpnet.runs import RunFolder
from stdpnet.training import TrainOptions, train
from stdpnet.units import Hz, ms

#: The network of the fixture `conv`, as a specification.
SMALL = """
[about]
title = "Small"
n_fit = 120

[network]
n_maps = 8
kernel_size = 5
pool = 4
tol = 0.0
chunk_size = 30

[neuron]
v_th = 0.0
theta_start = 5.0
"""


@pytest.fixture
def rng(request) -> np.random.Generator:
    """Random numbers that depend on the name of the test alone."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen]:
    """Start ``python -m stdpnet`` as the leader of its own process group."""

    def start_stdpnet(*words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "stdpnet", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start_stdpnet


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Scikit-learn's digits: uint8 images (1797, 8, 8) of 0 to 16, and labels (1797,)."""
    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8), bunch.target
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """The real MNIST; the test is skipped where it is not at hand."""
    root = os.environ.get("STDPNET_DATA")
    if not root:
        pytest.skip("STDPNET_DATA is not set: no MNIST")
    return load_dataset("mnist", root=root, download=False)


@pytest.fixture(scope="session")
def dense() -> Callable[..., FullyConnectedSTDP]:
    """Make a small `FullyConnectedSTDP` that learns digits in seconds."""
    return partial(
        FullyConnectedSTDP,
        n_neurons=10,
        # Eight times eight pixels need more spikes than 28 times 28.
        encoding=Encoding(
            filter=Intensity(), code=Poisson(max_rate=600 * Hz, normalize="fixed")
        ),
        presentation="100 ms",
        rest="50 ms",
        random_state=0,
        chunk_size=50,
    )


@pytest.fixture(scope="session")
def pairs(digits) -> dict[str, np.ndarray]:
    """Digits, and as their sound another digit of the class, upside down."""
    images, labels = digits[0][:150], digits[1][:150]
    other = np.empty(150, int)
    for one in range(10):
        rows = np.flatnonzero(labels == one)
        other[rows] = np.roll(rows, 1)
    return {"image": images, "audio": images[other, ::-1]}


@pytest.fixture(scope="session")
def two_senses(dense) -> Callable[..., MultimodalSTDP]:
    """Make a small `MultimodalSTDP` of two small networks."""

    rule = PowerLawSTDP(learning_rate=0.05, offset=0.01, tau_pre=20 * ms, w_max=4.0)

    def build(image=None, audio=None, **options) -> MultimodalSTDP:
        networks = [
            ("image", dense(**(image or {}))),
            ("audio", dense(n_neurons=8, **(audio or {}))),
        ]
        settings = {"cross_rule": rule, "cross_total": 6.0, "random_state": 3}
        return MultimodalSTDP(networks, **{"chunk_size": 50, **settings, **options})

    return build


@pytest.fixture(scope="session")
def conv() -> Callable[..., ConvSTDP]:
    """Make a small `ConvSTDP`; all share one program, but for what a test changes."""
    return partial(
        ConvSTDP,
        n_maps=8,
        kernel_size=5,
        pool=4,
        neuron=AdaptiveIF(v_th=0, theta_start=5),
        tol=0,
        chunk_size=30,
        random_state=0,
    )


@pytest.fixture(scope="session")
def images(digits) -> np.ndarray:
    """The first hundred digits: four chunks of a `conv`, the last one short."""
    return digits[0][:100]


@pytest.fixture(scope="session")
def fitted_once(conv, images) -> ConvSTDP:
    return conv().fit(images)


@pytest.fixture
def fitted(fitted_once) -> ConvSTDP:
    """A `conv` fitted on `images`; a copy, so that a test may change it."""
    return deepcopy(fitted_once)


@pytest.fixture(scope="session")
def small_spec(tmp_path_factory) -> Path:
    """The file of a specification whose runs share the program of `conv`."""
    path = tmp_path_factory.mktemp("specs") / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def train_small(small_spec) -> Callable[..., RunFolder]:
    """Train the network of `small_spec` into a folder, with further `TrainOptions`."""

    def run(out: Path, **changes) -> RunFolder:
        options = {"spec": str(small_spec), "n_train": 300, "n_test": 200}
        return train(TrainOptions(out=out, visible=False, **options | changes))

    return run
