"""Spike counts of all modalities, in parallel chunks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from stdpnet.engine.processes import stop_all
from stdpnet.engine.program import Program
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.learning import TRANSFORM, encode
from stdpnet.estimators.multimodal.joined import inside, named
from stdpnet.estimators.show import track

Counts = dict[str, np.ndarray]


def compute_counts(joint: Any, images: dict[str, np.ndarray]) -> Counts:
    """Return the counts of every modality, shape (n, n_neurons), also of those without images."""
    n = len(next(iter(images.values())))
    program, size = joint.program(joint.joined()), joint.chunk_size
    starts = list(range(0, n, size))
    found: list[Counts] = []
    for done in track(
        _batches(joint, program, images, starts), len(starts), "features", joint.verbose
    ):
        found += done
    return {
        name: np.concatenate([counts[name] for counts in found])
        for name in joint.members_
    }


def _batches(
    joint: Any, program: Program, images: dict[str, np.ndarray], starts: list[int]
) -> Iterator[list[Counts]]:
    at_once = effective_n_jobs(joint.n_jobs)
    for first in range(0, len(starts), at_once):
        jobs = [
            delayed(_chunk)(joint, program, _some(joint, images, start), start)
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
    joint: Any, program: Program, images: dict[str, np.ndarray], start: int
) -> Counts:
    n = len(next(iter(images.values())))
    stimuli = {}
    for name, one in joint.members_.items():
        shape = one._encoding().stimulus_shape(one.image_shape_)
        silent = np.zeros((n, *shape), np.float32)
        stimulus = encode(one, images[name]) if name in images else silent
        stimuli[named(name, "inputs")] = stimulus
    result = run_chunk(
        program,
        stimuli,
        joint.state(joint.cross_scale),
        joint.feature_parameters(),
        **joint.run_options(list(images)),
        seed=derived_seed(joint.seed_, TRANSFORM, start // joint.chunk_size),
    )
    return {
        name: inside(name, result.counts)["counts"].reshape(n, -1)
        for name in joint.members_
    }
