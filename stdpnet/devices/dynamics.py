"""The motion of many magnets at once, pushed by a voltage and shaken by the heat."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
from numpy.typing import ArrayLike

from stdpnet.devices.macrospin import GAMMA_0, Array, Macrospin
from stdpnet.units import QuantityLike

#: Largest angle, in radians, that a magnet may turn in one time step.
MAX_TURN = 0.3
#: Time steps whose draws are made together.
N_AHEAD = 16
#: So many magnets need long enough for their draws that a thread is worth it.
MANY = 500


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
    heun = _Heun(magnet, m, drive)
    while left:
        n_steps = min(stop, left)
        for push in _pushes(heun, rng, n_steps):
            heun.step(push)
            if renormalize:
                heun.renormalize()
        left -= n_steps
        yield heun.m.copy()


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


class _Heun:
    """Heun's scheme, which moves the array `m`; fields are in angle per time step.

    Its arrays are made once, and rows of vectors are x, y, z, x, y: a cross product
    is then three sums over whole arrays.
    """

    def __init__(self, magnet: Macrospin, m: Array, drive: Array) -> None:
        scale = GAMMA_0 * magnet.dt.value / (1 + magnet.damping**2)
        self.stiffness, self.drive = scale * magnet.stiffness, scale * drive
        self.kick = scale * magnet.thermal_field()
        self.damping = magnet.damping
        most = np.abs(self.stiffness).sum() + np.abs(self.drive).max() + 3 * self.kick
        _check_turn(magnet, most)
        self.now, self.ahead, self.field, self.torque = np.empty((4, 5, m.shape[1]))
        self.first, self.second, self.spare = np.empty((3, *m.shape))
        self.m = self.now[:3]
        self.m[:] = m

    def step(self, push: Array) -> None:
        """Go on for one time step, with the fields of voltage and heat."""
        self._turn(self.now, push, self.first)
        np.add(self.m, self.first, out=self.ahead[:3])
        self._turn(self.ahead, push, self.second)
        self.first += self.second
        self.first *= 0.5
        self.m += self.first

    def renormalize(self) -> None:
        """Bring the lengths back to one, to first order."""
        x2, y2, z2 = np.multiply(self.m, self.m, out=self.spare)
        x2 += y2
        x2 += z2
        self.m *= 1.5 - 0.5 * x2

    def _turn(self, m: Array, push: Array, out: Array) -> None:
        """Change of `m` in a step: the equation of motion, solved for the derivative."""
        field, torque = self.field, self.torque
        m[3:] = m[:2]
        np.multiply(self.stiffness, m[:3], out=field[:3])
        field[:3] += push
        field[3:] = field[:2]
        self._cross(m, field, torque[:3])
        torque[:3] *= self.damping
        torque[:3] += field[:3]
        torque[3:] = torque[:2]
        self._cross(torque, m, out)

    def _cross(self, a: Array, b: Array, out: Array) -> None:
        np.multiply(a[1:4], b[2:5], out=out)
        out -= np.multiply(a[2:5], b[1:4], out=self.spare)


def _pushes(heun: _Heun, rng: np.random.Generator, n_steps: int) -> Iterator[Array]:
    """Yield the fields of voltage and heat for each step; a thread draws a little ahead."""
    shape = heun.m.shape
    if not heun.kick:
        yield from repeat(heun.drive, n_steps)
        return

    def draw(start: int) -> Array:
        pushes = rng.standard_normal((min(N_AHEAD, n_steps - start), *shape))
        pushes *= heun.kick
        pushes += heun.drive
        return pushes

    starts = range(0, n_steps, N_AHEAD)
    if shape[1] < MANY:
        for start in starts:
            yield from draw(start)
        return
    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(draw, 0)
        for start in starts:
            pushes = ahead.result()
            if start + N_AHEAD < n_steps:
                ahead = thread.submit(draw, start + N_AHEAD)
            yield from pushes


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
