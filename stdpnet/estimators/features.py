"""Features of images from a learned layer, in parallel chunks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import psutil
from joblib import Parallel, delayed, effective_n_jobs

from stdpnet.encoding import count_blank
from stdpnet.engine.processes import stop_all
from stdpnet.engine.program import Program
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.estimators.base import derived_seed, warn_blank
from stdpnet.estimators.learning import TRANSFORM, added, encode, warn_unanswered
from stdpnet.estimators.recording import Recorder

#: Bytes of features that are not worth a look at the memory.
SMALL = 100_000_000


@dataclass(frozen=True)
class FeatureProgress:
    """How far a computation of features is.

    Attributes
    ----------
    n_shown : int
        Images done.
    spikes : ndarray, shape (n, n_maps)
        Spikes of each map for the images that were added.
    events : dict of int
        Their spikes and synaptic events.
    """

    n_shown: int
    spikes: np.ndarray
    events: dict[str, int]


def check_memory(
    n_images: int, n_features: int, dtype: Any, way_out: str, free: int | None = None
) -> None:
    """Raise ValueError for more features than fit into the memory that is free.

    Parameters
    ----------
    n_images, n_features : int
        Their number.
    dtype : dtype
        Of a count.
    way_out : str
        What to do, for the message.
    free : int, optional
        Bytes of memory that are free; default: of this machine.
    """
    each = np.dtype(dtype).itemsize
    needed = n_images * n_features * each
    if needed < SMALL:
        return
    free = psutil.virtual_memory().available if free is None else free
    if needed > free:
        raise ValueError(
            f"the features of {n_images:,} images take {needed / 1e9:.1f} GB "
            f"({n_features:,} counts of {each} byte{'s' if each > 1 else ''} an image), "
            f"but {free / 1e9:.1f} GB of memory are free; {way_out}"
        )


def feature_dtype(layer: Any, n_steps: int) -> type:
    """Return the smallest type that holds the largest possible count."""
    return np.uint8 if layer.most_spikes(n_steps) <= 255 else np.uint16


def compute_features(
    estimator: Any,
    images: np.ndarray,
    features: np.ndarray,
    recorder: Recorder | None = None,
    first: int = 0,
) -> Iterator[FeatureProgress]:
    """Fill `features`, shape (n, n_features), and report after each few chunks.

    Chunks are numbered as if as many images as `first`, whole chunks, stood before.
    """
    layer = estimator.layer()
    program = estimator.program(layer)
    size = estimator.chunk_size
    starts = range(0, len(images), size)
    workers = effective_n_jobs(estimator.n_jobs)
    n_blank, n_unanswered, recorder = 0, 0, recorder or Recorder(None)
    for done in range(0, len(starts), 4 * workers):
        batch = starts[done : done + 4 * workers]
        jobs = [
            delayed(_chunk)(
                estimator,
                program,
                images[start : start + size],
                (first + start) // size,
                recorder.record,
            )
            for start in batch
        ]
        results = _in_threads(jobs, estimator.n_jobs)
        for start, (result, blank) in zip(batch, results, strict=True):
            n = len(result.presentations)
            features[start : start + n] = layer.pooled(result.counts)
            n_blank += blank
            n_unanswered += estimator.n_unanswered(result)
            recorder.add(result.recordings, int(result.presentations.sum()))
        yield _progress(
            layer,
            [result for result, _ in results],
            min(batch[-1] + size, len(images)),
        )
    warn_blank(n_blank, len(images), "their features are zero")
    warn_unanswered(estimator, n_unanswered, len(images))


def _progress(layer: Any, results: list[ChunkResult], n_shown: int) -> FeatureProgress:
    spikes = np.concatenate([layer.spikes(result.counts) for result in results])
    events = reduce(added, (result.events for result in results))
    return FeatureProgress(n_shown, spikes, events)


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
) -> tuple[ChunkResult, int]:
    """Return what a chunk left behind, and the number of blank images."""
    stimulus = encode(estimator, images)
    result = run_chunk(
        program,
        {"inputs": stimulus},
        estimator.state(),
        estimator.feature_parameters(),
        **estimator.run_options(),
        seed=derived_seed(estimator.seed_, TRANSFORM, number),
        record=record,
    )
    return result, count_blank(stimulus)
