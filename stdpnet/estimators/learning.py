"""Learning of a network, chunk after chunk, with its history."""

import math
import warnings
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from stdpnet.encoding import count_blank
from stdpnet.engine.program import Program
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.estimators.base import Progress, derived_seed, warn_blank
from stdpnet.estimators.compressing import compressed
from stdpnet.estimators.recording import Recorder

#: Uses of randomness, part of every derived seed.
START, ORDER, FIT, PATCHES, TRANSFORM = range(5)
#: Images encoded at a time while looking for one with contrast.
LOOK_AT = 32
#: Share of their rates at which thresholds adapt while they settle.
SETTLING = 0.2


class Learning:
    """Chunks of a network that is being fitted; its attributes are updated in place.

    Parameters
    ----------
    estimator : Learner
        Started, or fitted so far.
    recorder : Recorder, optional
        Gets what the chunks record.
    """

    def __init__(self, estimator: Any, recorder: Recorder | None = None) -> None:
        self.estimator = estimator
        self.recorder = recorder or Recorder(None)
        self.layer = self._layer()
        learned = estimator.weights_of(vars(estimator))
        self.layer.rule.check_weights(learned, estimator._learned)
        self._parameters = self.layer.network().parameter_values()
        self.n_blank = self.n_seen = self.n_unanswered = 0

    def _layer(self) -> Any:
        return self.estimator.layer()

    @cached_property
    def program(self) -> Program:
        """What runs; made when it is first asked for."""
        program: Program = self.estimator.program(self.layer)
        return program

    @property
    def parameters(self) -> dict[str, float]:
        """Values of the network's parameters while it learns."""
        values = dict(self._parameters)
        if "afferents.total" in values:
            values["afferents.total"] *= self.estimator.total_scale_
        return values

    def settling(self, speed: float = SETTLING) -> dict[str, float]:
        """Values while weights are fixed and thresholds adapt at `speed` times their rates."""
        neuron, values = self.layer.neuron, {"afferents.learning": 0.0}
        for name in (f"features.{rate}" for rate in neuron.learning_parameters):
            values[name] = speed * self._parameters[name]
        return {**self.parameters, **values, **self.estimator.final_parameters()}

    def frozen(self) -> dict[str, float]:
        """Values while nothing adapts."""
        fixed = self.layer.network().parameter_values(learning=False)
        return {**fixed, **self.estimator.final_parameters()}

    def run(self, images: np.ndarray, n_epochs: int) -> Iterator[Progress]:
        """Show all images in random order, from the chunk that comes next.

        Stops early when the weights have converged.
        """
        total, estimator = n_epochs * len(images), self.estimator
        chunks = self._chunks(len(images), n_epochs)
        for chunk in islice(chunks, estimator.n_chunks_, None):
            if estimator.converged_:
                break
            yield self.show(images[chunk], total)
        self.warn()
        warn_unfinished(estimator, self.end(total))

    def end(self, total: int) -> int:
        """Return after how many images weights are final."""
        return final_after(total, self.estimator.n_settle)

    def settles(self, end: float) -> bool:
        """Say whether weights are final in the chunk that comes next."""
        return bool(self.estimator.n_images_shown_ >= end)

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
            yield self.show(images[start : start + size], total, ends=False)
        self.warn()

    def show(self, images: np.ndarray, total: int, *, ends: bool = True) -> Progress:
        """Show one chunk of images and take over what it changed.

        Parameters
        ----------
        images : ndarray, shape (n, height, width, channels)
            The chunk.
        total : int
            Images shown at the end, for the progress.
        ends : bool
            Whether learning ends, at `total` or when the weights have converged.
        """
        estimator = self.estimator
        end = self.end(total) if ends else math.inf
        stimulus = self.stimulus(images, estimator.n_chunks_)
        result = run_chunk(
            self.program,
            {"inputs": stimulus},
            estimator.state(),
            self.settling() if self.settles(end) else self.parameters,
            **estimator.run_options(),
            seed=derived_seed(estimator.seed_, FIT, estimator.n_chunks_),
            record=self.recorder.record,
        )
        self.recorder.add(result.recordings, int(result.presentations.sum()))
        # In one step: Ctrl-C must not leave half of what a chunk has changed.
        estimator.__dict__.update(self.learned(result, len(images), end))
        return self.progress(total)

    def progress(self, total: int) -> Progress:
        """Return how far learning is, after a chunk."""
        history, shown = self.estimator.history_, self.estimator.n_images_shown_
        spikes = float(history["spikes"][-1].sum())
        return Progress(shown, total, float(history["convergence"][-1]), spikes)

    def stimulus(self, images: np.ndarray, chunk: int) -> np.ndarray:
        """Encode one chunk of images."""
        stimulus = encode(self.estimator, images)
        self.n_blank += count_blank(stimulus)
        self.n_seen += len(images)
        return stimulus

    def learned(
        self,
        result: ChunkResult,
        n_images: int,
        end: float,
    ) -> dict[str, Any]:
        """Return the attributes after a chunk; `end`: when weights are final, or inf."""
        self.n_unanswered += self.estimator.n_unanswered(result)
        estimator, ends = self.estimator, math.isfinite(end)
        shown = estimator.n_images_shown_ + n_images
        new = estimator.from_state(result.state)
        convergence = self._convergence(new)
        settled = self.settles(end) or convergence >= estimator.tol
        converged = ends and (estimator.converged_ or not settled)
        if not self.settles(end):
            last = converged or shown >= end
            new = compressed(estimator, result.state, shown, last=last)
        new["counts_"] = added(getattr(estimator, "counts_", {}), result.events)
        new["n_chunks_"] = estimator.n_chunks_ + 1
        new["n_shown_"] = estimator.n_shown_ + int(result.presentations.sum())
        new["n_images_shown_"] = shown
        row = {
            "n_shown": new["n_shown_"],
            "n_images_shown": shown,
            "convergence": convergence,
            "thresholds": estimator.thresholds_of(new),
            "spikes": self.layer.spikes(result.counts).mean(axis=0),
        }
        kept = estimator.kept_of(new)
        if kept is not None:
            row["connectivity"] = float(np.mean(kept))
        if ends:
            new["converged_"] = converged
        if is_snapshot(new["n_chunks_"]):
            row |= {
                "kernels": estimator.snapshot_of(new),
                "kernels_shown": new["n_shown_"],
            }
        new["history_"] = appended(estimator.history_, row)
        return new

    def _convergence(self, learned: dict[str, Any]) -> float:
        """Return the mean of w (1 - w), or which part of binary weights switched.

        Of those that are left: what is pruned has not converged.
        """
        rule, estimator = self.layer.rule, self.estimator
        w = estimator.weights_of(learned) / rule.w_max
        moving = w * (1 - w)
        if rule.levels is not None:
            moving = np.abs(w - estimator.weights_of(vars(estimator)) / rule.w_max)
        kept = estimator.kept_of(learned)
        return float(np.mean(moving if kept is None else moving[kept]))

    def warn(self) -> None:
        """Warn of images that taught nothing."""
        warn_blank(self.n_blank, self.n_seen, "they teach nothing")
        warn_unanswered(self.estimator, self.n_unanswered, self.n_seen)


def final_after(total: int, n_settle: int) -> int:
    """Return after how many of the images weights are final, with so many to settle."""
    return total - min(n_settle, total // 2)


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


def warn_unanswered(estimator: Any, n_unanswered: int, n_images: int) -> None:
    """Warn once of images that the network did not answer, with their number."""
    if n_unanswered:
        warnings.warn(
            f"{n_unanswered} of {n_images} images had fewer than "
            f"{estimator.again.spikes} spikes even when shown "
            f"{estimator.again.limit + 1} times; raise the rates, or 'again.limit'",
            stacklevel=3,
        )


def warn_unfinished(estimator: Any, end: int) -> None:
    """Warn if weights were final, at the latest after `end` images, before pruning was."""
    pruning = estimator.pruning
    shown = min(estimator.n_images_shown_, end)
    if pruning is not None and shown < pruning.steps[-1]:
        warnings.warn(
            f"learning ended after {shown} images, before the last step of pruning at "
            f"{pruning.steps[-1]}; lower 'pruning.end', or show more images",
            stacklevel=3,
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


def starting_state(estimator: Any, layer: Any) -> dict[str, np.ndarray]:
    """Return random weights, and what neurons and synapses start from."""
    seed = derived_seed(estimator.seed_, START)
    found: dict[str, np.ndarray] = layer.network().initial_state(seed)
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
