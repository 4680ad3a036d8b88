"""The motion of many magnets at once, pushed by a voltage and shaken by the heat."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from stdpnet.devices.macrospin import GAMMA_0, Array, Macrospin
from stdpnet.units import QuantityLike

#: Largest angle, in radians, that a magnet may turn in one time step.
MAX_TURN = 0.3


def advance(
    magnet: Macrospin,
    m: Array,
    *,
    duration: QuantityLike,
    rng: np.random.Generator,
    voltage_v: ArrayLike = 0.0,
    every: QuantityLike = "100 ps",
    renormalize: bool = True,
) -> Iterator[Array]:
    """Move magnets in time and yield where they are on the way.

    Parameters
    ----------
    magnet : Macrospin
        What they have in common.
    m : ndarray, shape (3, n)
        Directions at the start, of length one, one column a magnet.
    duration : Quantity, time
        How long; rounded to whole time steps.
    rng : numpy.random.Generator
        Source of the fluctuations.
    voltage_v : float or ndarray, shape (n,)
        Voltage across the oxide, in volt, constant meanwhile.
    every : Quantity, time
        How often to yield. The last part may be shorter.
    renormalize : bool
        Hold the length at one. Without it the length shows the error.

    Yields
    ------
    ndarray, shape (3, n)
        Directions, a copy, at every stop and at the end.

    Raises
    ------
    ValueError
        If shapes or times do not fit, or the time step is too long to follow
        the motion.
    """
    m = np.array(m, dtype=float)
    drive = magnet.drive(voltage_v)
    _check_shapes(m, drive)
    left, stop = magnet.steps(duration), magnet.steps(every)
    # Angle per time step and field.
    scale = GAMMA_0 * magnet.dt.value / (1 + magnet.damping**2)
    stiffness, drive = scale * magnet.stiffness, scale * drive
    kick = scale * magnet.thermal_field()
    _check_turn(magnet, np.abs(stiffness).sum() + np.abs(drive).max() + 3 * kick)
    while left:
        for _ in range(min(stop, left)):
            push = drive
            if kick:
                push = kick * rng.standard_normal(m.shape)
                push += drive
            first = _turn(m, push + stiffness * m, magnet.damping)
            ahead = m + first
            first += _turn(ahead, push + stiffness * ahead, magnet.damping)
            m += 0.5 * first
            if renormalize:
                m *= 1.5 - 0.5 * (m * m).sum(axis=0)
        left -= min(stop, left)
        yield m.copy()


def simulate(
    magnet: Macrospin,
    m: Array,
    *,
    duration: QuantityLike,
    rng: np.random.Generator,
    voltage_v: ArrayLike = 0.0,
    renormalize: bool = True,
) -> Array:
    """Return where magnets are after some time; see `advance`."""
    states = advance(
        magnet,
        m,
        duration=duration,
        rng=rng,
        voltage_v=voltage_v,
        every=duration,
        renormalize=renormalize,
    )
    return next(states)


def _turn(m: Array, field: Array, damping: float) -> Array:
    """Change of `m` in a step: the equation of motion, solved for the derivative."""
    return _cross(field + damping * _cross(m, field), m)


def _cross(a: Array, b: Array) -> Array:
    out = np.empty_like(a)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        np.multiply(a[j], b[k], out=out[i])
        out[i] -= a[k] * b[j]
    return out


def _check_shapes(m: Array, drive: Array) -> None:
    if m.ndim != 2 or m.shape[0] != 3:
        raise ValueError(
            f"magnets must be an array of shape (3, n), one column each, got shape {m.shape}"
        )
    if drive.shape[1:] not in ((1,), m.shape[1:]):
        raise ValueError(
            f"voltage_v must be one number or one for each of {m.shape[1]} magnets, "
            f"got {drive.shape[1]}"
        )
    lengths = np.sqrt((m * m).sum(axis=0))
    if not np.allclose(lengths, 1, rtol=0, atol=1e-3):
        raise ValueError(
            "magnets must have length one, got lengths of "
            f"{lengths.min():g} to {lengths.max():g}; divide by them"
        )


def _check_turn(magnet: Macrospin, turn: float) -> None:
    if not turn <= MAX_TURN:
        raise ValueError(
            f"Macrospin.dt must keep the turn of a step within {MAX_TURN:g} radians, got "
            f"{turn:.3g} with {magnet.dt}; give a dt of "
            f"{magnet.dt.value * 0.5 * MAX_TURN / turn:.1g} s or less"
        )
