"""Pruning and quantization of the weights of a network that learns."""

from math import prod
from typing import Any

import numpy as np

from stdpnet.compression import PruningSchedule, QuantizationSchedule
from stdpnet.costs import pack, unpack
from stdpnet.estimators.base import derived_seed
from stdpnet.models.projections import sparse

_W, _KEPT, _SCORE = "afferents.w", "afferents.kept", "afferents.correlation"
#: Use of randomness, part of derived seeds.
COMPRESS = 6


def check_schedules(estimator: Any) -> None:
    """Raise ValueError for schedules that a network cannot follow."""
    name = type(estimator).__name__
    for part, kind in (
        ("pruning", PruningSchedule),
        ("quantization", QuantizationSchedule),
    ):
        value = getattr(estimator, part)
        if value is not None and not isinstance(value, kind):
            raise ValueError(
                f"{name}.{part} must be a {kind.__name__} or None, got {value!r}"
            )
    rule = estimator._resolved_part("rule")
    if estimator.quantization is not None and rule.levels is not None:
        raise ValueError(
            f"{name}.quantization is for continuous weights; those of {rule.title} have "
            "levels already"
        )


def compressed(
    estimator: Any, state: dict[str, np.ndarray], shown: int, *, last: bool
) -> dict[str, Any]:
    """Return the attributes after a chunk, pruned and quantized where that is due.

    Parameters
    ----------
    estimator : Learner
        As it was before the chunk.
    state : dict of ndarray
        What the chunk left.
    shown : int
        Images shown so far.
    last : bool
        Whether learning ends with this chunk: then weights are quantized in any case.
    """
    state, earlier = dict(state), estimator.n_images_shown_
    changed: dict[str, Any] = {}
    pruning, quantization = estimator.pruning, estimator.quantization
    w_max = estimator._resolved_part("rule").w_max
    if pruning is not None and pruning.due(earlier, shown):
        changed["total_scale_"] = _prune(estimator, state, pruning, w_max, shown)
    if quantization is not None and (quantization.due(earlier, shown) or last):
        rng = np.random.default_rng(
            derived_seed(estimator.seed_, COMPRESS, estimator.n_chunks_)
        )
        w = np.clip(state[_W], 0, w_max)
        kept = state[_KEPT] > 0 if _KEPT in state else np.ones(w.shape, bool)
        state[_W], changed["levels_"] = quantization.quantize(w, kept, w_max, rng)
    return {**estimator.from_state(state), **changed}


def _prune(
    estimator: Any,
    state: dict[str, np.ndarray],
    pruning: PruningSchedule,
    w_max: float,
    shown: int,
) -> float:
    """Prune in place; return the share of the weights' sum that is left, of all."""
    w, kept = state[_W], state[_KEPT] > 0
    left = pruning.prune(kept, w, w_max, shown, state.get(_SCORE))
    state[_W] = np.where(left, w, 0).astype(w.dtype)
    state[_KEPT] = left.astype(w.dtype)
    return float(estimator.total_scale_ * state[_W].sum() / max(w.sum(), 1e-300))


# -- what is left ---------------------------------------------------------------------


def only_left(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a state with only the weights that are not zero, and which they are."""
    own = tuple(name for name in state if name.startswith("afferents."))
    left = {name: values for name, values in state.items() if name not in own}
    found = sparse(state[_W])
    if not len(found["w"]):  # a program needs one
        found["w"], found["maps"] = np.zeros(1, state[_W].dtype), np.zeros(1, np.int32)
    return left | {f"afferents.{name}": values for name, values in found.items()}


def stored_weights(estimator: Any) -> Any:
    """Return the weights as a file holds them: as bits, or those left, or all."""
    weights = estimator.weights_of(estimator.__dict__)
    levels = levels_of(estimator)
    if levels is not None and _are_on(weights, levels):
        return packed(weights, levels)
    if estimator.pruning is None and not estimator.compact_:
        return weights
    left = weights != 0
    return {
        "mask": np.packbits(left),
        "values": weights[left],
        "shape": np.array(weights.shape),
    }


def packed(weights: np.ndarray, levels: np.ndarray) -> dict[str, np.ndarray]:
    """Return weights as bits; levels that are zero need no index beside the mask."""
    above = levels[levels > 0]
    return pack(weights, weights > 0, above if len(above) else levels)


def restored_weights(stored: dict[str, np.ndarray]) -> np.ndarray:
    """Return the weights that `stored_weights` made bits or those left of."""
    if "values" not in stored:
        return unpack(stored)[0]
    shape = tuple(int(n) for n in stored["shape"])
    left = np.unpackbits(stored["mask"], count=prod(shape)).astype(bool)
    weights = np.zeros(shape, stored["values"].dtype)
    weights[left.reshape(shape)] = stored["values"]
    return weights


def levels_of(estimator: Any) -> np.ndarray | None:
    """Return what the weights are rounded to, or what the rule knows; None if graded."""
    known = estimator._resolved_part("rule").levels
    return getattr(estimator, "levels_", None) if known is None else np.asarray(known)


def _are_on(weights: np.ndarray, levels: np.ndarray) -> bool:
    """Say whether all weights are zero or on levels: those to be rounded may not be yet."""
    return bool(np.isin(weights, [0, *levels.astype(weights.dtype)]).all())


def stored_start(estimator: Any, weights: np.ndarray) -> Any:
    """Return the weights that learning began with as a file holds them."""
    levels = estimator._resolved_part("rule").levels
    return weights if levels is None else packed(weights, np.asarray(levels))


def without_mask(estimator: Any) -> dict[str, np.ndarray]:
    """Return the rest of what is learned, without a mask that the weights tell."""
    others: dict[str, np.ndarray] = estimator.other_state_
    weights = estimator.state()[_W] if _KEPT in others else None
    if weights is None or not np.array_equal(others[_KEPT] > 0, weights != 0):
        return others
    return {name: values for name, values in others.items() if name != _KEPT}


def with_mask(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a state with a mask: where a file has none, what is not zero is left."""
    if _KEPT in state:
        return state
    return {**state, _KEPT: (state[_W] != 0).astype(state[_W].dtype)}
