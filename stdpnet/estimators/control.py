"""The fair control: the same network with kernels that carry no structure."""

from typing import Any

import numpy as np
from sklearn.base import clone

from stdpnet.engine.run import run_chunk
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.learning import (
    FIT,
    Learning,
    encode,
    state,
    take_over_state,
)

#: Mean spikes per image of learned network and control agree within this.
TOLERANCE = 0.1
SHUFFLE = 5


def shuffled_control(estimator: Any, images: np.ndarray, n_measure: int = 500) -> Any:
    """Return a copy whose kernels are shuffled and whose thresholds have settled again.

    The weights of each kernel are permuted within the kernel, so their
    histogram stays. Thresholds then adapt to it with weight learning off, on
    as many images as the kernels had been learned from, and are finally
    scaled together until the mean number of spikes per image, measured as
    features are, agrees with that of the learned network within 10 %. Neurons
    without an adaptive threshold keep the one that they have.

    Parameters
    ----------
    estimator : ConvSTDP
        Fitted.
    images : ndarray, shape (n, height, width[, channels])
        The images it was fitted on.
    n_measure : int
        Images on which spikes are compared.

    Returns
    -------
    ConvSTDP
        Fitted, with the attribute `control_spikes_`: (learned, control) mean
        spikes per image.
    """
    control = clone(estimator)
    for name in estimator._saved:
        if hasattr(estimator, name):
            setattr(control, name, getattr(estimator, name))
    rng = np.random.default_rng(derived_seed(estimator.seed_, SHUFFLE))
    kernels = estimator.kernels_.reshape(estimator.n_maps, -1)
    control.kernels_ = rng.permuted(kernels, axis=1).reshape(estimator.kernels_.shape)
    control.random_state = estimator.seed_
    _settle(control, images[: max(1, min(len(images), estimator.n_images_shown_))])
    stimulus = encode(estimator, images[:n_measure])
    wanted = _mean_spikes(estimator, stimulus)
    control.control_spikes_ = (wanted, _match(control, stimulus, wanted))
    return control


def _settle(control: Any, images: np.ndarray) -> None:
    """Let thresholds adapt with weight learning off."""
    learning = Learning(control)
    learning.parameters["afferents.learning"] = 0.0
    for number, start in enumerate(range(0, len(images), control.chunk_size)):
        chunk = images[start : start + control.chunk_size]
        result = run_chunk(
            learning.program,
            {"inputs": learning.stimulus(chunk)},
            state(control),
            learning.parameters,
            n_steps=control.n_steps(),
            seed=derived_seed(control.seed_, SHUFFLE, FIT, number),
        )
        take_over_state(control, result.state)


def _match(control: Any, stimulus: np.ndarray, wanted: float) -> float:
    """Scale thresholds by bisection until spikes agree; return the mean spikes."""
    settled = control.thresholds_
    low, high = 0.25, 4.0
    factor = 1.0
    for _ in range(20 if settled.any() else 1):
        control.thresholds_ = (settled * factor).astype(settled.dtype)
        found = _mean_spikes(control, stimulus)
        if abs(found - wanted) <= TOLERANCE / 2 * wanted:
            break
        low, high = (factor, high) if found > wanted else (low, factor)
        factor = (low * high) ** 0.5
    return found


def _mean_spikes(estimator: Any, stimulus: np.ndarray) -> float:
    """Return the mean number of spikes per image, as features are computed."""
    layer = estimator.layer()
    result = run_chunk(
        estimator.program(layer),
        {"inputs": stimulus},
        state(estimator),
        estimator.feature_parameters(),
        n_steps=estimator.n_steps(),
        seed=derived_seed(estimator.seed_, SHUFFLE, 0),
    )
    return float(result.counts["totals"].sum() / len(stimulus))
