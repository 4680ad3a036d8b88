"""Weights that keep to a few levels, while a network learns or afterwards."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stdpnet.compression.schedule import Schedule, checked_bound, checked_synapses
from stdpnet.config import choice, number, numbers

#: An index of a level fits a byte.
MOST_LEVELS = 256
_MOST_ITERATIONS = 500


@dataclass(frozen=True, kw_only=True)
class QuantizationSchedule(Schedule):
    r"""Round the weights that are left to a few levels, at regular intervals.

    Parameters
    ----------
    levels : int or tuple of float
        Number of levels :math:`n`, or the levels themselves: ascending fractions of
        `w_max`, the last of them 1.
    spacing : {"uniform", "adaptive"}
        Where :math:`n` levels lie: at :math:`k \, w_{max} / n` for
        :math:`k = 1, \ldots, n`, or where the mean squared error on the present
        weights has a minimum (Lloyd-Max).
    rounding : {"nearest", "stochastic"}
        To the nearest level (the upper one in the middle), or to one of the two
        neighbours at random, so that the mean stays the weight.
    start, every, end : int
        As in `PruningSchedule`.

    Notes
    -----
    Weights below the first level rise to it, so their mean does too. No uniform level
    is zero, which is for pruned synapses.

    References
    ----------
    Rathi, Panda and Roy (2018), arXiv:1710.04734, for rounding at the intervals of
    pruning; their levels are not known to us. Lloyd (1982),
    doi:10.1109/TIT.1982.1056489, and Max (1960), doi:10.1109/TIT.1960.1057548.
    """

    levels: int | tuple[float, ...] = number(
        4, low=2, high=MOST_LEVELS, integer=True, doc="number of levels, or a list"
    )
    spacing: str = choice("uniform", of=("uniform", "adaptive"), doc="of the levels")
    rounding: str = choice("nearest", of=("nearest", "stochastic"), doc="to a level")

    def _checked(self, declared: Any, value: Any) -> Any:
        if declared.name != "levels" or not isinstance(value, (list, tuple)):
            return super()._checked(declared, value)
        listed = numbers((), low=0, high=1)
        listed.name = "levels"
        levels = super()._checked(listed, value)
        rules = {
            f"be at most {MOST_LEVELS}": len(levels) <= MOST_LEVELS,
            "ascend, each level once": (np.diff(levels) > 0).all(),
            "end with 1, as fractions of w_max that cover its range": levels[-1] == 1,
            "be a number with spacing 'adaptive'": self.spacing != "adaptive",
        }
        for rule, holds in rules.items():
            if not holds:
                raise ValueError(
                    f"QuantizationSchedule.levels must {rule}, got {list(levels)}"
                )
        return levels

    @property
    def bits(self) -> int:
        """Bits that a synapse needs: the logarithm of the levels, rounded up."""
        n_levels = self.levels if isinstance(self.levels, int) else len(self.levels)
        return (n_levels - 1).bit_length()

    def table(self, w_survivors: np.ndarray, w_max: float) -> np.ndarray:
        """Return the levels, ascending, float64, shape (n_levels,).

        Parameters
        ----------
        w_survivors : ndarray of float, shape (n_left,)
            Weights that are left, for "adaptive". If they have fewer values than
            there are levels, these values are the levels.
        w_max : float
            Upper bound of the weights.
        """
        w_max = checked_bound(w_max)
        if self.spacing == "adaptive":
            assert isinstance(self.levels, int)
            return np.clip(_lloyd_max(w_survivors, self.levels), 0, w_max)
        if isinstance(self.levels, int):
            return w_max * (np.arange(1, self.levels + 1) / self.levels)
        return w_max * np.asarray(self.levels)

    def quantize(
        self,
        w: np.ndarray,
        kept: np.ndarray,
        w_max: float,
        rng: np.random.Generator | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return rounded weights, zero where a synapse is gone, and their levels.

        Both have the type of `w`, so that weights are exactly on the levels, an array
        of shape (n_levels,).

        Parameters
        ----------
        w, kept, w_max
            As for `PruningSchedule.prune`.
        rng : numpy.random.Generator, optional
            Source of stochastic rounding.
        """
        w, kept = checked_synapses(w, kept)
        survivors = w[kept]
        table = np.unique(self.table(survivors, w_max).astype(w.dtype))
        rounded = np.zeros_like(w)
        rounded[kept] = table[self._rounded(survivors, table.astype(float), rng)]
        return rounded, table

    def _rounded(
        self, w: np.ndarray, levels: np.ndarray, rng: np.random.Generator | None
    ) -> np.ndarray:
        """Return the indices of the levels that weights are rounded to."""
        if self.rounding == "nearest":
            return np.searchsorted(_midpoints(levels), w, side="right")
        if rng is None:
            raise ValueError(
                "QuantizationSchedule.quantize needs rng to round by chance"
            )
        below = np.searchsorted(levels[1:-1], w, side="right")
        above = np.minimum(below + 1, len(levels) - 1)
        step = levels[above] - levels[below]
        return np.where(rng.random(len(w)) * step < w - levels[below], above, below)


def _lloyd_max(w: np.ndarray, n_levels: int) -> np.ndarray:
    """Return levels that are each the mean of the weights that are nearest to it."""
    w = np.sort(w.astype(np.float64), axis=None)
    if not w.size:
        raise ValueError("QuantizationSchedule.table needs weights to adapt levels to")
    distinct = np.unique(w)
    n_levels = min(n_levels, len(distinct))
    # Different weights to start from, since many sit at the bounds.
    start = (np.arange(n_levels) + 0.5) * len(distinct) / n_levels
    levels = distinct[start.astype(int)]
    for _ in range(_MOST_ITERATIONS):
        edges = [0, *np.searchsorted(w, _midpoints(levels)), len(w)]
        moved = [
            # Rounding must not carry a mean out of its cell.
            np.clip(w[a:b].mean(), w[a], w[b - 1]) if a < b else level
            for a, b, level in zip(edges, edges[1:], levels, strict=False)
        ]
        if np.array_equal(moved, levels):
            break
        levels = np.array(moved)
    return levels


def _midpoints(levels: np.ndarray) -> np.ndarray:
    return levels[:-1] + np.diff(levels) / 2
