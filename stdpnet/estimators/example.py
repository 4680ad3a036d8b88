"""The spikes that one image causes."""

from typing import Any

import numpy as np

from stdpnet.engine.run import run_chunk
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.learning import TRANSFORM, encode


def spikes_of_example(estimator: Any, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return the spikes of inputs and features while an image is shown.

    Parameters
    ----------
    estimator : Learner
        Fitted.
    image : ndarray, shape (height, width[, channels])
        One image.

    Returns
    -------
    dict of ndarray of int32, shape (n_spikes, 2)
        For ``"inputs"`` and ``"features"``: step and neuron of each spike.
    """
    result = run_chunk(
        estimator.program(estimator.layer()),
        {"inputs": encode(estimator, image[np.newaxis])},
        estimator.state(),
        estimator.feature_parameters(),
        **estimator.run_options(),
        seed=derived_seed(estimator.seed_, TRANSFORM, 0),
        record=("inputs", "features"),
    )
    last = int(result.presentations[0]) - 1  # if it was shown again
    return {
        name: spikes[spikes[:, 0] == last, 1:] for name, spikes in result.spikes.items()
    }
