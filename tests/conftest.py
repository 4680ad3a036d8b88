"""Settings and data that all tests share."""

import os
import zlib
from pathlib import Path

# Before any import of matplotlib or stdpnet, and for the processes that tests start.
os.environ["MPLBACKEND"] = "Agg"
# A folder of the checkout: compiled programs outlive a test run, the user's stay untouched.
os.environ["STDPNET_CACHE"] = str(
    Path(__file__).resolve().parents[1] / ".pytest_cache" / "stdpnet"
)

import numpy as np
import pytest
from sklearn.datasets import load_digits

from stdpnet.datasets import Dataset, load_dataset


@pytest.fixture
def rng(request) -> np.random.Generator:
    """Random numbers that depend on the name of the test alone."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


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
