"""The layout of ``run.h5``."""

from typing import Any

import h5py
import numpy as np

from stdpnet.datasets import Dataset
from stdpnet.estimators.example import spikes_of_example
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.spec import read_estimator
from stdpnet.estimators.stack import ConvStack
from stdpnet.estimators.stack.member import StackedConv
from stdpnet.estimators.stack.preferred import (
    SEARCHED,
    driving_patches,
    preferred_field,
)
from stdpnet.training.scoring import Scores


def write_banks(
    file: h5py.File,
    banks: dict[str, Learner],
    controls: dict[str, Learner],
    estimators: dict[str, Any] | None = None,
) -> None:
    """Write kernels, thresholds and history of every bank, and the estimators.

    These are the banks, if not given.
    """
    # Features stand side by side in this order.
    file.create_group("banks", track_order=True)
    file.create_group("estimators", track_order=True)
    whole, banks = banks, single(banks)
    for name, bank in banks.items():
        group = file.create_group(f"banks/{name}")
        group.attrs["class"] = type(bank).__name__
        _write_kernels(group, "kernels", bank)
        group["thresholds"] = bank.thresholds_
        group["initial_kernels"] = bank.initial_kernels_
        for key, values in bank.history_.items():
            group[f"history/{key}"] = values
        if hasattr(bank, "levels_"):
            group["levels"] = bank.levels_
        _write_events(group, "events", bank.counts_)
    for name, estimator in (estimators or whole).items():
        estimator.write_to(file.create_group(f"estimators/{name}"))
    _write_kernels(file, "kernels", next(iter(banks.values())))
    for name, control in single(controls).items():
        group = file.create_group(f"control/{name}")
        _write_kernels(group, "kernels", control)
        group["thresholds"] = control.thresholds_


def single(banks: dict[str, Any]) -> dict[str, Learner]:
    """Return banks with every layer of a stack as one, by its own name if there is one stack."""
    found: dict[str, Learner] = {}
    for name, bank in banks.items():
        if isinstance(bank, ConvStack):
            prefix = "" if len(banks) == 1 else f"{name}_"
            found |= {f"{prefix}{layer}": one for layer, one in bank.members_.items()}
        else:
            found[name] = bank
    return found


def read_banks(file: h5py.File) -> dict[str, Any]:
    """Read the estimators that `write_banks` wrote, in their order."""
    group = file["estimators"]
    return {name: read_estimator(group[name]) for name in group}


def _write_kernels(group: h5py.Group, name: str, bank: Learner) -> None:
    group[name] = bank.kernels_
    signed = bank.kernels_.shape[-1] == 2 * bank.image_shape_[-1]
    if isinstance(bank, StackedConv):
        signed = False
    group[name].attrs["channels"] = "on-off" if signed else "raw"


def write_preferred(file: h5py.File, stack: ConvStack, images: np.ndarray) -> None:
    """Write what the maps of every layer of a stack prefer, as patches and projected."""
    for name, one in single({"main": stack}).items():
        group = file[f"banks/{name}"]
        group["driving"] = driving_patches(one, images[:SEARCHED])
        if isinstance(one, StackedConv):
            field = preferred_field(one).values
            group["preferred"] = field.astype(np.float32)
            signed = field.shape[-1] == 2 * one.image_shape_[-1]
            group["preferred"].attrs["channels"] = "on-off" if signed else "raw"


def _write_events(group: h5py.Group, name: str, events: dict[str, int]) -> None:
    if events:
        group.create_group(name).attrs.update(events)


def write_scores(
    file: h5py.File, scores: Scores | None, control: Scores | None
) -> None:
    """Write predictions, spikes of the test images, and the label curve."""
    if scores is None:
        return
    group = file.create_group("test")
    group["index"] = scores.test_index
    group["y_true"], group["y_pred"] = scores.y_true, scores.y_pred
    if scores.neuron_labels is not None:
        group["neuron_labels"] = scores.neuron_labels
    group["spikes_per_map"] = scores.spikes.mean(axis=0)
    group["spikes_per_example"] = scores.spikes.sum(axis=1)
    for bank, events in scores.events.items():
        _write_events(group, f"events/{bank}", events)
    if control is not None:
        group["y_control"] = control.y_pred
    if len(scores.curve.get("n_labels", ())):
        curve = file.create_group("label_curve")
        curve["n_labels"] = scores.curve["n_labels"]
        curve["accuracy"] = scores.curve["accuracy"]
        if control is not None:
            curve["control"] = control.curve["accuracy"]


def write_example(file: h5py.File, bank: Learner, data: Dataset) -> None:
    """Write the spikes that the first test image causes."""
    image, bank = data.X_test[0], bank.top_
    spikes = spikes_of_example(bank, image)
    group = file.create_group("raster")
    group["image"] = image
    if data.y_test is not None:
        group["label"] = int(data.y_test[0])
    group["inputs"], group["features"] = spikes["inputs"], spikes["features"]
    layer = bank.layer()
    group["input_shape"] = np.array(layer.network().shape("inputs"))
    group["feature_shape"] = np.array(layer.positions)
