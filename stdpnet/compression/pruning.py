"""Synapses that go, while a network learns or afterwards."""

import warnings
from dataclasses import dataclass

import numpy as np

from stdpnet.compression.schedule import Schedule, checked_bound, checked_synapses
from stdpnet.config import choice, flag, number

CRITERIA = ("weight", "quantile", "correlation")
RAMPS = ("linear", "cubic", "once")
SCOPES = ("network", "target", "share")


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
    scope : {"network", "target", "share"}
        What is ranked: all synapses together; those of each target apart, so that all
        targets keep equally many; or, all together, the share of its target's sum of
        weights that a synapse and all weaker ones hold, so that all targets keep about
        the same share. No effect with "weight".
    thin : bool
        Whether all synapses at fields of one colour of a chessboard go before any at the
        other, which is the one that holds more. Neighbouring pixels spike together, so
        that every second of them tells nearly as much as all, and what is left covers
        more of an image than the strongest synapses do. All targets keep the same
        colour: they compare an image at the same pixels. No effect with "weight".
    relative : float
        What is ranked is first divided by :math:`1 + r \, \bar w_i / \bar w`, with its
        means over all targets for the same input, and over all (what is gone counts as
        zero); :math:`r` is `relative`. Inputs to which all targets listen do less to
        tell them apart, and spike most. No effect with "weight".

    Notes
    -----
    Shares times numbers of synapses are rounded, and one synapse is always left, with
    "share" and "target" one of each target that has any.
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
    thin: bool = flag(doc="of neighbours, every second goes first")
    relative: float = number(0.0, low=0, doc="how much less common inputs count")

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
            Synapses that are left so far, and weights; to `thin`, of shape
            (height, width, ..., n_targets).
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
        w, kept = checked_synapses(w, kept)
        if not self._n_steps(n_shown):
            return kept.copy()
        if self.criterion == "weight":
            left = kept & (w >= self.threshold * checked_bound(w_max))
        else:
            rank = w if self.criterion == "quantile" else _checked_score(score, w)
            left = _without_lowest(
                kept,
                rank,
                self.share(n_shown),
                self.scope,
                thin=self.thin,
                relative=self.relative,
            )
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


def prune_to(
    w: np.ndarray,
    share: float,
    scope: str = "network",
    *,
    thin: bool = False,
    relative: float = 0.0,
) -> np.ndarray:
    """Return the mask, bool of the shape of `w`, after the weakest synapses went.

    Parameters
    ----------
    w : ndarray of float, shape (..., n_targets)
        Weights, or any other score whose lowest values go.
    share : float
        Share that goes, at least 0 and less than 1.
    scope, thin, relative
        As in `PruningSchedule`.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be >= 0 and < 1 to leave synapses, got {share}")
    if scope not in SCOPES:
        known = ", ".join(repr(one) for one in SCOPES)
        raise ValueError(f"scope must be one of {known}, got {scope!r}")
    w, kept = checked_synapses(w, np.ones(np.shape(w), dtype=bool))
    return _without_lowest(kept, w, share, scope, thin=thin, relative=relative)


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
    kept: np.ndarray,
    rank: np.ndarray,
    share: float,
    scope: str,
    *,
    thin: bool,
    relative: float,
) -> np.ndarray:
    """Return the mask after the lowest ranks went, so that `share` of all is gone."""
    n_columns = kept.shape[-1] if scope == "target" else 1
    if thin:
        first = _chessboard(np.where(kept, rank, 0))
    if relative:
        rank = _relative(np.where(kept, rank, 0), relative)
    if scope == "share":
        rank = _held(np.where(kept, rank, 0))
    if thin:
        rank = np.where(first, rank, rank - (np.ptp(rank) + 1))
    if scope == "share":
        rank = _with_best_first(np.where(kept, rank, -np.inf))
    left = kept.reshape(-1, n_columns).copy()
    # What is gone comes first and counts.
    ranks = np.where(kept, rank, -np.inf).reshape(left.shape)
    # With "share" as many stay as there are targets that have synapses.
    n_stay = max(int(np.isposinf(ranks).sum()), 1)
    n_gone = min(round(share * len(left)), len(left) - n_stay)
    lowest = np.argsort(ranks, axis=0, kind="stable")[:n_gone]
    np.put_along_axis(left, lowest, False, axis=0)
    return left.reshape(kept.shape)


def _relative(rank: np.ndarray, relative: float) -> np.ndarray:
    """Return ranks relative to the mean of their input, as `PruningSchedule` has it."""
    of_input = rank.mean(axis=-1, keepdims=True, dtype=float)
    return rank / (1 + relative * of_input / (of_input.mean() or 1.0))


def _with_best_first(rank: np.ndarray) -> np.ndarray:
    """Return ranks in which the best of each target comes before all others."""
    columns = rank.reshape(-1, rank.shape[-1]).copy()
    best = columns.argmax(axis=0), np.arange(columns.shape[1])
    columns[best] = np.where(columns[best] > -np.inf, np.inf, -np.inf)
    return columns.reshape(rank.shape)


def _chessboard(rank: np.ndarray) -> np.ndarray:
    """Return the fields of the colour that holds more, to broadcast with `rank`."""
    if rank.ndim < 3:
        raise ValueError(
            "weights to thin must have shape (height, width, ..., n_targets), got "
            f"{rank.shape}"
        )
    rows, columns = np.ogrid[: rank.shape[0], : rank.shape[1]]
    even = (rows + columns) % 2 == 0
    fields = rank.reshape(*even.shape, -1).sum(axis=2)
    held = fields[even].sum(), fields[~even].sum()
    colour: np.ndarray = even if held[0] >= held[1] else ~even
    return colour.reshape(*even.shape, *[1] * (rank.ndim - 2))


def _checked_score(score: np.ndarray | None, w: np.ndarray) -> np.ndarray:
    if score is None:
        raise ValueError("PruningSchedule.prune needs a score to rank by 'correlation'")
    score = np.asarray(score, dtype=np.float64)
    if score.shape != w.shape or not np.isfinite(score).all():
        raise ValueError(
            f"score must be finite, of shape {w.shape}, got shape {score.shape}"
        )
    return score


def _held(rank: np.ndarray) -> np.ndarray:
    """Return the share of its target's sum that each synapse and all weaker ones hold."""
    columns = rank.reshape(-1, rank.shape[-1]).astype(float)
    order = np.argsort(columns, axis=0, kind="stable")
    sums = np.cumsum(np.take_along_axis(columns, order, axis=0), axis=0)
    held = np.empty_like(columns)
    # The strongest of each target holds all, and stays longest.
    np.put_along_axis(held, order, sums / np.where(sums[-1] > 0, sums[-1], 1), axis=0)
    return held.reshape(rank.shape)
