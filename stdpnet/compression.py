"""Fewer synapses and fewer values of weights, while a network learns or afterwards.

Weights are arrays of any shape whose last axis is the target neuron or feature
map; a mask of the same shape says which synapses are kept.
"""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from stdpnet.config import Parameters, choice, number, numbers

CRITERIA = ("weight", "quantile", "correlation")
RAMPS = ("linear", "cubic", "once")
SCOPES = ("network", "target")
MOST_LEVELS = 256
_MOST_ITERATIONS = 500


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


@dataclass(frozen=True, kw_only=True)
class PruningSchedule(Schedule):
    r"""Remove the weakest synapses at regular intervals, for good.

    With "weight" every synapse below `threshold` times `w_max` goes. With the other
    criteria synapses are ranked, and after step :math:`k` of :math:`n` a share

    .. math::
        s_k = s \, k/n, \quad s \left(1 - (1 - k/n)^3\right) \quad \text{or} \quad s

    of all is gone, if `ramp` is "linear", "cubic" or "once"; :math:`s` is `threshold`.

    Parameters
    ----------
    criterion : {"weight", "quantile", "correlation"}
        Compare weights with a bound, rank the weights, or rank a score that is
        given, such as a correlation of spikes.
    threshold : float
        Between 0 and 1: fraction of `w_max` for "weight", else the share of all
        synapses that is gone after the last step.
    start, every, end : int
        Steps come after `start` shown examples and then after every `every`, the
        last one at or before `end`.
    ramp : {"linear", "cubic", "once"}
        How the share grows from step to step. No effect with "weight".
    scope : {"network", "target"}
        Rank all synapses together or those of each target apart; "target" leaves
        every target at least one. No effect with "weight".

    Notes
    -----
    Shares times numbers of synapses are rounded, and one synapse is always left.
    Of synapses of equal rank the first in memory goes first.

    References
    ----------
    Rathi, Panda and Roy (2018), arXiv:1710.04734, for "weight" at regular intervals
    of training; its intervals and thresholds are not known to us. Nguyen, Veeravalli
    and Fong (2021), arXiv:2010.04351, for pruning during learning that is final.
    Zhu and Gupta (2017), arXiv:1710.01878, Eq. 1, for "cubic" from a share of zero;
    their :math:`t_0` is one interval before `start`, so that no step is idle.
    """

    criterion: str = choice("weight", of=CRITERIA, doc="what is compared")
    threshold: float = number(0.3, above=0, doc="fraction of w_max, or final share")
    ramp: str = choice("linear", of=RAMPS, doc="growth of the share")
    scope: str = choice("network", of=SCOPES, doc="what is ranked together")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold >= 1:
            raise ValueError(
                f"PruningSchedule.threshold must be < 1, got {self.threshold}; weights "
                "do not exceed w_max, and a share of 1 leaves no synapse"
            )

    def share(self, n_shown: int) -> float:
        """Return the share of synapses that is to be gone after `n_shown` examples.

        It grows with every step; with the criterion "weight" there is none.
        """
        if self.criterion == "weight":
            raise ValueError("PruningSchedule.share: criterion 'weight' has none")
        progress = self._n_steps(n_shown) / len(self.steps)
        cubic, once = 1 - (1 - progress) ** 3, float(progress > 0)
        grown = {"linear": progress, "cubic": cubic, "once": once}
        return self.threshold * grown[self.ramp]

    def prune(
        self,
        kept: np.ndarray,
        w: np.ndarray,
        w_max: float,
        n_shown: int,
        score: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return a new mask of the synapses that are kept; what is gone stays gone.

        A UserWarning counts the targets that lose their last synapse.

        Parameters
        ----------
        kept, w : ndarray of bool and of float, shape (..., n_targets)
            Synapses that are left so far, and weights.
        w_max : float
            Upper bound of the weights.
        n_shown : int
            Examples shown so far; nothing goes before `start`.
        score : ndarray, shape (..., n_targets), optional
            What "correlation" ranks, and nothing else looks at: the lowest go first.

        Raises
        ------
        ValueError
            If no synapse would be left, or arrays cannot be used.
        """
        w, kept = _checked_synapses(w, kept)
        if not self._n_steps(n_shown):
            return kept.copy()
        if self.criterion == "weight":
            left = kept & (w >= self.threshold * _checked_bound(w_max))
        else:
            rank = w if self.criterion == "quantile" else _checked_score(score, w)
            left = _without_lowest(kept, rank, self.share(n_shown), self.scope)
        if not left.any():
            raise ValueError(
                f"PruningSchedule leaves none of the {kept.sum()} synapses after "
                f"{n_shown} examples; lower threshold {self.threshold:g} or start later"
            )
        sources = tuple(range(w.ndim - 1))
        n_lost = int((kept.any(axis=sources) & ~left.any(axis=sources)).sum())
        if n_lost:
            warnings.warn(
                f"{n_lost} of {w.shape[-1]} targets lost their last synapse after "
                f"{n_shown} examples; lower the threshold, or rank with scope 'target'",
                stacklevel=2,
            )
        return left


def prune_to(w: np.ndarray, share: float, scope: str = "network") -> np.ndarray:
    """Return the mask, bool of the shape of `w`, after the weakest synapses went.

    Parameters
    ----------
    w : ndarray of float, shape (..., n_targets)
        Weights, or any other score whose lowest values go.
    share : float
        Share that goes, at least 0 and less than 1.
    scope : {"network", "target"}
        As in `PruningSchedule`.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be >= 0 and < 1 to leave synapses, got {share}")
    if scope not in SCOPES:
        raise ValueError(f"scope must be one of 'network', 'target', got {scope!r}")
    w, kept = _checked_synapses(w, np.ones(np.shape(w), dtype=bool))
    return _without_lowest(kept, w, share, scope)


def random_mask(
    shape: tuple[int, ...],
    share: float,
    rng: np.random.Generator,
    scope: str = "network",
) -> np.ndarray:
    """Return a mask of a shape, the targets last, with as many gone as by `prune_to`.

    Which ones is random. Generators of equal state give nested masks: what is gone
    at one share is gone at every larger one.
    """
    return prune_to(rng.random(shape), share, scope)


def _without_lowest(
    kept: np.ndarray, rank: np.ndarray, share: float, scope: str
) -> np.ndarray:
    """Return the mask after the lowest ranks went, so that `share` of all is gone."""
    n_columns = kept.shape[-1] if scope == "target" else 1
    left = kept.reshape(-1, n_columns).copy()
    # What is gone comes first and counts.
    ranks = np.where(kept, rank, -np.inf).reshape(left.shape)
    n_gone = min(round(share * len(left)), len(left) - 1)
    lowest = np.argsort(ranks, axis=0, kind="stable")[:n_gone]
    np.put_along_axis(left, lowest, False, axis=0)
    return left.reshape(kept.shape)


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
        w_max = _checked_bound(w_max)
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
        w, kept = _checked_synapses(w, kept)
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


def _checked_synapses(w: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _checked_bound(w_max: float) -> float:
    if not 0 < w_max < np.inf:
        raise ValueError(f"w_max must be finite and > 0, got {w_max}")
    return float(w_max)


def _checked_score(score: np.ndarray | None, w: np.ndarray) -> np.ndarray:
    if score is None:
        raise ValueError("PruningSchedule.prune needs a score to rank by 'correlation'")
    score = np.asarray(score, dtype=np.float64)
    if score.shape != w.shape or not np.isfinite(score).all():
        raise ValueError(
            f"score must be finite, of shape {w.shape}, got shape {score.shape}"
        )
    return score
