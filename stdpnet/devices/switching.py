"""How likely a pulse of some voltage switches a magnet, by Monte-Carlo simulation."""

from collections.abc import Callable, Iterable
from itertools import count

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdpnet.devices.dynamics import advance, simulate
from stdpnet.devices.macrospin import BOLTZMANN, Array, Macrospin
from stdpnet.devices.table import SwitchingTable, check_rising
from stdpnet.devices.thermal import draw_resting
from stdpnet.units import Quantity, QuantityLike

#: Voltages of a table, relative to the critical voltage.
VOLTAGES = np.linspace(0.45, 1.15, 15).round(2)
#: Pulses of a table. Shorter ones would end while the magnet still rings.
PULSES = ("1 ns", "2 ns", "4 ns")

#: Magnets that are simulated at once: their arrays fit in a processor's cache.
N_AT_ONCE = 4096
#: A magnet is caught when it is this far below the top of the barrier, in k_B T.
CAUGHT_BELOW = 5
#: Time between two looks at the magnets, and looks until they have to be caught.
LOOK, N_LOOKS = "100 ps", 50


def tabulate(
    magnet: Macrospin,
    *,
    voltages_v: ArrayLike | None = None,
    pulses: Iterable[QuantityLike] = PULSES,
    n_samples: int = 300,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> SwitchingTable:
    r"""Count how many magnets switch, for each voltage and each pulse length.

    Each magnet starts in equilibrium at :math:`m_x < 0`, sees the voltage for
    the length of the pulse, and is then left alone until one of its two
    resting states has caught it. It has switched if that is :math:`m_x > 0`.

    Parameters
    ----------
    magnet : Macrospin
        The device.
    voltages_v : array, shape (n_voltages,), optional
        Voltages, rising, in volt. Default: 15 of them, from 0.45 to 1.15 times
        the critical voltage, which the default magnet crosses from never to
        always.
    pulses : iterable of Quantity, time
        Pulse lengths, rising.
    n_samples : int
        Magnets for each voltage. The same ones serve all pulse lengths.
    seed : int
        Seed of all randomness.
    progress : callable, optional
        Told how many parts of the work are done, and how many there are.

    Returns
    -------
    SwitchingTable
        The counts, with all that they came from.

    Raises
    ------
    ValueError
        If voltages or pulses do not rise, or there is nothing to simulate.

    Notes
    -----
    A pulse that ends while the magnet still swings across the barrier leaves
    its fate open: the probability then stays below one and need not rise with
    the voltage. The swing takes some :math:`2 / (\alpha \gamma_0 N M_s)` to
    fade, half a nanosecond in the default magnet.

    A magnet with a barrier of a few :math:`k_B T` never rests; its side counts
    five nanoseconds after the pulse.
    """
    if voltages_v is None:
        voltages_v = VOLTAGES * magnet.critical_voltage.value
    voltages = check_rising("voltages_v", voltages_v)
    ends = check_rising("pulses", [magnet.steps(pulse) for pulse in pulses])
    if n_samples < 1 or n_samples != int(n_samples):
        raise ValueError(f"n_samples must be an integer from 1 up, got {n_samples!r}")
    gaps = [int(n) * magnet.dt for n in np.diff(ends, prepend=0)]
    n_blocks = min(-(-len(voltages) * n_samples // N_AT_ONCE), len(voltages))
    total = n_blocks * sum(-(-magnet.steps(gap) // magnet.steps(LOOK)) for gap in gaps)
    parts = count(1)

    def tick() -> None:
        if progress is not None:
            progress(next(parts), total)

    rng = np.random.default_rng(seed)
    blocks = [
        _count_switched(magnet, block, gaps, n_samples, rng, tick)
        for block in np.array_split(voltages, n_blocks)
    ]
    return SwitchingTable(
        magnet=magnet,
        voltages_v=voltages,
        pulses_ns=np.round(ends * (magnet.dt.value * 1e9), 9),
        counts=np.hstack(blocks),
        n_samples=n_samples,
        seed=seed,
    )


def _count_switched(
    magnet: Macrospin,
    voltages: Array,
    gaps: Iterable[Quantity],
    n_samples: int,
    rng: np.random.Generator,
    tick: Callable[[], None],
) -> NDArray[np.int64]:
    """Count switched magnets, shape (n_pulses, n_voltages), in one go through all pulses."""
    voltage_v = np.repeat(voltages, n_samples)
    m = draw_resting(magnet, len(voltage_v), rng)
    counts = []
    for gap in gaps:
        states = advance(
            magnet, m, duration=gap, rng=rng, voltage_v=voltage_v, every=LOOK
        )
        for state in states:
            m = state
            tick()
        switched = _settle(magnet, m, rng)[0] > 0
        counts.append(switched.reshape(len(voltages), n_samples).sum(axis=1))
    return np.array(counts)


def _settle(magnet: Macrospin, m: Array, rng: np.random.Generator) -> Array:
    """Leave magnets alone until a resting state has caught each of them."""
    m = m.copy()
    margin = CAUGHT_BELOW * BOLTZMANN * magnet.temperature.value
    for _ in range(N_LOOKS):
        # The top of the barrier, across the easy axis in the plane, is at zero energy.
        loose = magnet.energy(m) > -margin
        if not loose.any():
            break
        m[:, loose] = simulate(magnet, m[:, loose], duration=LOOK, rng=rng)
    return m
