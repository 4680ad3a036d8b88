"""Magnets to look at: their angles at rest, and their way through a pulse."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from stdpnet.devices import (
    Macrospin,
    angle_density,
    draw_resting,
    record_pulse,
    sample_angles,
)

LEVEL = 1e-3
GRID = np.linspace(-np.pi / 2, np.pi / 2, 2001)
#: Two barriers, of 32 and 0.2 k_B T.
LARGE, SMALL = Macrospin(), Macrospin(length="10 nm", width="10 nm", thickness="1 nm")
#: The physics of the default magnet at a longer time step.
QUICK = Macrospin(dt="0.5 ps")


def nearest_angle(m: np.ndarray) -> np.ndarray:
    return np.arctan(m[1] / m[0])


# -- angles -----------------------------------------------------------------------


@pytest.mark.parametrize("magnet", [LARGE, SMALL, replace(SMALL, demagnetization=0)])
def test_angles_are_spread_as_the_sphere_says(magnet):
    """The energy at every point of a sphere, without the integral in closed form."""
    z, weights = np.polynomial.legendre.leggauss(200)
    across, angles = np.sqrt(1 - z**2), GRID[::10]
    points = [np.cos(angles)[:, None] * across, np.sin(angles)[:, None] * across]
    m = np.array([*points, np.broadcast_to(z, points[0].shape)]).reshape(3, -1)
    heat = 1.380649e-23 * magnet.temperature.value
    energy = magnet.energy(m).reshape(len(angles), -1) / heat
    expected = np.exp(energy.min() - energy) @ weights
    expected /= np.trapezoid(expected, angles)
    np.testing.assert_allclose(angle_density(magnet, angles), expected, rtol=1e-4)


def test_a_high_barrier_leaves_a_narrow_bell():
    density = angle_density(LARGE, GRID)
    assert np.trapezoid(density, GRID) == pytest.approx(1, abs=1e-6)
    variance = np.trapezoid(density * GRID**2, GRID)
    # Equipartition in the parabola of the barrier; its next order is a few percent.
    heat = 1.380649e-23 * 300
    assert variance == pytest.approx(heat / (2 * LARGE.barrier.value), rel=0.05)


def test_without_an_axis_all_angles_are_alike():
    free = replace(LARGE, anisotropy_field="0 A/m", demagnetization=0)
    np.testing.assert_allclose(angle_density(free, GRID), 1 / np.pi, rtol=1e-9)


@pytest.mark.parametrize("magnet", [LARGE, SMALL], ids=["large", "small"])
def test_draws_and_motion_have_these_angles(magnet, rng):
    still = nearest_angle(draw_resting(magnet, 20_000, rng))
    moved = sample_angles(magnet, duration="0.1 ns", n=1500, rng=rng)
    cumulative = np.cumsum(angle_density(magnet, GRID)) * (GRID[1] - GRID[0])
    for angles in (still, moved):
        found = stats.kstest(angles, lambda x: np.interp(x, GRID, cumulative))
        assert found.pvalue > LEVEL


def test_cold_magnets_have_no_distribution():
    message = r"temperature must be > 0 K, as without heat there are no .*, got 0 K"
    with pytest.raises(ValueError, match=message):
        angle_density(Macrospin(temperature="0 K"), GRID)


# -- the way through a pulse --------------------------------------------------------


def test_times_run_from_the_start_of_the_pulse_to_the_end(rng):
    times, m = record_pulse(QUICK, 0.4, "0.2 ns", after="0.1 ns", n=3, rng=rng)
    assert m.shape == (len(times), 3, 3)
    assert times[[0, -1]] == pytest.approx([0, 0.3])
    assert np.all(np.diff(times) > 0)
    assert 0.2 in times.round(9)
    np.testing.assert_allclose(np.linalg.norm(m, axis=1), 1, atol=1e-9)


def test_a_pulse_of_a_few_steps_is_recorded_step_by_step(rng):
    times, _ = record_pulse(QUICK, 0.4, "2 ps", after="1 ps", n=1, rng=rng)
    np.testing.assert_allclose(times, np.arange(7) * 5e-4, atol=1e-12)


def test_a_strong_pulse_switches_and_none_does_not(rng):
    for volts, side in ((0.9, 1), (0.0, -1)):
        _, m = record_pulse(QUICK, volts, "1 ns", after="20 ps", n=10, rng=rng)
        assert np.all(m[0, 0] < 0)
        assert np.all(np.sign(m[-1, 0]) == side)
