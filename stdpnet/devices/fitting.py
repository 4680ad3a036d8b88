"""From counts to probabilities with intervals, and to a logistic curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit, ndtri

from stdpnet.devices.macrospin import Array
from stdpnet.units import Quantity, volt


def wilson_interval(
    counts: ArrayLike, n: int, *, confidence: float = 0.95
) -> tuple[Array, Array]:
    """Return the interval of a probability that was counted.

    Parameters
    ----------
    counts : array of int
        How often it happened.
    n : int
        In how many trials.
    confidence : float
        Probability that the interval holds the true value, between 0 and 1.

    Returns
    -------
    low, high : ndarray
        Bounds, of the shape of `counts`.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence!r}")
    z2 = ndtri((1 + confidence) / 2) ** 2
    counts = np.asarray(counts, dtype=float)
    centre = counts + z2 / 2
    reach = np.sqrt(z2 * (counts * (1 - counts / n) + z2 / 4))
    return (centre - reach) / (n + z2), (centre + reach) / (n + z2)


@dataclass(frozen=True, kw_only=True)
class LogisticCurve:
    r"""Switching probability as a logistic function of the voltage.

    .. math::
        P(V) = \frac{1}{1 + e^{-(V - v_{half}) / v_{width}}}

    Parameters
    ----------
    v_half : Quantity, voltage
        Where half of the magnets switch.
    v_width : Quantity, voltage
        How gradual it is: a quarter of the inverse slope at `v_half`.
    residual : float
        Root mean square difference from the probabilities it was fitted to.
    """

    v_half: Quantity
    v_width: Quantity
    residual: float = 0.0

    def probability(self, voltage_v: ArrayLike) -> Array:
        """Return the probabilities at voltages, in volt; same shape."""
        distance = np.asarray(voltage_v, dtype=float) - self.v_half.value
        return np.asarray(expit(distance / self.v_width.value))


def fit_logistic(voltages_v: ArrayLike, probabilities: ArrayLike) -> LogisticCurve:
    """Fit a logistic curve by maximum likelihood, with equally many trials a voltage.

    Parameters
    ----------
    voltages_v, probabilities : array, shape (n_voltages,)
        Voltages, in volt, and the part that switched.

    Raises
    ------
    ValueError
        If fewer than two of the probabilities lie between 0 and 1, or they fall
        with the voltage.
    """
    voltages = np.asarray(voltages_v, dtype=float)
    p = np.asarray(probabilities, dtype=float)
    between = int(np.sum((p > 0) & (p < 1)))
    if between < 2:
        raise ValueError(
            "a logistic curve needs at least 2 voltages with a probability between 0 and "
            f"1, got {between}; tabulate voltages that are closer together, around the switch"
        )
    centre, spread = voltages.mean(), voltages.std()
    x = np.stack([np.ones_like(p), (voltages - centre) / spread])

    def cost(theta: Array) -> tuple[float, Array]:
        z = theta @ x
        return float(np.sum(np.logaddexp(0, z) - p * z)), x @ (expit(z) - p)

    offset, slope = minimize(cost, np.zeros(2), jac=True, method="BFGS", tol=1e-9).x
    if slope <= 0:
        raise ValueError(
            "a logistic curve needs probabilities that rise with the voltage, got "
            f"{p.round(3).tolist()}"
        )
    v_half, v_width = centre - spread * offset / slope, spread / slope
    residual = float(np.sqrt(np.mean((expit((voltages - v_half) / v_width) - p) ** 2)))
    return LogisticCurve(
        v_half=float(v_half) * volt, v_width=float(v_width) * volt, residual=residual
    )
