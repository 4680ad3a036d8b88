"""Pictures of a magneto-electric device: when it switches, how, and how it rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stdpnet.analysis.drawing import (
    CONTROL,
    INK,
    LEARNED,
    MUTED,
    TEXT_SIZE,
    axes_or_new,
    draw_side_by_side,
    label_at,
    new_figure,
    tidy,
)
from stdpnet.devices import (
    LogisticCurve,
    Macrospin,
    SwitchingTable,
    angle_density,
    record_pulse,
    sample_angles,
)
from stdpnet.units import ms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Widest angle that is shown, in standard deviations of the distribution.
WIDEST = 4
#: Most magnets whose way through a pulse is shown.
N_WAYS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceNumbers:
    """What the figure of a device shows.

    Parameters
    ----------
    table : SwitchingTable
        Counts of switched magnets.
    curves : dict of float to LogisticCurve
        Fitted curve by pulse length, in nanoseconds, where there is one.
    voltage_v, pulse_ns : float
        The pulse whose way is shown: the shortest, at about half probability.
    times_ns : ndarray, shape (n_times,)
        Moments of the way.
    m_x : ndarray, shape (n_times, n)
        Component along the easy axis of a few magnets.
    angles : ndarray, shape (n_angles,)
        Angles at rest, in radians; see `sample_angles`.
    """

    table: SwitchingTable
    curves: dict[float, LogisticCurve]
    voltage_v: float
    pulse_ns: float
    times_ns: np.ndarray
    m_x: np.ndarray
    angles: np.ndarray


def sample_device(
    table: SwitchingTable, curves: dict[float, LogisticCurve]
) -> DeviceNumbers:
    """Simulate the few magnets that the figure shows beside a table.

    Parameters
    ----------
    table : SwitchingTable
        From `stdpnet.devices.tabulate`; its seed is used again.
    curves : dict of float to LogisticCurve
        Fitted curve by pulse length, in nanoseconds, where there is one.
    """
    way, rest = np.random.default_rng([table.seed, 1]).spawn(2)
    pulse_ns = float(table.pulses_ns[0])
    voltage_v = half_voltage(table)
    times_ns, m = record_pulse(
        table.magnet, voltage_v, pulse_ns * 1e-6 * ms, rng=way, n=N_WAYS
    )
    return DeviceNumbers(
        table=table,
        curves=curves,
        voltage_v=voltage_v,
        pulse_ns=pulse_ns,
        times_ns=times_ns,
        m_x=m[:, 0],
        angles=sample_angles(table.magnet, rng=rest),
    )


def half_voltage(table: SwitchingTable) -> float:
    """Return the voltage, in volt, of about half probability for the shortest pulse."""
    nearest = int(np.abs(table.probabilities[0] - 0.5).argmin())
    return float(table.voltages_v[nearest])


def draw_device(numbers: DeviceNumbers) -> Figure:
    """Draw probabilities, ways through a pulse and angles side by side in a new figure."""
    figure = new_figure(10.2, 3.1)
    draw_side_by_side(
        [
            lambda ax: plot_switching(numbers.table, numbers.curves, ax=ax),
            lambda ax: plot_ways(numbers, ax=ax),
            lambda ax: plot_angles(numbers.table.magnet, numbers.angles, ax=ax),
        ],
        figure,
    )
    figure.suptitle(_title(numbers.table), color=INK, size=10)
    return figure


def _title(table: SwitchingTable) -> str:
    return (
        f"Magneto-electric switch at {table.magnet.temperature}: "
        f"{table.n_samples:,} magnets a point, 95 % intervals, fits as lines"
    )


def plot_switching(
    table: SwitchingTable,
    curves: dict[float, LogisticCurve],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Show the switching probability against the voltage.

    Parameters
    ----------
    table : SwitchingTable
        From `stdpnet.devices.tabulate`.
    curves : dict of float to LogisticCurve
        Fitted curve by pulse length, in nanoseconds, where there is one.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with points, Wilson intervals and a curve for each pulse length.
        Not shown or saved.
    """
    ax = axes_or_new(ax)
    low, high = table.intervals()
    volts = np.linspace(table.voltages_v[0], table.voltages_v[-1], 300)
    rows = zip(table.pulses_ns, table.probabilities, low, high, strict=True)
    for colour, (pulse_ns, p, p_low, p_high) in zip(_shades(table), rows, strict=True):
        # The interval of a probability of zero begins a rounding error above it.
        reach = np.clip([p - p_low, p_high - p], 0, None)
        style: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 3}
        style |= {"elinewidth": 1, "color": colour, "label": f"{pulse_ns:g} ns"}
        ax.errorbar(table.voltages_v * 1e3, p, reach, **style)
        if pulse_ns in curves:
            curve = curves[float(pulse_ns)].probability(volts)
            ax.plot(volts * 1e3, curve, color=colour, linewidth=1.2)
    ax.set(xlabel="Voltage (mV)", ylabel="Probability of a switch", ylim=(-0.03, 1.03))
    ax.legend(
        title="Pulse",
        title_fontsize=TEXT_SIZE - 1,
        loc="best",
        frameon=False,
        fontsize=TEXT_SIZE - 1,
        labelcolor=INK,
        borderaxespad=0.2,
        handletextpad=0.2,
    )
    return tidy(ax)


def _shades(table: SwitchingTable) -> np.ndarray:
    """Return a colour for each pulse length, the longer the lighter."""
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0.1, 0.75, len(table.pulses_ns)))


def plot_ways(numbers: DeviceNumbers, *, ax: Axes | None = None) -> Axes:
    """Show how a few magnets go through a pulse.

    Parameters
    ----------
    numbers : DeviceNumbers
        From `sample_device`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with one line a magnet, and the time of the pulse shaded. Not
        shown or saved.
    """
    ax = axes_or_new(ax)
    ax.axvspan(0, numbers.pulse_ns, color=MUTED, alpha=0.15, linewidth=0)
    for way in numbers.m_x.T:
        colour = LEARNED if way[-1] > 0 else CONTROL
        ax.plot(numbers.times_ns, way, color=colour, linewidth=0.8, alpha=0.8)
    end = numbers.times_ns[-1]
    for y, text, colour in ((1, "switched", LEARNED), (-1, "not switched", CONTROL)):
        label_at(
            ax,
            end,
            y,
            text,
            colour=colour,
            offset=(0, 5 * y),
            ha="right",
            va="bottom" if y > 0 else "top",
        )
    label_at(
        ax,
        numbers.pulse_ns / 2,
        1,
        f"{numbers.voltage_v * 1e3:.3g} mV",
        offset=(0, 5),
        ha="center",
        va="bottom",
    )
    ax.set(xlabel="Time (ns)", ylabel="$m_x$, along the easy axis")
    ax.set(xlim=(0, end), ylim=(-1.28, 1.28), yticks=[-1, 0, 1])
    return tidy(ax)


def plot_angles(
    magnet: Macrospin, angles: np.ndarray, *, ax: Axes | None = None
) -> Axes:
    """Show how far the heat turns magnets at rest, beside the Boltzmann distribution.

    Parameters
    ----------
    magnet : Macrospin
        The device.
    angles : ndarray, shape (n,)
        Angles in radians, from `stdpnet.devices.sample_angles`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; default is a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a histogram and the distribution as a line. Not shown or saved.
    """
    ax = axes_or_new(ax)
    widest = min(np.pi / 2, WIDEST * float(np.sqrt(np.mean(angles**2))))
    line = np.linspace(-widest, widest, 300)
    edges = np.linspace(-widest, widest, 25)
    shares = np.histogram(angles, edges)[0] / (len(angles) * np.diff(edges))
    per_degree = np.pi / 180
    ax.stairs(
        shares * per_degree,
        np.rad2deg(edges),
        fill=True,
        color=LEARNED,
        alpha=0.35,
        label="simulated",
    )
    ax.plot(
        np.rad2deg(line),
        angle_density(magnet, line) * per_degree,
        color=INK,
        linewidth=1.2,
        label="Boltzmann",
    )
    ax.set(xlabel="Angle at rest (degrees)", ylabel="Probability per degree")
    ax.set_ylim(0, None)
    ax.legend(loc="upper right", frameon=False, fontsize=TEXT_SIZE - 1, labelcolor=INK)
    return tidy(ax)
