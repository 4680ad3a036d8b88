"""The data of a run, of one sense or several, and the networks that they need."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.datasets import load_dataset
from stdpnet.datasets.paired import AnyDataset, Pairs, load_pairs
from stdpnet.estimators.features import check_memory, feature_dtype
from stdpnet.estimators.images import as_images
from stdpnet.estimators.multimodal.spec import is_joint
from stdpnet.estimators.stack import ConvStack
from stdpnet.estimators.stack.checks import read_layers
from stdpnet.training.scoring import ON_DISK

USUAL = "digits"


def data_name(spec: Mapping[str, Any], asked: str | None) -> str:
    """Return the name of the data: as asked for, else the specification's."""
    return asked or str(spec.get("about", {}).get("dataset", USUAL))


def load_data(
    spec: Mapping[str, Any],
    name: str,
    *,
    root: Path | None,
    test_fraction: float,
    seed: int,
) -> AnyDataset:
    """Load a data set, or one for each modality of a specification.

    Parameters
    ----------
    spec : mapping
        Sections of the specification.
    name : str
        Name or path, or several with ``+`` between them.
    root, test_fraction
        As for `load_dataset`.
    seed : int
        Seed of the pairs.

    Raises
    ------
    ValueError, OSError
        If the data cannot be used.
    """
    options: dict[str, Any] = {"root": root, "test_fraction": test_fraction}
    if is_joint(spec):
        return load_pairs(name, list(spec["modalities"]), seed=seed, **options)
    return load_dataset(name, **options)


def check_features(
    banks: Mapping[str, Any], layers: Mapping[str, list[Any]], n_images: int
) -> None:
    """Raise ValueError if the features of so many images do not fit into memory."""
    sizes, dtypes = [], []
    for name, bank in banks.items():
        found = layers[name]
        if isinstance(bank, ConvStack):
            read = read_layers(bank.features, [name for name, _ in bank.layers])
            found = [
                one for one, (n, _) in zip(found, bank.layers, strict=True) if n in read
            ]
            bank = bank.layers[0][1]
        sizes += [int(np.prod(layer.features)) for layer in found]
        dtypes += [feature_dtype(layer, bank.n_steps()) for layer in found]
    check_memory(n_images, sum(sizes), np.result_type(*dtypes), ON_DISK)


def layers_of(bank: Any, images: Any) -> list[Any]:
    """Return the layers of a network that sees such images.

    Raises
    ------
    ValueError
        If a kernel or a pooling window does not fit them.
    """
    if isinstance(images, Pairs):
        found: list[Any] = bank.layers_for(images[:1].arrays())
    elif isinstance(bank, ConvStack):
        found = bank.layers_for(images[:1])
    else:
        as_images(bank, images[:1], bank.image_shape, reset=True)
        found = [bank.layer()]
    for layer in found:
        layer.network()
    return found
