"""Learning of a convolutional layer, chunk after chunk, with its history."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from stdpnet.encoding import count_blank, count_windows, sample_windows
from stdpnet.encoding.images import all_windows
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.estimators.base import Progress, derived_seed, warn_blank
from stdpnet.estimators.recording import Recorder
from stdpnet.models.projections import Convolution

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
    recorder : Recorder, optional
        Gets what the chunks record.
    """

    def __init__(self, estimator: Any, recorder: Recorder | None = None) -> None:
        self.estimator = estimator
        self.recorder = recorder or Recorder(None)
        self.on_patches = estimator.fit_on == "patches"
        self.layer = estimator.layer()
        self.kernel = self.layer.convolution
        if self.on_patches:
            self.layer = self.layer.on_patches()
        self.layer.rule.check_weights(estimator.kernels_, "kernels_")
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
            yield self.show(images[chunk], total)
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
        total = self.estimator.n_images_shown_ + len(images)
        for start in range(0, len(images), size):
            yield self.show(images[start : start + size], total, stops=False)
        self._warn_blank()

    def show(self, images: np.ndarray, total: int, *, stops: bool = True) -> Progress:
        """Show one chunk of images and take over what it changed.

        Parameters
        ----------
        images : ndarray, shape (n, height, width, channels)
            The chunk.
        total : int
            Images shown at the end, for the progress.
        stops : bool
            Whether learning ends when the kernels have converged.
        """
        estimator = self.estimator
        stimulus = self.stimulus(images, estimator.n_chunks_)
        result = run_chunk(
            self.program,
            {"inputs": stimulus},
            state(estimator),
            self.parameters,
            n_steps=estimator.n_steps(),
            seed=derived_seed(estimator.seed_, FIT, estimator.n_chunks_),
            record=self.recorder.record,
        )
        self.recorder.add(result.recordings, len(stimulus))
        # In one step: Ctrl-C must not leave half of what a chunk has changed.
        estimator.__dict__.update(
            self._learned(result, len(images), len(stimulus), stops)
        )
        history, shown = estimator.history_, estimator.n_images_shown_
        spikes = float(history["spikes"][-1].sum())
        return Progress(shown, total, float(history["convergence"][-1]), spikes)

    def stimulus(self, images: np.ndarray, chunk: int) -> np.ndarray:
        """Encode one chunk of images; draw patches of them if learning is on patches."""
        estimator = self.estimator
        stimulus = encode(estimator, images)
        self.n_blank += count_blank(stimulus)
        self.n_seen += len(images)
        if not self.on_patches:
            return stimulus
        self._decay_by_patch(stimulus)
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
        n_windows = max(1.0, mean_windows(stimulus, self.kernel))
        for name, lost in self._decays.items():
            self.parameters[name] = 1 - (1 - lost) ** (1 / n_windows)

    def _learned(
        self, result: ChunkResult, n_images: int, n_shown: int, stops: bool
    ) -> dict[str, Any]:
        """Return the attributes of the estimator after a chunk."""
        estimator = self.estimator
        new = learned_arrays(result.state)
        new["counts_"] = added(getattr(estimator, "counts_", {}), result.events)
        new["n_chunks_"] = estimator.n_chunks_ + 1
        new["n_shown_"] = estimator.n_shown_ + n_shown
        new["n_images_shown_"] = estimator.n_images_shown_ + n_images
        row = {
            "n_shown": new["n_shown_"],
            "convergence": self._convergence(new["kernels_"]),
            "thresholds": new.get("thresholds_", estimator.thresholds_),
            "spikes": result.counts["totals"][:, 0, 0].mean(axis=0),
        }
        if stops:
            new["converged_"] = bool(row["convergence"] < estimator.tol)
        if is_snapshot(new["n_chunks_"]):
            row |= {"kernels": new["kernels_"], "kernels_shown": new["n_shown_"]}
        new["history_"] = appended(estimator.history_, row)
        return new

    def _convergence(self, kernels: np.ndarray) -> float:
        """Return the mean of w (1 - w), or which part of binary weights switched."""
        rule = self.layer.rule
        w = kernels / rule.w_max
        if rule.levels is not None:
            before = self.estimator.kernels_ / rule.w_max
            return float(np.mean(np.abs(w - before)))
        return float(np.mean(w * (1 - w)))

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
    """Return everything learned as a program takes it."""
    return {
        "afferents.w": np.moveaxis(estimator.kernels_, 0, -1),
        "features.theta": estimator.thresholds_,
        # Files of before 0.2 have none.
        **getattr(estimator, "other_state_", {}),
    }


def learned_arrays(found: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return what a program left as attributes of an estimator."""
    others = dict(found)
    # Channels last inside the program, maps first outside.
    kernels = np.moveaxis(others.pop("afferents.w"), -1, 0).copy()
    thresholds = others.pop("features.theta", None)
    learned = {"kernels_": kernels, "other_state_": others}
    return learned if thresholds is None else learned | {"thresholds_": thresholds}


def starting_state(estimator: Any, layer: Any) -> dict[str, np.ndarray]:
    """Return random weights, and what neurons and synapses start from."""
    rng = np.random.default_rng(derived_seed(estimator.seed_, START))
    shape = layer.convolution.kernel_shape(layer.inputs, estimator.n_maps)
    w = layer.rule.initial_weights(rng, shape).astype(layer.dtype)
    found = {"afferents.w": w}
    for name, values in layer.rule.synapses(w).items():
        found[f"afferents.{name}"] = values
    for name in layer.neuron.per_map:
        start = layer.neuron.initial().get(name, 0.0)
        found[f"features.{name}"] = np.full(estimator.n_maps, start, layer.dtype)
    return found


def added(counts: dict[str, int], events: dict[str, int]) -> dict[str, int]:
    """Return the events of one run added to those before."""
    return {name: counts.get(name, 0) + n for name, n in events.items()}


def appended(history: dict[str, np.ndarray], row: dict[str, Any]) -> dict[str, Any]:
    """Return a history with one more row."""
    longer = dict(history)
    for name, value in row.items():
        new = np.asarray(value)[np.newaxis]
        longer[name] = np.concatenate([history[name], new]) if name in history else new
    return longer


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
