"""A few magnets to look at: their way through a pulse, and how they rest."""

import numpy as np

from stdpnet.devices.dynamics import advance, simulate
from stdpnet.devices.macrospin import Array, Macrospin
from stdpnet.devices.thermal import draw_resting
from stdpnet.units import QuantityLike

#: Moments at which a way is recorded, during the pulse and again after it.
N_MOMENTS = 200


def record_pulse(
    magnet: Macrospin,
    voltage_v: float,
    pulse: QuantityLike,
    *,
    rng: np.random.Generator,
    after: QuantityLike = "1 ns",
    n: int = 12,
) -> tuple[Array, Array]:
    """Follow magnets through a pulse, and for a while after it.

    Parameters
    ----------
    magnet : Macrospin
        What they have in common.
    voltage_v : float
        Voltage of the pulse, in volt.
    pulse, after : Quantity, time
        Length of the pulse, and how long they are then watched at zero voltage.
    rng : numpy.random.Generator
        Source of the start, in equilibrium, and of the fluctuations.
    n : int
        How many.

    Returns
    -------
    times_ns : ndarray, shape (n_times,)
        Since the start of the pulse.
    m : ndarray, shape (n_times, 3, n)
        Directions.
    """
    times, path = [0.0], [draw_resting(magnet, n, rng)]
    for length, volts in ((pulse, voltage_v), (after, 0.0)):
        start, n_steps = times[-1], magnet.steps(length)
        stop = -(-n_steps // N_MOMENTS)
        path += advance(
            magnet,
            path[-1],
            duration=length,
            rng=rng,
            voltage_v=volts,
            every=stop * magnet.dt,
        )
        ends = [*range(stop, n_steps, stop), n_steps]
        times += [start + end * magnet.dt.value * 1e9 for end in ends]
    return np.array(times), np.array(path)


def sample_angles(
    magnet: Macrospin,
    *,
    rng: np.random.Generator,
    duration: QuantityLike = "1 ns",
    n: int = 1500,
) -> Array:
    """Return the angles of magnets that the heat has moved at zero voltage.

    Parameters
    ----------
    magnet : Macrospin
        What they have in common.
    rng : numpy.random.Generator
        Source of the start, in equilibrium, and of the fluctuations.
    duration : Quantity, time
        How long they move. The default magnet forgets its start in a quarter
        of the default.
    n : int
        How many.

    Returns
    -------
    ndarray, shape (n,)
        Angle in the plane with the nearer end of the easy axis, in radians,
        from -pi/2 to pi/2; see `angle_density`.
    """
    m = simulate(magnet, draw_resting(magnet, n, rng), duration=duration, rng=rng)
    return np.asarray(np.arctan2(m[1] * np.sign(m[0]), np.abs(m[0])))
