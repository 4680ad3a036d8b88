"""Spike counts of all modalities, in parallel chunks."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from stdpnet.engine.processes import stop_all
from stdpnet.engine.program import Program
from stdpnet.engine.run import STIMULUS_DTYPES, ChunkResult, run_chunk
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.learning import TRANSFORM, encode
from stdpnet.estimators.multimodal.joined import inside, named
from stdpnet.estimators.show import track
from stdpnet.models.network import NEVER

Counts = dict[str, np.ndarray]


def compute_counts(
    joint: Any, images: dict[str, np.ndarray], *, pooled: bool = True
) -> Counts:
    """Return the counts of every modality, shape (n, n_features), also of those without images.

    Those of single neurons, shape (n, n_neurons), if they are not `pooled`.
    """
    n = len(next(iter(images.values())))
    program, size = joint.program(joint.joined()), joint.chunk_size
    starts = list(range(0, n, size))
    found: list[Counts] = []
    for done in track(
        _batches(joint, program, images, starts, pooled),
        len(starts),
        "features",
        joint.verbose,
    ):
        found += done
    return {
        name: np.concatenate([counts[name] for counts in found])
        for name in joint.members_
    }


def _batches(
    joint: Any,
    program: Program,
    images: dict[str, np.ndarray],
    starts: list[int],
    pooled: bool,
) -> Iterator[list[Counts]]:
    at_once = effective_n_jobs(joint.n_jobs)
    for first in range(0, len(starts), at_once):
        jobs = [
            delayed(_chunk)(joint, program, _some(joint, images, start), start, pooled)
            for start in starts[first : first + at_once]
        ]
        try:
            yield list(Parallel(n_jobs=joint.n_jobs, prefer="threads")(jobs))
        except (KeyboardInterrupt, SystemExit):
            stop_all()  # only this thread was interrupted
            raise


def _some(
    joint: Any, images: dict[str, np.ndarray], start: int
) -> dict[str, np.ndarray]:
    return {n: values[start : start + joint.chunk_size] for n, values in images.items()}


def _chunk(
    joint: Any,
    program: Program,
    images: dict[str, np.ndarray],
    start: int,
    pooled: bool,
) -> Counts:
    n = len(next(iter(images.values())))
    result = run_chunk(
        program,
        {
            named(name, "inputs"): (
                encode(one, images[name]) if name in images else _silence(one, n)
            )
            for name, one in joint.members_.items()
        },
        joint.state(joint.cross_scale),
        joint.feature_parameters(),
        **joint.run_options(list(images)),
        seed=derived_seed(joint.seed_, TRANSFORM, start // joint.chunk_size),
        record=[] if pooled else [named(name, "features") for name in joint.members_],
    )
    if pooled:
        return {
            name: inside(name, result.counts)["counts"].reshape(n, -1)
            for name in joint.members_
        }
    return {
        name: _of_neurons(result, named(name, "features"), prod(one.layer().positions))
        for name, one in joint.members_.items()
    }


def _silence(one: Any, n: int) -> np.ndarray:
    """Return a stimulus without spikes."""
    stimulus = one.layer().stimulus
    nothing = NEVER if stimulus == "steps" else 0
    shape = one._encoding().stimulus_shape(one.image_shape_)
    return np.full((n, *shape), nothing, STIMULUS_DTYPES[stimulus])


def _of_neurons(result: ChunkResult, group: str, n_neurons: int) -> np.ndarray:
    """Return the spikes of each neuron when each example was shown last."""
    last = np.cumsum(result.presentations) - 1
    presentation, _, neuron = result.spikes[group].T
    example = np.searchsorted(last, presentation)
    counted = last[example] == presentation
    counts = np.zeros((len(last), n_neurons), np.uint16)
    np.add.at(counts, (example[counted], neuron[counted]), 1)
    return counts
