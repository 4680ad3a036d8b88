"""The data of a run, of one sense or several, and the networks that they need."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stdpnet.datasets import load_dataset
from stdpnet.datasets.paired import AnyDataset, Pairs, load_pairs
from stdpnet.estimators.images import as_images
from stdpnet.estimators.multimodal.spec import is_joint
from stdpnet.estimators.stack import ConvStack

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
