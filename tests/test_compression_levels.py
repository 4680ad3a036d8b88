"""Quantization against loops, closed forms and what must never change."""

import numpy as np
import pytest
from scipy.stats import binom

from stdpnet.compression import QuantizationSchedule

SHAPES = [(12, 7), (4, 3, 2, 7), (5, 5, 1, 3), (6,)]


def full(w: np.ndarray) -> np.ndarray:
    return np.ones(w.shape, dtype=bool)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "params",
    [
        {"levels": 2},
        {"levels": 7, "rounding": "stochastic"},
        {"levels": [0, 0.1, 0.4, 1]},
        {"levels": [0.3, 1.0], "rounding": "stochastic"},
        {"levels": 5, "spacing": "adaptive"},
        {"levels": 8, "spacing": "adaptive", "rounding": "stochastic"},
    ],
)
def test_survivors_are_on_the_levels_and_the_others_zero(params, shape, dtype, rng):
    w, kept = rng.uniform(0, 0.7, shape).astype(dtype), rng.random(shape) < 0.6
    given = w.copy()
    schedule = QuantizationSchedule(**params)
    rounded, table = schedule.quantize(w, kept, 0.7, rng)
    assert rounded.dtype == table.dtype == dtype
    assert (np.diff(table) > 0).all()
    assert set(rounded[kept].tolist()) <= set(table.tolist())
    assert (rounded[~kept] == 0).all()
    np.testing.assert_array_equal(w, given)
    if schedule.spacing == "uniform":
        assert table[-1] == dtype(0.7)
        again, _ = schedule.quantize(rounded, kept, 0.7, rng)
        np.testing.assert_array_equal(again, rounded)


@pytest.mark.parametrize("levels", [2, 3, 16, (0.0, 0.05, 0.6, 1.0)])
def test_rounding_takes_the_nearest_level(levels, rng):
    w = rng.uniform(0, 1, (50, 4))
    schedule = QuantizationSchedule(levels=levels)
    rounded, table = schedule.quantize(w, full(w), 1.0)
    for place in np.ndindex(w.shape):
        nearest = min(table, key=lambda level: abs(level - w[place]))
        assert rounded[place] == nearest


def test_the_middle_goes_up():
    w = np.array([[0.375, 0.1, 0.6249, 0.625]])
    rounded, _ = QuantizationSchedule(levels=4).quantize(w, full(w), 1.0)
    assert rounded.tolist() == [[0.5, 0.25, 0.5, 0.75]]


def test_stochastic_rounding_keeps_the_mean(rng):
    schedule = QuantizationSchedule(levels=[0.1, 0.2, 0.6, 1], rounding="stochastic")
    cases = [(0.21, 0.2, 0.6), (0.5, 0.2, 0.6), (0.95, 0.6, 1.0), (0.199, 0.1, 0.2)]
    cases += [(0.3, 0.2, 0.6), (0.61, 0.6, 1.0), (0.15, 0.1, 0.2)]
    n = 20_000
    for value, below, above in cases:
        w = np.full((n, 1), 2 * value)
        rounded, _ = schedule.quantize(w, full(w), 2.0, rng)
        n_up = int((rounded == 2 * above).sum())
        assert n_up + int((rounded == 2 * below).sum()) == n
        chance = (value - below) / (above - below)
        low, high = binom.interval(1 - 0.001 / len(cases), n, chance)
        assert low <= n_up <= high


def test_stochastic_rounding_leaves_levels_and_ends_alone(rng):
    schedule = QuantizationSchedule(levels=4, rounding="stochastic")
    w = np.tile([0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5], (500, 1))
    rounded, _ = schedule.quantize(w, full(w), 1.0, rng)
    expected = np.clip(w[0], 0.25, 1.0)
    np.testing.assert_array_equal(rounded, np.tile(expected, (500, 1)))


def test_levels_of_even_weights_are_the_closed_form():
    w = (np.arange(1200) + 0.5) / 1200
    for n in (2, 3, 4, 8):
        levels = QuantizationSchedule(levels=n, spacing="adaptive").table(w, 1.0)
        np.testing.assert_allclose(levels, (2 * np.arange(n) + 1) / (2 * n))


@pytest.mark.parametrize("n_levels", [2, 4, 16])
@pytest.mark.parametrize("ends", [0.0, 0.9])
def test_adaptive_levels_are_means_of_what_is_nearest(n_levels, ends, rng):
    w = rng.beta(0.4, 0.6, 3000)
    at_ends = rng.random(3000) < ends
    w[at_ends] = rng.integers(2, size=at_ends.sum())
    adaptive = QuantizationSchedule(levels=n_levels, spacing="adaptive")
    levels = adaptive.table(w, 1.0)
    nearest = np.array([int(np.argmin(np.abs(levels - value))) for value in w])
    assert set(nearest) == set(range(n_levels))
    for k in range(n_levels):
        assert levels[k] == pytest.approx(w[nearest == k].mean(), abs=1e-12)
    even = QuantizationSchedule(levels=n_levels).table(w, 1.0)
    errors = [
        np.mean(np.abs(w[:, None] - table).min(axis=1) ** 2) for table in (levels, even)
    ]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("values", [[0.4], [0.0, 1.0], [0.1, 0.2, 0.7]])
def test_few_different_weights_are_the_levels(values, rng):
    w = rng.choice(values, 100)
    w[: len(values)] = values
    schedule = QuantizationSchedule(levels=4, spacing="adaptive", rounding="stochastic")
    assert schedule.table(w, 1.0).tolist() == values
    rounded, table = schedule.quantize(w[:, None], full(w[:, None]), 1.0, rng)
    np.testing.assert_array_equal(rounded[:, 0], w)
    assert table.tolist() == values


@pytest.mark.parametrize(
    ("levels", "bits"), [(2, 1), (3, 2), (4, 2), (5, 3), (256, 8), ([0, 0.5, 1], 2)]
)
def test_bits_are_the_logarithm_rounded_up(levels, bits):
    assert QuantizationSchedule(levels=levels).bits == bits
    n = levels if isinstance(levels, int) else len(levels)
    assert bits == int(np.ceil(np.log2(n)))
