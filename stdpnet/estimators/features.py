"""Features of images from a learned layer, in parallel chunks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from stdpnet.encoding import count_blank
from stdpnet.engine.processes import stop_all
from stdpnet.engine.program import Program
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.base import derived_seed, warn_blank
from stdpnet.estimators.layer import ConvLayer
from stdpnet.estimators.learning import TRANSFORM, encode, state
from stdpnet.estimators.recording import Recorder


@dataclass(frozen=True)
class FeatureProgress:
    """How far a computation of features is.

    Attributes
    ----------
    n_shown : int
        Images done.
    spikes : ndarray, shape (n, n_maps)
        Spikes of each map for the images that were added.
    """

    n_shown: int
    spikes: np.ndarray


def feature_dtype(layer: ConvLayer, n_steps: int) -> type:
    """Return the smallest type that holds the largest possible count."""
    spikes = 1 if layer.inhibition is not None else n_steps
    return np.uint8 if spikes * layer.pooling.size**2 <= 255 else np.uint16


def compute_features(
    estimator: Any,
    images: np.ndarray,
    features: np.ndarray,
    recorder: Recorder | None = None,
) -> Iterator[FeatureProgress]:
    """Fill `features`, shape (n, n_features), and report after each few chunks."""
    program = estimator.program(estimator.layer())
    size = estimator.chunk_size
    starts = range(0, len(images), size)
    workers = effective_n_jobs(estimator.n_jobs)
    n_blank, recorder = 0, recorder or Recorder(None)
    for first in range(0, len(starts), 4 * workers):
        batch = starts[first : first + 4 * workers]
        jobs = [
            delayed(_chunk)(
                estimator,
                program,
                images[start : start + size],
                start // size,
                recorder.record,
            )
            for start in batch
        ]
        results = _in_threads(jobs, estimator.n_jobs)
        for start, (counts, _, blank, found) in zip(batch, results, strict=True):
            features[start : start + len(counts)] = counts
            n_blank += blank
            recorder.add(found, len(counts))
        spikes = np.concatenate([result[1] for result in results])
        yield FeatureProgress(min(batch[-1] + size, len(images)), spikes)
    warn_blank(n_blank, len(images), "their features are zero")


def _in_threads(jobs: list[Any], n_jobs: int | None) -> list[Any]:
    """Run chunks in parallel; their work is done by programs of their own."""
    try:
        return list(Parallel(n_jobs=n_jobs, prefer="threads")(jobs))
    except (KeyboardInterrupt, SystemExit):
        # Only this thread was interrupted.
        stop_all()
        raise


def _chunk(
    estimator: Any,
    program: Program,
    images: np.ndarray,
    number: int,
    record: dict[str, Any],
) -> tuple[np.ndarray, np.ndarray, int, dict[str, np.ndarray]]:
    """Return features, spikes of each map, number of blank images, recordings."""
    stimulus = encode(estimator, images)
    result = run_chunk(
        program,
        {"inputs": stimulus},
        state(estimator),
        estimator.feature_parameters(),
        n_steps=estimator.n_steps(),
        seed=derived_seed(estimator.seed_, TRANSFORM, number),
        record=record,
    )
    counts = result.counts["counts"].reshape(len(images), -1)
    totals = result.counts["totals"][:, 0, 0]
    return counts, totals, count_blank(stimulus), result.recordings
