"""The fair control: the same network with kernels that carry no structure."""

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import clone

from stdpnet.catalog import unknown_name
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.learning import FIT, encode
from stdpnet.estimators.show import track
from stdpnet.estimators.stack import ConvStack

#: Mean spikes per image of learned network and control agree within this.
TOLERANCE = 0.1
SHUFFLE = 5
#: What a control has instead of learned kernels.
KERNELS = ("shuffled", "random")
#: What belongs to the kernels that the control does not have.
_NOT_COPIED = ("neuron_labels_", "classes_", "recordings_")


def shuffled_control(
    estimator: Any, images: np.ndarray, n_measure: int = 500, kernels: str = "shuffled"
) -> Any:
    """Return a copy whose kernels are shuffled and whose thresholds have settled again.

    The weights of each kernel are permuted within the kernel, so their
    histogram stays. Thresholds then adapt to it with weight learning off, on
    as many images as the kernels had been learned from, and are finally
    scaled together until the mean number of spikes per image, measured as
    features are, agrees with that of the learned network within 10 %. Where
    nothing has adapted, or scaling that is not enough, thresholds are scaled as
    a whole: the control then has another `feature_scale`.

    Of a stack, layer after layer, each on the control of those below it.

    Parameters
    ----------
    estimator : Learner or ConvStack
        Fitted.
    images : ndarray, shape (n, height, width[, channels])
        The images it was fitted on.
    n_measure : int
        Images on which spikes are compared.
    kernels : {"shuffled", "random"}
        "random": the kernels that learning began with, instead of those learned in
        another order.

    Returns
    -------
    Learner or ConvStack
        Fitted, with the attribute `control_spikes_`: (learned, control) mean
        spikes per image.

    Raises
    ------
    ValueError
        If `kernels` is something else.

    Warns
    -----
    UserWarning
        If the spikes do not agree, so that accuracies cannot be compared.
    """
    if kernels not in KERNELS:
        raise ValueError(unknown_name("kernels of a control", str(kernels), KERNELS))
    if isinstance(estimator, ConvStack):
        return _control_of_stack(estimator, images, n_measure, kernels)
    control = _with_kernels(estimator, kernels)
    _settled(control, estimator, images, n_measure)
    return control


def _control_of_stack(
    stack: ConvStack, images: np.ndarray, n_measure: int, kernels: str
) -> ConvStack:
    """Return the control of a stack: each layer stands on the controls of those below."""
    made: ConvStack = clone(stack)
    made.seed_ = stack.seed_
    made._place(
        {name: _with_kernels(one, kernels) for name, one in stack.members_.items()}
    )
    for name, one in made.members_.items():
        _settled(one, stack.members_[name], images, n_measure)
    made.control_spikes_ = made.top_.control_spikes_
    return made


def _with_kernels(estimator: Any, kernels: str) -> Any:
    """Return a copy with shuffled or random kernels, and thresholds as they were."""
    control = clone(estimator)
    for name in estimator._saved:
        if hasattr(estimator, name) and name not in _NOT_COPIED:
            setattr(control, name, deepcopy(getattr(estimator, name)))
    found = control.state()
    if kernels == "random":
        found["afferents.w"] = estimator._starting_state()["afferents.w"]
    else:
        rng = np.random.default_rng(derived_seed(estimator.seed_, SHUFFLE))
        weights = found["afferents.w"]
        rows = weights.reshape(-1, weights.shape[-1])
        found["afferents.w"] = rng.permuted(rows, axis=0).reshape(weights.shape)
    found.pop("afferents.kept", None)  # what is pruned has moved with the weights
    control.__dict__.update(control.from_state(found))
    control.random_state = estimator.seed_
    return control


def _settled(control: Any, estimator: Any, images: np.ndarray, n_measure: int) -> None:
    """Let the thresholds of a control settle until it spikes as much as the estimator."""
    settle(control, images[: max(1, min(len(images), estimator.n_images_shown_))])
    stimulus = encode(estimator, images[:n_measure])
    wanted = _mean_spikes(estimator, stimulus)
    control.control_spikes_ = (wanted, _match(control, stimulus, wanted))


def settle(control: Any, images: np.ndarray, speed: float = 1.0) -> None:
    """Let thresholds adapt at `speed` times their rates, with weight learning off."""
    learning = control.learning()
    starts = range(0, len(images), control.chunk_size)
    shown = track(starts, len(starts), "control thresholds, parts", control.verbose)
    for number, start in enumerate(shown):
        chunk = images[start : start + control.chunk_size]
        result = run_chunk(
            learning.program,
            {"inputs": learning.stimulus(chunk, number)},
            control.state(),
            learning.settling(speed),
            **control.run_options(),
            seed=derived_seed(control.seed_, SHUFFLE, FIT, number),
        )
        control.__dict__.update(control.from_state(result.state))


def _match(control: Any, stimulus: np.ndarray, wanted: float) -> float:
    """Scale thresholds until spikes agree; return the mean spikes."""
    scales = _scales(control)
    found = np.inf if scales else _mean_spikes(control, stimulus)
    for scale in scales:
        if not _agree(found, wanted, TOLERANCE):
            found = _search(control, scale, stimulus, wanted)
    if not _agree(found, wanted, TOLERANCE):
        warnings.warn(
            f"the control spikes {found:.4g} times an image, the learned network "
            f"{wanted:.4g} times, and no common factor on thresholds mends that; their "
            "accuracies cannot be compared",
            stacklevel=3,
        )
    return found


def _agree(found: float, wanted: float, tolerance: float) -> bool:
    return abs(found - wanted) <= tolerance * wanted


def _scales(control: Any) -> list[Callable[[float], None]]:
    """Return the ways to scale all thresholds of a network by a factor."""
    settled = control.adapted_
    whole = float(getattr(control, "feature_scale", 1.0))

    def scale_adapted(factor: float) -> None:
        control.adapted_ = (settled * factor).astype(settled.dtype)

    def scale_whole(factor: float) -> None:
        control.adapted_, control.feature_scale = settled, whole * factor

    scales: list[Callable[[float], None]] = []
    if settled.any():
        scales.append(scale_adapted)
    if control.threshold_name() is not None:
        scales.append(scale_whole)
    return scales


def _search(
    control: Any, scale: Callable[[float], None], stimulus: np.ndarray, wanted: float
) -> float:
    """Find a factor by bisection, or else the best one; return the mean spikes."""
    tried: dict[float, float] = {}
    low, high = 0.25, 4.0
    factor = 1.0
    for _ in range(20):
        scale(factor)
        found = tried[factor] = _mean_spikes(control, stimulus)
        if _agree(found, wanted, TOLERANCE / 2):
            return found
        low, high = (factor, high) if found > wanted else (low, factor)
        factor = (low * high) ** 0.5
    if not _agree(found, wanted, TOLERANCE):
        factor = min(tried, key=lambda factor: abs(tried[factor] - wanted))
        scale(factor)
        found = tried[factor]
    return found


def _mean_spikes(estimator: Any, stimulus: np.ndarray) -> float:
    """Return the mean number of spikes per image, as features are computed."""
    layer = estimator.layer()
    result = run_chunk(
        estimator.program(layer),
        {"inputs": stimulus},
        estimator.state(),
        estimator.feature_parameters(),
        **estimator.run_options(),
        seed=derived_seed(estimator.seed_, SHUFFLE, 0),
    )
    return float(layer.spikes(result.counts).sum() / len(stimulus))
