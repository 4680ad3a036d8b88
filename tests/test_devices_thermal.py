"""Magnets in the heat: the equation of motion and the draws, against Boltzmann."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import erfi

from stdpnet.devices import Macrospin, draw_resting, simulate

#: Level of each test, as a whole: seeds are fixed, so a failure is a change.
LEVEL = 1e-3
K_B_T = 1.380649e-23 * 300

#: So small that it changes sides within a nanosecond or two.
TINY = Macrospin(
    length="24 nm", width="20 nm", thickness="1.5 nm", damping=0.5, dt="2 ps"
)
#: Without a field out of the plane the component along the axis has a closed form.
UNIAXIAL = replace(TINY, demagnetization=0, dt="4 ps")


def barrier(magnet: Macrospin) -> float:
    return magnet.barrier.value / K_B_T


def cumulative(x: np.ndarray, height: float) -> np.ndarray:
    """Distribution of m_x for a uniaxial barrier of `height` k_B T."""
    root = np.sqrt(height)
    return (1 + erfi(root * x) / erfi(root)) / 2


def boltzmann_means(magnet: Macrospin, volts: float, side: float | None = None):
    """Mean and variance of m_x, m_y^2, m_z^2, by quadrature over the sphere or a side."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    # The two halves on their own: a side ends where m_x is zero.
    x = np.concatenate([(nodes - 1) / 2, (nodes + 1) / 2])[:, None]
    phi = np.linspace(0, 2 * np.pi, 400, endpoint=False)[None, :]
    across = np.sqrt(1 - x**2)
    m = np.array([x + 0 * phi, across * np.cos(phi), across * np.sin(phi)])
    field = volts * 180e-6 / 5e-9
    moment = (
        4e-7
        * np.pi
        * 1e6
        * np.pi
        / 4
        * np.prod([magnet.length.value, magnet.width.value, magnet.thickness.value])
    )
    energy = -18e3 * m[0] ** 2 / 2 + magnet.demagnetization * 1e6 * m[2] ** 2 / 2
    energy = moment * (energy - field * m[0])
    weight = np.exp(-(energy - energy.min()) / K_B_T) * np.tile(weights, 2)[:, None]
    if side is not None:
        weight = weight * (np.sign(m[0]) == side)
    seen = np.array([m[0], m[1] ** 2, m[2] ** 2])
    mean = (seen * weight).sum(axis=(1, 2)) / weight.sum()
    square = (seen**2 * weight).sum(axis=(1, 2)) / weight.sum()
    return mean, square - mean**2


def assert_means(m: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> None:
    seen = np.array([m[0], m[1] ** 2, m[2] ** 2]).mean(axis=1)
    z = (seen - mean) / np.sqrt(variance / m.shape[1])
    assert np.abs(z).max() < stats.norm.isf(LEVEL / 6), z


@pytest.mark.parametrize("damping", [0.5, 1.0])
def test_motion_ends_in_the_boltzmann_distribution(damping, rng):
    magnet = replace(UNIAXIAL, damping=damping)
    m = np.repeat([[-1.0], [0.0], [0.0]], 1500, axis=1)
    m = simulate(magnet, m, duration="10 ns", rng=rng)
    height = barrier(magnet)
    assert 1 < height < 2
    assert stats.kstest(m[0], cumulative, args=(height,)).pvalue > LEVEL


def test_motion_ends_in_equilibrium_with_all_fields(rng):
    m = np.repeat([[1.0], [0.0], [0.0]], 1000, axis=1)
    m[0, ::2] = -1
    magnet = replace(TINY, dt="1 ps")
    m = simulate(magnet, m, duration="4 ns", rng=rng, voltage_v=-0.1)
    assert_means(m, *boltzmann_means(magnet, -0.1))


@pytest.mark.parametrize("magnet", [Macrospin(), TINY, UNIAXIAL])
def test_resting_magnets_are_in_equilibrium_on_their_side(magnet, rng):
    m = draw_resting(magnet, 50_000, rng)
    assert m.shape == (3, 50_000)
    assert m[0].max() < 0
    np.testing.assert_allclose(np.linalg.norm(m, axis=0), 1, atol=1e-12)
    assert_means(m, *boltzmann_means(magnet, 0.0, side=-1))


def test_resting_magnets_have_the_uniaxial_distribution(rng):
    m = draw_resting(UNIAXIAL, 50_000, rng)
    height = barrier(UNIAXIAL)
    whole = stats.kstest(-m[0], lambda x: 2 * cumulative(x, height) - 1)
    assert whole.pvalue > LEVEL


def test_motion_leaves_resting_magnets_in_equilibrium(rng):
    m = draw_resting(Macrospin(), 1500, rng)
    m = simulate(Macrospin(), m, duration="0.2 ns", rng=rng)
    assert_means(m, *boltzmann_means(Macrospin(), 0.0, side=-1))


def test_cold_magnets_rest_on_the_axis(rng):
    m = draw_resting(Macrospin(temperature="0 K"), 5, rng)
    np.testing.assert_array_equal(m, np.repeat([[-1.0], [0.0], [0.0]], 5, axis=1))
    after = simulate(Macrospin(temperature="0 K"), m, duration="10 ps", rng=rng)
    np.testing.assert_array_equal(after, m)


def test_same_seed_same_motion():
    def run(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        m = draw_resting(Macrospin(), 10, rng)
        return simulate(Macrospin(), m, duration="10 ps", rng=rng)

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))
