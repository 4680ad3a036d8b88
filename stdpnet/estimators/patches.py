"""Learning on patches: windows of the kernel's size, drawn from images."""

from typing import Any

import numpy as np

from stdpnet.encoding import count_windows, sample_windows
from stdpnet.encoding.images import all_windows
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.learning import PATCHES, Learning
from stdpnet.models.projections import Convolution


class PatchLearning(Learning):
    """Chunks of a `ConvSTDP` that sees patches, not whole images."""

    def __init__(self, estimator: Any, recorder: Any = None) -> None:
        super().__init__(estimator, recorder)
        self._decays = {
            name: self._parameters[name]
            for name in (f"features.{decay}" for decay in self.layer.neuron.decays)
        }

    def _layer(self) -> Any:
        return self.estimator.layer().on_patches()

    def stimulus(self, images: np.ndarray, chunk: int) -> np.ndarray:
        """Encode one chunk of images, and draw patches of them."""
        stimulus = super().stimulus(images, chunk)
        self._decay_by_patch(stimulus)
        estimator = self.estimator
        rng = np.random.default_rng(derived_seed(estimator.seed_, PATCHES, chunk))
        return sample_windows(
            stimulus,
            estimator.kernel_size,
            estimator.patches_per_image,
            rng,
            rebase=stimulus.dtype == np.uint16,
        )

    def _decay_by_patch(self, stimulus: np.ndarray) -> None:
        """Spread what decays with every image over the patches that make up one."""
        kernel = self.estimator.layer().convolution
        n_windows = max(1.0, mean_windows(stimulus, kernel))
        for name, lost in self._decays.items():
            self._parameters[name] = 1 - (1 - lost) ** (1 / n_windows)


def mean_windows(stimulus: np.ndarray, kernel: Convolution) -> float:
    """Return how many windows of an image have contrast, of those a kernel stands at.

    Parameters
    ----------
    stimulus : ndarray, shape (n, height, width, channels)
        Encoded images.
    kernel : Convolution
        Square. Only positions wholly inside the image count.
    """
    size, stride = kernel.height, kernel.stride
    if stride == 1:
        return float(count_windows(stimulus, size).mean())
    first = -kernel.padding % stride
    count = 0
    for row in range(first, stimulus.shape[1] - size + 1, stride):
        strip = all_windows(stimulus[:, row : row + size], size)
        windows = strip[:, 0, first::stride].reshape(-1, *strip.shape[3:])
        count += int(count_windows(windows, size).sum())
    return count / len(stimulus)
