"""Learning of several modalities at once, chunk after chunk."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from stdpnet.engine.run import run_chunk
from stdpnet.estimators.base import Progress, derived_seed
from stdpnet.estimators.learning import FIT, ORDER, Learning, final_after
from stdpnet.estimators.multimodal.joined import named, outside, result_of

Images = dict[str, np.ndarray]


class JointLearning:
    """Chunks of a `MultimodalSTDP` that is being fitted; it is updated in place.

    Parameters
    ----------
    joint : MultimodalSTDP
        Started, or fitted so far.
    """

    def __init__(self, joint: Any) -> None:
        self.joint = joint
        self.parts = {name: Learning(one) for name, one in joint.members_.items()}
        self.layers = joint.joined(acts=joint.cross_while_learning)
        self.program = joint.program(self.layers)
        self._fixed = {
            name: value
            for name, value in self.layers.network().parameter_values().items()
            if name.partition(".")[0] in self.layers.connections
        }

    def run(self, images: Images, n_epochs: int) -> Iterator[Progress]:
        """Show all pairs in random order, from the chunk that comes next."""
        n_pairs = len(next(iter(images.values())))
        chunks = self._chunks(n_pairs, n_epochs)
        for chunk in islice(chunks, self.joint.n_chunks_, None):
            some = {name: values[chunk] for name, values in images.items()}
            yield self.show(some, n_epochs * n_pairs)
        self._warn()

    def run_in_order(self, images: Images) -> Iterator[Progress]:
        """Show all pairs once, in their order, after what was shown before."""
        n_pairs, size = len(next(iter(images.values()))), self.joint.chunk_size
        total = self.joint.n_pairs_shown_ + n_pairs
        for start in range(0, n_pairs, size):
            some = {n: values[start : start + size] for n, values in images.items()}
            yield self.show(some, total, ends=False)
        self._warn()

    def _chunks(self, n_pairs: int, n_epochs: int) -> Iterator[np.ndarray]:
        size, seed = self.joint.chunk_size, self.joint.seed_
        for epoch in range(n_epochs):
            rng = np.random.default_rng(derived_seed(seed, ORDER, epoch))
            order = rng.permutation(n_pairs)
            for start in range(0, n_pairs, size):
                yield order[start : start + size]

    def show(self, images: Images, total: int, *, ends: bool = True) -> Progress:
        """Show one chunk of pairs and take over what it changed."""
        joint, first = self.joint, next(iter(self.parts.values()))
        end = final_after(total, joint.n_settle) if ends else math.inf
        result = run_chunk(
            self.program,
            {
                named(name, "inputs"): part.stimulus(images[name], joint.n_chunks_)
                for name, part in self.parts.items()
            },
            joint.state(),
            self._parameters(end),
            **joint.run_options(list(self.parts)),
            seed=derived_seed(joint.seed_, FIT, joint.n_chunks_),
        )
        n_pairs = len(result.presentations)
        learned = {
            name: part.learned(result_of(name, result), n_pairs, end)
            for name, part in self.parts.items()
        }
        # In one step each: Ctrl-C must not leave half of what a chunk has changed.
        for name, part in self.parts.items():
            part.estimator.__dict__.update(learned[name])
        joint.__dict__.update(
            {
                "cross_state_": joint.cross_state(result.state),
                "n_chunks_": joint.n_chunks_ + 1,
                "n_pairs_shown_": joint.n_pairs_shown_ + n_pairs,
            }
        )
        return first.progress(total)

    def _parameters(self, end: float) -> dict[str, float]:
        values = dict(self._fixed)
        for name, part in self.parts.items():
            values |= outside(name, _parameters_of(part, end))
        if next(iter(self.parts.values())).settles(end):
            values |= {f"{name}.learning": 0.0 for name in self.layers.connections}
        return values

    def _warn(self) -> None:
        for part in self.parts.values():
            part.warn()


def _parameters_of(part: Learning, end: float) -> dict[str, float]:
    """Return what one modality learns with; nothing once it has converged."""
    if math.isfinite(end) and part.estimator.converged_:
        return part.frozen()
    return part.settling() if part.settles(end) else part.parameters
