"""When something happens to the weights of a network that learns."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from stdpnet.config import Parameters, number


@dataclass(frozen=True, kw_only=True)
class Schedule(Parameters, abstract=True):
    """Base of what happens again and again while examples are shown."""

    kind: ClassVar[str] = "schedule"

    start: int = number(10_000, low=1, integer=True, doc="examples until the first")
    every: int = number(10_000, low=1, integer=True, doc="examples between two")
    end: int = number(50_000, integer=True, doc="examples after which there is none")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end < self.start:
            raise ValueError(
                f"{type(self).__name__}.end must be >= start {self.start}, got "
                f"{self.end}; with end = start there is one step"
            )

    @property
    def steps(self) -> range:
        """Numbers of shown examples after which there is a step."""
        return range(self.start, self.end + 1, self.every)

    def due(self, before: int, after: int) -> bool:
        """Return whether a step falls to the examples after `before`, up to `after`."""
        return self._n_steps(after) > self._n_steps(before)

    def _n_steps(self, n_shown: int) -> int:
        return max((min(n_shown, self.end) - self.start) // self.every + 1, 0)


def checked_synapses(w: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and mask as arrays; raise ValueError if they cannot be."""
    w, kept = np.asarray(w), np.asarray(kept)
    if w.dtype.kind != "f" or not w.size or not w.ndim or not np.isfinite(w).all():
        raise ValueError(
            "weights must be finite floats of shape (..., n_targets), got "
            f"{w.dtype} of shape {w.shape}"
        )
    if kept.dtype != bool or kept.shape != w.shape:
        raise ValueError(
            f"kept must be bool of shape {w.shape}, got {kept.dtype} of {kept.shape}"
        )
    return w, kept


def checked_bound(w_max: float) -> float:
    """Return an upper bound of weights; raise ValueError if it cannot be one."""
    if not 0 < w_max < np.inf:
        raise ValueError(f"w_max must be finite and > 0, got {w_max}")
    return float(w_max)
