"""Pruning and quantization against loops, closed forms and what must never change."""

import json
import tomllib
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom

from stdpnet.compression import (
    PruningSchedule,
    QuantizationSchedule,
    Schedule,
    prune_to,
    random_mask,
)
from stdpnet.config import SpecError, from_dict

SHAPES = [(12, 7), (4, 3, 2, 7), (5, 5, 1, 3), (6,)]
SHARE = {"criterion": "quantile", "threshold": 0.6, "start": 2, "every": 2}
TIMES = [(1, 1, 1), (10, 3, 30), (10, 7, 12), (5, 100, 60), (7, 4, 27)]


def steps_of(start: int, every: int, end: int) -> list[int]:
    found, n_shown = [], start
    while n_shown <= end:
        found.append(n_shown)
        n_shown += every
    return found


def full(w: np.ndarray) -> np.ndarray:
    return np.ones(w.shape, dtype=bool)


@pytest.mark.parametrize(("start", "every", "end"), TIMES)
def test_a_step_is_due_where_one_falls_into_the_chunk(start, every, end):
    schedule = PruningSchedule(start=start, every=every, end=end)
    steps = steps_of(start, every, end)
    assert list(schedule.steps) == steps
    for before in range(0, end + 20, 3):
        for after in range(before, end + 20, 5):
            expected = any(before < step <= after for step in steps)
            assert schedule.due(before, after) == expected


@pytest.mark.parametrize(("start", "every", "end"), TIMES)
def test_every_step_belongs_to_one_chunk(start, every, end, rng):
    schedule = QuantizationSchedule(start=start, every=every, end=end)
    shown = [0, *np.sort(rng.integers(1, end + 5, size=6)).tolist(), end + 5]
    due = [schedule.due(before, after) for before, after in pairwise(shown)]
    steps = np.array(steps_of(start, every, end))
    held = [((steps > a) & (steps <= b)).any() for a, b in pairwise(shown)]
    assert due == held


@pytest.mark.parametrize(("start", "every", "end"), TIMES)
def test_the_share_grows_to_the_threshold(start, every, end):
    params, steps = {**SHARE, "every": every}, steps_of(start, every, end)
    for ramp in ("linear", "cubic", "once"):
        schedule = PruningSchedule(**{**params, "start": start}, end=end, ramp=ramp)
        shares = [schedule.share(step) for step in steps]
        assert schedule.share(start - 1) == 0
        assert shares[-1] == schedule.share(end + 1000) == pytest.approx(0.6)
        assert all(0 < a <= b for a, b in pairwise([*shares, shares[-1]]))


def test_the_cubic_ramp_is_that_of_zhu_and_gupta():
    schedule = PruningSchedule(
        criterion="quantile", threshold=0.9, ramp="cubic", start=20, every=5, end=60
    )
    s_initial, s_final, t_0, delta, n = 0.0, 0.9, 15, 5, 9
    for t in range(20, 61, 5):
        left = 1 - (t - t_0) / (n * delta)
        expected = s_final + (s_initial - s_final) * left**3
        assert schedule.share(t) == schedule.share(t + 4) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:.*lost their last synapse")
@pytest.mark.parametrize("shape", SHAPES)
def test_weak_synapses_go_one_by_one(shape, rng):
    w = rng.uniform(0, 2, shape).astype(np.float32)
    kept = rng.random(shape) < 0.7
    schedule = PruningSchedule(threshold=0.25, start=1, every=1, end=9)
    before = kept.copy()
    left = schedule.prune(kept, w, 2.0, 5)
    for place in np.ndindex(shape):
        assert left[place] == (kept[place] and w[place] >= 0.5)
    np.testing.assert_array_equal(kept, before)


@pytest.mark.filterwarnings("ignore:.*lost their last synapse")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scope", ["network", "target"])
@pytest.mark.parametrize("ramp", ["linear", "cubic", "once"])
def test_the_weakest_go_while_weights_change(shape, scope, ramp, rng):
    schedule = PruningSchedule(**SHARE, end=8, ramp=ramp, scope=scope)
    kept, together = np.ones(shape, dtype=bool), (-1, shape[-1])
    if scope == "network":
        together = (-1, 1)
    for n_shown in range(12):
        w = rng.random(shape)
        given = kept.copy()
        left = schedule.prune(kept, w, 1.0, n_shown)
        np.testing.assert_array_equal(kept, given)
        assert not (left & ~kept).any()
        assert not np.shares_memory(left, kept)
        ranked = [array.reshape(together).T for array in (w, kept, left)]
        for weights, had, has in zip(*ranked, strict=True):
            n_gone = schedule.share(n_shown) * len(weights)
            assert abs((~has).sum() - n_gone) <= 0.5 or has.sum() == 1
            went = np.flatnonzero(had & ~has).tolist()
            order = sorted(np.flatnonzero(had).tolist(), key=lambda i: weights[i])
            assert set(went) == set(order[: len(went)])
        kept = left


@pytest.mark.parametrize("shape", [(40, 6), (3, 3, 2, 5)])
def test_targets_keep_the_same_share_of_their_sum(shape, rng):
    """Whatever goes held less of its target's sum, with all weaker ones, than what stays."""
    w = rng.random(shape) ** 3 * np.arange(1, shape[-1] + 1)
    schedule = PruningSchedule(**SHARE, end=8, ramp="once", scope="share")
    left = schedule.prune(np.ones(shape, bool), w, 10.0, 8)
    assert (~left).sum() == round(schedule.share(8) * w.size)
    held = np.empty(shape)
    for place in np.ndindex(shape):
        own = w[..., place[-1]]
        held[place] = own[own <= w[place]].sum() / own.sum()
    assert held[~left].max() <= held[left].min() + 1e-12
    assert left.any(axis=tuple(range(w.ndim - 1))).all()


@pytest.mark.parametrize("shape", [(6, 4, 1, 5), (3, 3, 2, 5), (4, 4, 3)])
@pytest.mark.parametrize("share", [0.3, 0.45, 0.8])
def test_every_second_neighbour_goes_first(shape, share, rng):
    """First the colour of a chessboard that holds less, each by its weights."""
    w = rng.random(shape)
    left = prune_to(w, share, "target", thin=True)
    white = np.indices(shape[:2]).sum(axis=0) % 2 == 0
    better = white if w[white].sum() >= w[~white].sum() else ~white
    for target in range(shape[-1]):
        own, stays = w[..., target], left[..., target]
        n_gone = round(share * own.size)
        order = np.concatenate(
            [np.sort(own[part], axis=None) for part in (~better, better)]
        )
        np.testing.assert_array_equal(np.sort(own[~stays]), np.sort(order[:n_gone]))


def relative_to_means(w: np.ndarray, relative: float) -> np.ndarray:
    ratio = np.zeros(w.shape)
    for place in np.ndindex(w.shape):
        common = w[place[:-1]].mean() / w.mean()
        ratio[place] = w[place] / (1 + relative * common)
    return ratio


@pytest.mark.parametrize("relative", [0.5, 3])
def test_common_inputs_go_before_those_of_few_targets(relative, rng):
    """Ranks are those of weights over the means of their inputs, one by one."""
    w = rng.random((5, 4, 1, 6)) * rng.random((5, 4, 1, 1))
    ratio = relative_to_means(w, relative)
    for scope in ("network", "target", "share"):
        found = prune_to(w, 0.6, scope, relative=relative)
        np.testing.assert_array_equal(found, prune_to(ratio, 0.6, scope))
    assert not np.array_equal(found, prune_to(w, 0.6, scope))
    schedule = PruningSchedule(**SHARE, end=8, relative=relative)
    left = schedule.prune(np.ones(w.shape, bool), w, 1.0, 8)
    np.testing.assert_array_equal(left, prune_to(ratio, 0.6))
    kept = rng.random(w.shape) < 0.7
    left = schedule.prune(kept, np.where(kept, w, 0), 1.0, 8)
    ratio = relative_to_means(np.where(kept, w, 0), relative)
    assert ratio[kept & ~left].max() < ratio[left].min()
    assert not prune_to(np.zeros((4, 2)), 0.5, relative=relative).all()


def test_thinning_goes_on_with_the_same_colour(rng):
    schedule = PruningSchedule(**SHARE, end=8, scope="share", thin=True)
    kept, w = np.ones((4, 4, 1, 9), bool), rng.random((4, 4, 1, 9))
    white = np.indices((4, 4)).sum(axis=0) % 2 == 0
    for n_shown in range(2, 9):
        left = schedule.prune(kept, w, 1.0, n_shown)
        assert not (left & ~kept).any()
        kept, w = left, np.where(left, rng.random(w.shape), 0)
    assert kept.mean() == pytest.approx(0.4, abs=0.01)
    assert kept[white].any() != kept[~white].any()


@pytest.mark.parametrize("thin", [False, True])
def test_no_target_loses_its_last_synapse_to_equal_shares(thin, rng):
    """Not even if there is only room for one each, or its weights are of the other colour."""
    assert prune_to(rng.random((2, 2, 1, 10)), 0.9, "share", thin=thin).sum() == 10
    w = rng.random((4, 4, 1, 3))
    w[..., 2] = np.where(
        (np.indices((4, 4)).sum(axis=0) % 2 == 0)[..., None], 1e-3, 0.01
    )
    w[..., :2] *= (np.indices((4, 4)).sum(axis=0) % 2 == 0)[..., None, None]
    left = prune_to(w, 0.7, "share", thin=thin)
    assert left.any(axis=(0, 1, 2)).all()
    gone = np.zeros((2, 2, 1, 10), bool)
    schedule = PruningSchedule(**SHARE, end=8, scope="share", thin=thin)
    gone[..., :4] = True
    assert not schedule.prune(gone, rng.random(gone.shape), 1.0, 8)[..., 4:].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_weight_at_the_threshold_stays(dtype):
    bound = dtype(0.3)
    w = np.array([[np.nextafter(bound, dtype(0))], [bound]])
    left = PruningSchedule(threshold=0.3, start=1).prune(full(w), w, 1.0, 1)
    assert left.ravel().tolist() == [False, True]


def test_a_step_without_a_growing_share_removes_nothing(rng):
    schedule = PruningSchedule(**SHARE, end=8, ramp="once")
    once = schedule.prune(np.ones((20, 5), dtype=bool), rng.random((20, 5)), 1, 2)
    again = schedule.prune(once, rng.random((20, 5)), 1, 4)
    np.testing.assert_array_equal(once, again)


def test_correlations_are_ranked_instead_of_weights(rng):
    w, score = rng.random((30, 4)), rng.normal(size=(30, 4))
    schedule = PruningSchedule(
        criterion="correlation", threshold=0.5, start=1, every=1, end=1
    )
    left = schedule.prune(full(w), w, 1.0, 1, score)
    np.testing.assert_array_equal(left, score > np.sort(score, axis=None)[59])
    other = schedule.prune(full(w), rng.permuted(w), 1.0, 1, score)
    np.testing.assert_array_equal(other, left)


def test_permuted_targets_have_permuted_masks(rng):
    w, order = rng.random((3, 3, 2, 8)), rng.permutation(8)
    for scope in ("network", "target"):
        mask = prune_to(w, 0.7, scope)
        permuted = prune_to(w[..., order], 0.7, scope)
        np.testing.assert_array_equal(permuted, mask[..., order])


def test_the_first_of_equal_weights_goes_first(rng):
    w = rng.integers(3, size=(100, 3)).astype(float)
    gone = sorted(range(300), key=w.ravel().tolist().__getitem__)[:130]
    assert np.flatnonzero(~prune_to(w, 130 / 300)).tolist() == sorted(gone)


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.9999999])
def test_no_target_is_left_without_synapses(share, rng):
    w = np.concatenate([rng.random((10, 5)), 100 + rng.random((10, 5))], axis=1)
    mask = prune_to(w, share, "target")
    assert (mask.sum(axis=0) == max(1, round(10 * (1 - share)))).all()
    if share > 0.5:
        assert not prune_to(w, share).any(axis=0).all()


def test_targets_that_lose_everything_are_counted():
    w = np.full((6, 5), 0.5)
    w[:, [1, 3]], kept = 0.1, full(w)
    schedule = PruningSchedule(threshold=0.3, start=1, every=1, end=2)
    with pytest.warns(UserWarning, match=r"^2 of 5 targets lost .* scope 'target'$"):
        left = schedule.prune(kept, w, 1.0, 1)
    assert left.any(axis=0).tolist() == [True, False, True, False, True]
    # Told once: warnings are errors here.
    np.testing.assert_array_equal(schedule.prune(left, w, 1.0, 2), left)


@pytest.mark.parametrize("scope", ["network", "target"])
def test_random_masks_remove_as_many_and_are_nested(scope, rng):
    shape, shares, masks = (5, 4, 6), [0, 0.1, 0.35, 0.8, 0.99], []
    for share in shares:
        mask = random_mask(shape, share, np.random.default_rng(5), scope)
        assert mask.sum() == prune_to(rng.random(shape), share, scope).sum()
        if scope == "target":
            assert len(set(mask.sum(axis=(0, 1)).tolist())) == 1
        masks.append(mask)
    for more, less in pairwise(masks):
        assert not (less & ~more).any()
    first = random_mask(shape, 0.5, np.random.default_rng(1), scope)
    assert (first != random_mask(shape, 0.5, np.random.default_rng(2), scope)).any()


def test_random_masks_favour_no_synapse(rng):
    gone = sum(~random_mask((4, 5), 0.3, rng) for _ in range(4000))
    # Twenty synapses at 99.9 % together.
    low, high = binom.interval(1 - 0.001 / 20, 4000, 0.3)
    assert low <= gone.min()
    assert gone.max() <= high


@pytest.mark.parametrize(
    "line",
    [
        'type = "PruningSchedule"\ncriterion = "quantile"\nthreshold = 0.9',
        'type = "QuantizationSchedule"\nlevels = 16\nspacing = "adaptive"',
        'type = "QuantizationSchedule"\nlevels = [0.25, 0.5, 1]\nstart = 5',
    ],
)
def test_schedules_come_from_a_specification(line):
    values = tomllib.loads(line)
    schedule = from_dict(Schedule, values)
    assert values.items() <= schedule.to_dict().items()
    assert from_dict(Schedule, json.loads(json.dumps(schedule.to_dict()))) == schedule
    with pytest.raises(SpecError, match=r"parameter 'strat'.*Did you mean 'start'"):
        from_dict(Schedule, {**values, "strat": 1})


W = np.full((3, 2), 0.5)
KEPT = np.ones((3, 2), dtype=bool)
P, Q = PruningSchedule, QuantizationSchedule
RANKED = P(criterion="correlation", start=1)


@pytest.mark.parametrize(
    ("cls", "params", "message"),
    [
        (P, {"end": 9_999}, "end must be >= start 10000, got 9999; with end = start"),
        (Q, {"start": 9, "end": 8}, "end must be >= start 9, got 8"),
        (P, {"start": 0}, "start must be >= 1, got 0"),
        (Q, {"every": 0}, "every must be >= 1, got 0"),
        (P, {"every": 2.5}, r"every must be an integer, got 2\.5"),
        (P, {"threshold": 1}, r"threshold must be < 1, got 1\.0; weights do not"),
        (P, {**SHARE, "threshold": 1.5}, "threshold must .* a share of 1 leaves no"),
        (P, {"threshold": 0}, "threshold must be > 0, got 0"),
        (P, {"criterion": "age"}, "criterion must be one of 'weight', 'quantile'"),
        (P, {"ramp": "slow"}, "ramp must be one of 'linear', 'cubic', 'once', got"),
        (P, {"scope": "map"}, "scope must be one of 'network', 'target', 'share', got"),
        (Q, {"levels": 1}, "levels must be >= 2, got 1"),
        (Q, {"levels": 257}, "levels must be <= 256, got 257"),
        (Q, {"levels": "many"}, "levels must be an integer, got 'many'"),
        (Q, {"levels": [1.0]}, r"levels must be at least 2 numbers, got \[1\.0\]"),
        (Q, {"levels": [0.5, 0.2, 1]}, "levels must ascend, each level once, got"),
        (Q, {"levels": [0.5, 0.5, 1]}, "levels must ascend, each level once, got"),
        (Q, {"levels": [-0.5, 1]}, r"levels must be >= 0, got -0\.5"),
        (Q, {"levels": [0.5, 2]}, r"levels must be <= 1, got 2\.0"),
        (Q, {"levels": [0.5, np.nan]}, "levels must be a number, got nan"),
        (Q, {"levels": [0, 0.9]}, r"levels must end with 1, .* got \[0\.0, 0\.9\]"),
        (Q, {"levels": [*np.linspace(0, 1, 257)]}, "levels must be at most 256, got"),
        (Q, {"levels": [0, 1], "spacing": "adaptive"}, "levels must be a number with"),
        (Q, {"spacing": "log"}, "spacing must be one of 'uniform', 'adaptive', got"),
        (Q, {"rounding": "down"}, "rounding must be one of 'nearest', 'stochastic'"),
    ],
)
def test_schedules_that_cannot_be_are_refused(cls, params, message):
    with pytest.raises(ValueError, match=f"^{cls.__name__}.{message}"):
        cls(**params)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: P(threshold=0.6).prune(KEPT, W, 1, 20_000), "none of the 6 .* 20000"),
        (lambda: RANKED.prune(~KEPT, W, 1, 1, W), "leaves none of the 0 synapses"),
        (lambda: RANKED.prune(KEPT, W, 1, 1), "needs a score to rank by 'correlation'"),
        (lambda: RANKED.prune(KEPT, W, 1, 1, W[0]), r"\(3, 2\), got shape \(2,\)"),
        (lambda: RANKED.prune(KEPT, W, 1, 1, W * np.nan), "score must be finite"),
        (lambda: P().share(5), "share: criterion 'weight' has none"),
        (lambda: P().prune(KEPT, W, 0, 10_000), "w_max must be finite and > 0, got 0"),
        (lambda: P().prune(KEPT, W * np.inf, 1, 1), "weights must be finite floats"),
        (lambda: P().prune(KEPT, KEPT, 1, 1), r"weights .* bool of shape \(3, 2\)"),
        (lambda: P().prune(KEPT[0], W, 1, 1), r"kept .* got bool of \(2,\)"),
        (lambda: Q().quantize(W, W, 1), "kept must be bool of shape .*, got float64"),
        (lambda: Q().quantize(W[0, 0], KEPT, 1), r"weights must .* of shape \(\)"),
        (lambda: Q().quantize(W, KEPT, np.nan), "w_max must be .* > 0, got nan"),
        (lambda: Q(rounding="stochastic").quantize(W, KEPT, 1), "needs rng to round"),
        (lambda: Q(spacing="adaptive").quantize(W, ~KEPT, 1), "needs weights to adapt"),
        (lambda: prune_to(W, 1.0), r"share must be >= 0 and < 1 .*, got 1\.0"),
        (lambda: prune_to(W, -0.1), r"share must be >= 0 and < 1 .*, got -0\.1"),
        (lambda: prune_to(W, 0.5, thin=True), r"to thin must have .*, got \(3, 2\)"),
        (lambda: prune_to(W, 0.5, "map"), "scope must be one of .*, got 'map'"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
