"""One magnet in motion, against what mechanics and thermodynamics say of it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import elliprd

from stdpnet.devices import Macrospin, advance, simulate
from stdpnet.units import UNITS, Quantity, ms, mV

#: Without heat. The field of a volt is then 36 kA/m, along the easy axis.
COLD = Macrospin(temperature="0 K")
#: Without fields of its own either.
FREE = replace(
    COLD, anisotropy_field=Quantity(0.0, (-1, 0, 0, 1, 0, 0, 0)), demagnetization=0
)
GAMMA_0 = 2.21276e5


def random_directions(n: int, rng: np.random.Generator) -> np.ndarray:
    m = rng.standard_normal((3, n))
    return m / np.linalg.norm(m, axis=0)


def trace(magnet, m, rng, **options) -> np.ndarray:
    """Directions over time, shape (n_times, 3, n), the start first."""
    return np.array([m, *advance(magnet, m, rng=rng, **options)])


def precess(m: np.ndarray, angle: float, fall: float) -> np.ndarray:
    """Turn about x by `angle` and fall towards it: the solution in a constant field."""
    x = np.tanh(np.arctanh(m[0]) + fall)
    phase = np.arctan2(m[2], m[1]) + angle
    across = np.sqrt(1 - x**2)
    return np.array([x, across * np.cos(phase), across * np.sin(phase)])


def exact(magnet: Macrospin, m: np.ndarray, seconds: float, volts: float) -> np.ndarray:
    field = volts * magnet.coupling.value / magnet.oxide_thickness.value
    angle = GAMMA_0 * field * seconds / (1 + magnet.damping**2)
    return precess(m, angle, magnet.damping * angle)


@pytest.mark.parametrize("damping", [0.0, 0.02, 1.0])
def test_precession_and_fall_in_a_constant_field(damping, rng):
    magnet = replace(FREE, damping=damping)
    m = random_directions(20, rng)
    reached = simulate(magnet, m, duration="0.25 ns", rng=rng, voltage_v=0.5)
    np.testing.assert_allclose(reached, exact(magnet, m, 0.25e-9, 0.5), atol=1e-6)


def test_the_error_falls_with_the_square_of_the_time_step(rng):
    m = random_directions(20, rng)
    errors = []
    for dt in ("8 ps", "4 ps", "2 ps"):
        magnet = replace(FREE, damping=0.3, dt=dt)
        reached = simulate(magnet, m, duration="0.48 ns", rng=rng, voltage_v=0.5)
        errors.append(np.abs(reached - exact(magnet, m, 0.48e-9, 0.5)).max())
    assert np.divide(errors[:-1], errors[1:]) == pytest.approx(4, rel=0.1)


def test_small_swings_have_the_frequency_and_the_decay_of_the_linear_equation(rng):
    easy, out = 18e3, 18e3 + 0.91e6
    # Near m = (-1, y, z) Gilbert's equation reads A (y', z') = B (y, z).
    a = np.array([[1, -0.02], [0.02, 1]])
    b = GAMMA_0 * np.array([[0, out], [-easy, 0]])
    start = np.array([2e-4, 0.0])
    m = np.array([[-1.0], start[:1], start[1:]])
    path = trace(COLD, m, rng, duration="0.25 ns", every="10 ps")[:, 1:, 0]
    expected = [
        expm(np.linalg.solve(a, b) * 1e-11 * k) @ start for k in range(len(path))
    ]
    np.testing.assert_allclose(path, expected, atol=2e-4 * 2e-3)


def test_length_is_conserved_over_a_nanosecond_without_help(rng):
    m = np.repeat([[-1.0], [0.0], [0.0]], 100, axis=1)
    volts = np.linspace(0, 0.6, 100)
    reached = simulate(
        Macrospin(), m, duration="1 ns", rng=rng, voltage_v=volts, renormalize=False
    )
    assert np.abs(np.linalg.norm(reached, axis=0) - 1).max() < 1e-6


def test_length_is_held_when_asked(rng):
    m = random_directions(20, rng)
    reached = simulate(Macrospin(), m, duration="0.1 ns", rng=rng)
    np.testing.assert_allclose(np.linalg.norm(reached, axis=0), 1, atol=1e-12)


@pytest.mark.parametrize("volts", [0.0, 0.2])
@pytest.mark.parametrize("tilt", [0, 30])
def test_energy_does_not_rise_without_heat(volts, tilt, rng):
    magnet = replace(COLD, tilt=tilt)
    path = trace(
        magnet,
        random_directions(50, rng),
        rng,
        duration="0.15 ns",
        every="1 ps",
        voltage_v=volts,
    )
    energies = np.array([magnet.energy(m, volts) for m in path])
    assert np.diff(energies, axis=0).max() <= 1e-12 * magnet.barrier.value
    assert np.all(energies[-1] < energies[0])


def test_energy_stays_without_heat_and_without_friction(rng):
    magnet = replace(COLD, damping=0)
    m = random_directions(50, rng)
    reached = simulate(magnet, m, duration="0.1 ns", rng=rng)
    change = np.abs(magnet.energy(reached) - magnet.energy(m))
    assert change.max() < 1e-3 * magnet.barrier.value


def test_field_is_the_slope_of_the_energy(rng):
    magnet = replace(COLD, tilt=40)
    m, volts = random_directions(10, rng), rng.uniform(-1, 1, 10)
    field = magnet.stiffness * m + magnet.drive(volts)
    step = 1e-5
    for axis in range(3):
        shift = step * np.eye(3)[:, [axis]]
        slope = magnet.energy(m + shift, volts) - magnet.energy(m - shift, volts)
        slope = slope / (2 * step)
        np.testing.assert_allclose(
            -slope, magnet.energy_per_field * field[axis], rtol=1e-6
        )


@pytest.mark.parametrize("tilt", [10, 45, 80])
def test_slow_fields_switch_where_stoner_and_wohlfarth_say(tilt, rng):
    magnet = replace(COLD, tilt=tilt, demagnetization=0, damping=1, dt="10 ps")
    angle = np.deg2rad(tilt)
    relative = (np.cos(angle) ** (2 / 3) + np.sin(angle) ** (2 / 3)) ** -1.5
    critical = relative * 18e3 * 5e-9 / 180e-6
    assert magnet.critical_voltage.value == pytest.approx(critical)
    volts = critical * np.array([0.98, 0.99, 1.01, 1.02])
    m = np.repeat([[-1.0], [0.0], [0.0]], 4, axis=1)
    for part in (0.4, 0.7, 0.9, 0.96):
        m = simulate(magnet, m, duration="2 ns", rng=rng, voltage_v=part * volts)
    m = simulate(magnet, m, duration="25 ns", rng=rng, voltage_v=volts)
    m = simulate(magnet, m, duration="5 ns", rng=rng)
    assert (m[0] > 0).tolist() == [False, False, True, True]


def test_default_fields_are_those_of_the_shape():
    magnet = Macrospin()
    a, b, c = (x.value / 2 for x in (magnet.length, magnet.width, magnet.thickness))
    # Demagnetizing factors of an ellipsoid (Osborn 1945).
    along, across, out = (
        a * b * c / 3 * elliprd(y * y, z * z, x * x)
        for x, y, z in ((a, b, c), (b, c, a), (c, a, b))
    )
    assert magnet.demagnetization == pytest.approx(out - across, rel=0.01)
    own = (across - along) * magnet.saturation_magnetization.value
    assert magnet.anisotropy_field.value == pytest.approx(own, rel=0.03)


def test_default_barrier_and_voltage_are_the_documented_ones():
    magnet = Macrospin()
    assert magnet.barrier.value / (1.380649e-23 * 300) == pytest.approx(32.2, abs=0.1)
    assert magnet.critical_voltage == Quantity(0.5, mV.dimension)
    assert 4e-7 * np.pi * magnet.coupling.value == pytest.approx(0.23e-9, rel=0.02)


def test_each_magnet_sees_its_own_voltage(rng):
    m = random_directions(3, rng)
    volts = np.array([-0.3, 0.0, 0.4])
    together = simulate(COLD, m, duration="30 ps", rng=rng, voltage_v=volts)
    for index, volt in enumerate(volts):
        alone = m[:, [index]]
        alone = simulate(COLD, alone, duration="30 ps", rng=rng, voltage_v=volt)
        np.testing.assert_array_equal(together[:, [index]], alone)


def test_stops_do_not_change_the_way(rng):
    m = random_directions(3, rng)
    path = trace(
        Macrospin(), m, np.random.default_rng(1), duration="10 ps", every="4 ps"
    )
    assert len(path) == 4
    direct = simulate(Macrospin(), m, duration="10 ps", rng=np.random.default_rng(1))
    np.testing.assert_array_equal(path[-1], direct)
    np.testing.assert_array_equal(path[0], m)


# -- errors -------------------------------------------------------------------

ONE = np.array([[-1.0], [0.0], [0.0]])


@pytest.mark.parametrize(
    ("m", "options", "message"),
    [
        (
            np.ones(3),
            {},
            r"magnets must be an array of shape \(3, n\).*got shape \(3,\)",
        ),
        (2 * ONE, {}, "magnets must have length one, got lengths of 2 to 2; divide"),
        (np.nan * ONE, {}, "magnets must have length one, got lengths of nan to nan"),
        (ONE, {"voltage_v": [0.1, 0.2]}, "one for each of 1 magnets, got 2"),
        (ONE, {"duration": 3 * mV}, "a duration must be a time like 1 ns, got 3 mV"),
        (ONE, {"duration": "1 fs"}, "at least one time step, 100 fs, got 1 fs; give"),
    ],
)
def test_what_cannot_be_simulated_is_refused(m, options, message, rng):
    with pytest.raises(ValueError, match=message):
        simulate(Macrospin(), m, rng=rng, **{"duration": "1 ps", **options})


def test_a_time_step_that_is_too_long_is_refused(rng):
    message = (
        "Macrospin.dt must keep the turn of a step within 0.3 radians, got 2.*with 10 ps; "
        "give a dt of 7e-13 s or less"
    )
    with pytest.raises(ValueError, match=message):
        simulate(Macrospin(dt="10 ps"), ONE, duration="1 ns", rng=rng)
    simulate(Macrospin(dt="0.7 ps"), ONE, duration="1 ps", rng=rng)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        (
            "length",
            10 * ms,
            "must have dimension 'm' like its default 100 nm, got 10 ms",
        ),
        ("thickness", "0 nm", "must be > 0, got 0 m"),
        ("temperature", "-1 K", "must be >= 0, got -1 K"),
        ("coupling", 0 * UNITS["S"], "must be > 0, got 0 S"),
        ("damping", -0.1, "must be >= 0, got -0.1"),
        ("demagnetization", 1.5, "must be <= 1, got 1.5"),
        ("tilt", 91, "must be <= 90, got 91"),
        ("saturation_magnetization", 1e6, "must have dimension .* like its default"),
    ],
)
def test_wrong_parameters_are_refused(name, value, rule):
    with pytest.raises(ValueError, match=f"Macrospin.{name} {rule}"):
        Macrospin(**{name: value})
