"""Learning of a convolutional layer, chunk after chunk, with its history."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from stdpnet.encoding import count_blank, count_windows, sample_windows
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.estimators.base import Progress, derived_seed, warn_blank

#: Uses of randomness, part of every derived seed.
START, ORDER, FIT, PATCHES, TRANSFORM = range(5)
#: Images encoded at a time while looking for one with contrast.
LOOK_AT = 32


class Learning:
    """Chunks of a `ConvSTDP` that is being fitted; its attributes are updated in place.

    Parameters
    ----------
    estimator : ConvSTDP
        Started, or fitted so far.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.on_patches = estimator.fit_on == "patches"
        self.layer = estimator.layer()
        if self.on_patches:
            self.layer = self.layer.on_patches()
        self.program = estimator.program(self.layer)
        self.parameters = self.layer.network().parameter_values()
        self._decays = {
            name: self.parameters[name]
            for name in (f"features.{decay}" for decay in self.layer.neuron.decays)
        }
        self.n_blank = self.n_seen = 0

    def run(self, images: np.ndarray, n_epochs: int) -> Iterator[Progress]:
        """Show all images in random order, from the chunk that comes next.

        Stops early when the kernels have converged.
        """
        total = n_epochs * len(images)
        chunks = self._chunks(len(images), n_epochs)
        for chunk in islice(chunks, self.estimator.n_chunks_, None):
            if self.estimator.converged_:
                break
            progress = self.show(images[chunk], total)
            # A checkpoint written at the yield must know it.
            self.estimator.converged_ = self._has_converged()
            yield progress
        self._warn_blank()

    def _chunks(self, n_images: int, n_epochs: int) -> Iterator[np.ndarray]:
        """Return the images of every chunk, in another order in every epoch."""
        size, seed = self.estimator.chunk_size, self.estimator.seed_
        for epoch in range(n_epochs):
            rng = np.random.default_rng(derived_seed(seed, ORDER, epoch))
            order = rng.permutation(n_images)
            for start in range(0, n_images, size):
                yield order[start : start + size]

    def run_in_order(self, images: np.ndarray) -> Iterator[Progress]:
        """Show all images once, in their order, after what was shown before."""
        size = self.estimator.chunk_size
        for start in range(0, len(images), size):
            yield self.show(images[start : start + size], len(images))
        self._warn_blank()

    def show(self, images: np.ndarray, total: int) -> Progress:
        """Show one chunk of images and take over what it changed."""
        estimator = self.estimator
        stimulus = self.stimulus(images)
        result = run_chunk(
            self.program,
            {"inputs": stimulus},
            state(estimator),
            self.parameters,
            n_steps=estimator.n_steps(),
            seed=derived_seed(estimator.seed_, FIT, estimator.n_chunks_),
        )
        self._take_over(result, len(stimulus))
        estimator.n_images_shown_ += len(images)
        history = estimator.history_
        spikes = float(history["spikes"][-1].sum())
        shown = estimator.n_images_shown_
        return Progress(shown, total, float(history["convergence"][-1]), spikes)

    def stimulus(self, images: np.ndarray) -> np.ndarray:
        """Encode one chunk of images; draw patches of them if learning is on patches."""
        estimator = self.estimator
        stimulus = encode(estimator, images)
        self.n_blank += count_blank(stimulus)
        self.n_seen += len(images)
        if not self.on_patches:
            return stimulus
        self._decay_by_patch(stimulus)
        rng = np.random.default_rng(
            derived_seed(estimator.seed_, PATCHES, estimator.n_chunks_)
        )
        return sample_windows(
            stimulus,
            estimator.kernel_size,
            estimator.patches_per_image,
            rng,
            rebase=stimulus.dtype == np.uint16,
        )

    def _decay_by_patch(self, stimulus: np.ndarray) -> None:
        """Spread what decays with every image over the patches that make up one."""
        windows = count_windows(stimulus, self.estimator.kernel_size)
        n_windows = max(1.0, float(windows.mean()))
        for name, lost in self._decays.items():
            self.parameters[name] = 1 - (1 - lost) ** (1 / n_windows)

    def _take_over(self, result: ChunkResult, n_shown: int) -> None:
        estimator = self.estimator
        estimator.kernels_ = np.moveaxis(result.state["afferents.w"], -1, 0).copy()
        estimator.thresholds_ = result.state.get(
            "features.theta", estimator.thresholds_
        )
        estimator.n_chunks_ += 1
        estimator.n_shown_ += n_shown
        row = {
            "n_shown": estimator.n_shown_,
            "convergence": self._convergence(),
            "thresholds": estimator.thresholds_,
            "spikes": result.counts["totals"][:, 0, 0].mean(axis=0),
        }
        if is_snapshot(estimator.n_chunks_):
            row |= {"kernels": estimator.kernels_, "kernels_shown": estimator.n_shown_}
        for name, value in row.items():
            _append(estimator.history_, name, np.asarray(value))

    def _convergence(self) -> float:
        w_max = self.layer.rule.w_max
        w = self.estimator.kernels_ / w_max
        return float(np.mean(w * (1 - w)))

    def _has_converged(self) -> bool:
        return bool(self.estimator.history_["convergence"][-1] < self.estimator.tol)

    def _warn_blank(self) -> None:
        warn_blank(self.n_blank, self.n_seen, "they teach nothing")


def is_snapshot(chunk: int) -> bool:
    """Say whether kernels are kept after this chunk: 1, 2, 3, 4, 6, 8, 12, 16, ..."""
    power = 1 << (chunk.bit_length() - 1)
    return chunk == power or chunk == power + power // 2


def encode(estimator: Any, images: np.ndarray) -> np.ndarray:
    """Return the stimulus of images, as the estimator was fitted to encode them."""
    return estimator._encoding().encode(
        # Brighter than anything seen in learning counts as white.
        np.minimum(images, estimator.max_value_),
        estimator.encoding_arrays_,
        estimator.n_steps(),
        estimator.dt,
        estimator.max_value_,
    )


def check_contrast(estimator: Any, images: np.ndarray) -> None:
    """Raise ValueError if no image has contrast, looking no further than the first."""
    for start in range(0, len(images), LOOK_AT):
        some = images[start : start + LOOK_AT]
        if count_blank(encode(estimator, some)) < len(some):
            return
    raise ValueError(
        f"X must have images with contrast, got none among {len(images)} "
        f"(n_features={estimator.n_features_in_}); check the data, or lower the cutoff "
        "of the encoding's filter"
    )


def state(estimator: Any) -> dict[str, np.ndarray]:
    """Return kernels and thresholds as a program takes them."""
    return {
        "afferents.w": np.moveaxis(estimator.kernels_, 0, -1),
        "features.theta": estimator.thresholds_,
    }


def _append(history: dict[str, np.ndarray], name: str, row: np.ndarray) -> None:
    before = history.get(name)
    history[name] = (
        row[np.newaxis] if before is None else np.concatenate([before, row[np.newaxis]])
    )
