"""Magnets in thermal equilibrium, drawn and not waited for."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf

from stdpnet.devices.macrospin import BOLTZMANN, Array, Macrospin


def draw_resting(magnet: Macrospin, n: int, rng: np.random.Generator) -> Array:
    r"""Draw magnets at rest: in equilibrium at zero voltage, on the side :math:`m_x < 0`.

    Parameters
    ----------
    magnet : Macrospin
        What they have in common.
    n : int
        How many.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray, shape (3, n)
        Directions of length one; all along the axis at zero temperature.

    Notes
    -----
    Without a voltage the Boltzmann distribution is a Bingham distribution,
    :math:`\exp(-m^T A m)` on the sphere. It is drawn exactly, by rejection from
    an angular central Gaussian.

    References
    ----------
    Kent, Ganeiban and Mardia (2018), doi:10.1080/10618600.2017.1390468.
    """
    heat = BOLTZMANN * magnet.temperature.value
    if heat == 0:
        return np.repeat([[-1.0], [0.0], [0.0]], n, axis=1)
    energies = magnet.energy(np.eye(3))
    m = _draw_bingham((energies - energies.min()) / heat, n, rng)
    m[0] = -np.abs(m[0])
    return m


def angle_density(magnet: Macrospin, angles: Array) -> Array:
    r"""Return the Boltzmann distribution of the angle in the plane, at zero voltage.

    Parameters
    ----------
    magnet : Macrospin
        Of a temperature above zero.
    angles : ndarray
        Angles :math:`\varphi` with the nearer end of the easy axis, in radians,
        from -pi/2 to pi/2.

    Returns
    -------
    ndarray
        Probability per radian, of the shape of `angles`.

    Raises
    ------
    ValueError
        If the temperature is zero.

    Notes
    -----
    With :math:`e(\varphi)` the energy in the plane and :math:`e_z` that along the
    normal, both in :math:`k_B T`, the integral over the component out of the plane is

    .. math::
        p(\varphi) \propto e^{-e(\varphi)} \sqrt{\frac{\pi}{c}} \, \mathrm{erf} \sqrt{c},
        \qquad c = e_z - e(\varphi).
    """
    check_warm(magnet)
    grid = np.linspace(-np.pi / 2, np.pi / 2, 20_001)
    whole = np.trapezoid(_angle_weight(magnet, grid), grid)
    return np.asarray(_angle_weight(magnet, np.asarray(angles, float)) / whole)


def check_warm(magnet: Macrospin) -> None:
    """Raise ValueError if a magnet has no temperature, so that nothing is left to chance."""
    if magnet.temperature.value == 0:
        raise ValueError(
            "Macrospin.temperature must be > 0 K, as without heat there are no "
            f"probabilities, got {magnet.temperature}"
        )


def _angle_weight(magnet: Macrospin, angles: Array) -> Array:
    heat = BOLTZMANN * magnet.temperature.value
    along, across, normal = magnet.energy(np.eye(3)) / heat
    in_plane = along * np.cos(angles) ** 2 + across * np.sin(angles) ** 2
    # As small as this the quotient is at its limit, and never a division by zero.
    c = np.maximum(normal - in_plane, 1e-12)
    return np.asarray(np.exp(along - in_plane) * np.sqrt(np.pi / c) * erf(np.sqrt(c)))


def _draw_bingham(weights: Array, n: int, rng: np.random.Generator) -> Array:
    """Draw from ``exp(-sum(weights * m**2))`` on the sphere; the least weight is zero."""
    scale = brentq(lambda b: np.sum(1 / (b + 2 * weights)) - 1, 1e-9, 3.0 + 1e-9)
    spread = 1 / np.sqrt(1 + 2 * weights / scale)
    drawn = np.empty((3, 0))
    while drawn.shape[1] < n:
        m = spread[:, None] * rng.standard_normal((3, n))
        m /= np.sqrt((m * m).sum(axis=0))
        cost = weights @ (m * m)
        # Density over envelope, divided by its maximum.
        log_ratio = 1.5 * np.log1p(2 * cost / scale) - cost
        log_ratio -= 1.5 * np.log(3 / scale) - (3 - scale) / 2
        drawn = np.hstack([drawn, m[:, np.log(rng.random(n)) < log_ratio]])
    return drawn[:, :n]
