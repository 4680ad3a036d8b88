"""The figure of a device: what is drawn, and from which numbers."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from stdpnet.analysis.device_plots import (
    DeviceNumbers,
    draw_device,
    half_voltage,
    plot_angles,
    plot_switching,
    plot_ways,
    sample_device,
)
from stdpnet.analysis.drawing import CONTROL, LEARNED
from stdpnet.devices import Macrospin, angle_density, load_default_table


@pytest.fixture(scope="module")
def table():
    return load_default_table()


@pytest.fixture(scope="module")
def curves(table):
    return {ns: table.fit(f"{ns} ns") for ns in table.pulses_ns.tolist()}


@pytest.fixture
def numbers(table, curves) -> DeviceNumbers:
    """Two magnets, of which the second switches, and four angles."""
    return DeviceNumbers(
        table=table,
        curves=curves,
        voltage_v=0.4,
        pulse_ns=1.0,
        times_ns=np.array([0.0, 0.5, 1.0, 2.0]),
        m_x=np.array([[-1, -1], [-0.9, 0.1], [-1, 0.8], [-1, 1]]),
        angles=np.deg2rad([-10, -5, 5, 10]),
    )


# -- numbers ----------------------------------------------------------------------


def test_ways_are_shown_where_half_of_the_magnets_switch(table):
    assert half_voltage(table) == 0.4
    assert abs(table.probability(0.4, "1 ns") - 0.5) < 0.1


def test_what_is_shown_is_simulated_with_the_seed_of_the_table(table, curves):
    quick = replace(table, magnet=Macrospin(dt="0.5 ps"))
    one, two = (sample_device(quick, curves) for _ in range(2))
    other = sample_device(replace(quick, seed=1), curves)
    np.testing.assert_array_equal(one.m_x, two.m_x)
    np.testing.assert_array_equal(one.angles, two.angles)
    assert not np.array_equal(one.m_x, other.m_x)
    assert (one.pulse_ns, one.voltage_v) == (1.0, 0.4)
    assert one.times_ns[[0, -1]] == pytest.approx([0, 2])
    assert one.m_x.shape == (len(one.times_ns), 12)
    # At half probability a dozen magnets hardly ever do all the same.
    assert 0 < np.sum(one.m_x[-1] > 0) < 12


# -- plots ------------------------------------------------------------------------


def test_probabilities_have_points_intervals_and_curves(table, curves):
    ax = plot_switching(table, curves)
    low, high = table.intervals()
    assert len(ax.containers) == len(table.pulses_ns)
    for row, container in enumerate(ax.containers):
        points, _, (bars,) = container.lines
        np.testing.assert_allclose(points.get_xdata(), table.voltages_v * 1e3)
        np.testing.assert_allclose(points.get_ydata(), table.probabilities[row])
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, np.array([low[row], high[row]]).T, atol=1e-12)
    fits = [line for line in ax.lines if line.get_linestyle() == "-"]
    for line, curve in zip(fits, curves.values(), strict=True):
        at_half = np.interp(curve.v_half.value * 1e3, *line.get_data())
        assert at_half == pytest.approx(0.5, abs=1e-3)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["1 ns", "2 ns", "4 ns"]


def test_a_pulse_without_a_curve_has_points_only(table):
    ax = plot_switching(table, {})
    assert len(ax.containers) == 3
    assert [line for line in ax.lines if line.get_linestyle() == "-"] == []


def test_ways_are_coloured_by_where_they_end(numbers):
    ax = plot_ways(numbers)
    assert [line.get_color() for line in ax.lines] == [CONTROL, LEARNED]
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), numbers.m_x[:, 1])
    (pulse,) = ax.patches
    assert (pulse.get_x(), pulse.get_width()) == (0, 1)
    written = {text.get_text() for text in ax.texts}
    assert written == {"switched", "not switched", "400 mV"}
    assert ax.get_xlim() == (0, 2)


def test_angles_stand_beside_the_boltzmann_distribution(rng):
    magnet = Macrospin()
    angles = rng.normal(scale=0.12, size=500)
    ax = plot_angles(magnet, angles)
    (stairs,) = ax.patches
    shares, edges, _ = stairs.get_data()
    # Nearly all angles are within what is shown.
    assert np.sum(shares * np.diff(edges)) == pytest.approx(1, abs=0.01)
    (line,) = ax.lines
    degrees, density = line.get_data()
    expected = angle_density(magnet, np.deg2rad(degrees)) * np.pi / 180
    np.testing.assert_allclose(density, expected)
    assert np.trapezoid(density, degrees) == pytest.approx(1, abs=0.01)


def test_angles_of_a_tiny_magnet_fill_the_circle(rng):
    magnet = Macrospin(length="10 nm", width="10 nm", thickness="1 nm")
    ax = plot_angles(magnet, rng.uniform(-np.pi / 2, np.pi / 2, 500))
    assert ax.lines[0].get_xdata()[[0, -1]] == pytest.approx([-90, 90])


def test_the_figure_has_three_panels_and_says_what_they_are(numbers):
    figure = draw_device(numbers)
    assert [ax.get_xlabel() for ax in figure.axes] == [
        "Voltage (mV)",
        "Time (ns)",
        "Angle at rest (degrees)",
    ]
    title = figure.get_suptitle()
    assert "300 K" in title
    assert "300 magnets a point" in title
    assert to_rgba("white") == figure.get_facecolor()
