"""Switching tables: intervals, curves, interpolation and files."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from stdpnet.devices import (
    LogisticCurve,
    Macrospin,
    SwitchingTable,
    fit_logistic,
    wilson_interval,
)
from stdpnet.units import ms, mV, volt

VOLTS = np.linspace(0.1, 0.5, 9)


def logistic(volts: np.ndarray, half: float, width: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(volts - half) / width))


@pytest.fixture
def table() -> SwitchingTable:
    return SwitchingTable(
        magnet=Macrospin(damping=0.03, tilt=5, temperature="310 K"),
        voltages_v=[0.2, 0.3, 0.5],
        pulses_ns=[1, 4],
        counts=[[0, 2, 8], [0, 6, 10]],
        n_samples=10,
        seed=7,
    )


# -- intervals ----------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.9, 0.999])
def test_intervals_are_those_of_scipy(confidence):
    counts = np.array([[0, 1], [20, 40]])
    low, high = wilson_interval(counts, 40, confidence=confidence)
    for index, count in np.ndenumerate(counts):
        expected = stats.binomtest(count, 40).proportion_ci(confidence, method="wilson")
        assert (low[index], high[index]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_an_impossible_confidence_is_refused(confidence):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {confidence}"):
        wilson_interval([1], 2, confidence=confidence)


def test_a_table_knows_its_intervals(table):
    low, high = table.intervals(0.99)
    assert low.shape == high.shape == (2, 3)
    assert np.all((low <= table.probabilities) & (table.probabilities <= high))


# -- the curve ----------------------------------------------------------------


def test_exact_probabilities_give_their_curve_back():
    curve = fit_logistic(VOLTS, logistic(VOLTS, 0.31, 0.04))
    assert curve.v_half.value == pytest.approx(0.31, rel=1e-6)
    assert curve.v_width.value == pytest.approx(0.04, rel=1e-6)
    assert curve.residual < 1e-6
    np.testing.assert_allclose(
        curve.probability(VOLTS), logistic(VOLTS, 0.31, 0.04), atol=1e-6
    )


def test_counted_probabilities_give_the_most_likely_curve(rng):
    counts = rng.binomial(200, logistic(VOLTS, 0.3, 0.03))
    curve = fit_logistic(VOLTS, counts / 200)

    def likelihood(half: float, width: float) -> float:
        return stats.binom.logpmf(counts, 200, logistic(VOLTS, half, width)).sum()

    best = likelihood(curve.v_half.value, curve.v_width.value)
    for half, width in rng.normal([0.3, 0.03], [0.01, 0.005], size=(200, 2)):
        assert likelihood(half, width) <= best
    off = logistic(VOLTS, curve.v_half.value, curve.v_width.value) - counts / 200
    assert curve.residual == pytest.approx(np.sqrt(np.mean(off**2)))


def test_the_curve_is_a_half_at_v_half_and_keeps_shapes():
    curve = LogisticCurve(v_half=0.3 * volt, v_width=20 * mV)
    assert float(curve.probability(0.3)) == 0.5
    assert curve.probability(np.full((2, 3), 0.32)) == pytest.approx(1 / (1 + np.e**-1))


@pytest.mark.parametrize(
    "p", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1], [0, 0.4, 1, 1]]
)
def test_a_jump_is_no_curve(p):
    between = sum(0 < x < 1 for x in p)
    message = (
        f"at least 2 voltages .* between 0 and 1, got {between}; tabulate voltages"
    )
    with pytest.raises(ValueError, match=message):
        fit_logistic([0.1, 0.2, 0.3, 0.4], p)


def test_falling_probabilities_are_no_curve():
    message = r"probabilities that rise with the voltage, got \[0.9, 0.6, 0.2\]"
    with pytest.raises(ValueError, match=message):
        fit_logistic([0.1, 0.2, 0.3], [0.9, 0.6, 0.2])


# -- interpolation ------------------------------------------------------------


def test_probabilities_of_the_table_are_found(table):
    for pulse, row in zip(("1 ns", "4 ns"), table.probabilities, strict=True):
        np.testing.assert_allclose(table.probability([0.2, 0.3, 0.5], pulse), row)


def test_between_the_entries_it_is_linear_in_voltage_and_log_time(table):
    assert float(table.probability(0.4, "1 ns")) == pytest.approx(0.5)
    assert float(table.probability(0.3, "2 ns")) == pytest.approx(0.4)
    assert float(table.probability(0.4, "2 ns")) == pytest.approx((0.5 + 0.8) / 2)
    assert table.probability(np.full((2, 3), 0.3), "2 ns").shape == (2, 3)


def test_beyond_the_voltages_the_nearest_holds(table):
    assert table.probability([-1, 0.1, 0.6, 9], "1 ns").tolist() == [0, 0, 0.8, 0.8]


@pytest.mark.parametrize("pulse", ["0.9 ns", "4.1 ns", 3 * mV, "0 ns", 2 * ms])
def test_a_pulse_beyond_the_table_is_refused(table, pulse):
    message = "a pulse must be within the table, 1 ns to 4 ns, got .*; tabulate others"
    with pytest.raises(ValueError, match=message):
        table.probability(0.3, pulse)


def test_a_table_fits_each_pulse():
    counts = np.round(1000 * logistic(VOLTS, 0.3, 0.05)).astype(int)
    table = SwitchingTable(
        magnet=Macrospin(),
        voltages_v=VOLTS,
        pulses_ns=[1, 2],
        counts=[counts, counts[::-1][::-1]],
        n_samples=1000,
        seed=0,
    )
    for pulse in ("1 ns", "1.5 ns", "2 ns"):
        assert table.fit(pulse).v_half.value == pytest.approx(0.3, abs=1e-3)


# -- what fits together -------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": [[0, 2, 8]]}, r"one row a pulse .*, \(2, 3\), got \(1, 3\)"),
        ({"counts": [[0, 2, 11]] * 2}, "counts must be between 0 and 10, got 0 to 11"),
        ({"counts": [[-1, 2, 3]] * 2}, "counts must be between 0 and 10, got -1 to 3"),
        ({"n_samples": 0}, "n_samples must be at least 1, got 0"),
        ({"voltages_v": [0.3, 0.2, 0.5]}, r"voltages_v must be .* rising numbers, got"),
        (
            {"voltages_v": [0.3, np.nan, 0.5]},
            "voltages_v must be .* rising numbers, got",
        ),
        (
            {"voltages_v": [np.inf]},
            r"voltages_v must be .* rising numbers, got \[inf\]",
        ),
        ({"pulses_ns": [0, 1]}, "pulses_ns must be > 0, got 0"),
        ({"pulses_ns": []}, r"pulses_ns must be one or more rising numbers, got \[\]"),
    ],
)
def test_what_does_not_fit_is_refused(table, change, message):
    with pytest.raises(ValueError, match=message):
        replace(table, **change)


def test_arrays_cannot_be_changed(table):
    with pytest.raises(ValueError, match="read-only"):
        table.counts[0, 0] = 1


# -- files --------------------------------------------------------------------


def test_a_saved_table_is_the_same(table, tmp_path):
    table.save(tmp_path / "table.json")
    loaded = SwitchingTable.load(tmp_path / "table.json")
    assert loaded.magnet == table.magnet
    assert (loaded.n_samples, loaded.seed) == (10, 7)
    for name in ("voltages_v", "pulses_ns", "counts"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(table, name))
    assert "tabulate" in json.loads((tmp_path / "table.json").read_text())["about"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file: .*x.json; Switching"):
        SwitchingTable.load(tmp_path / "x.json")


def test_a_newer_file_is_refused(tmp_path):
    (tmp_path / "x.json").write_text('{"format": 2, "what": "ever"}')
    with pytest.raises(ValueError, match=r"has format 2, .* reads up to 1; upgrade"):
        SwitchingTable.load(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda c: c.pop("counts"), "it has no 'counts'"),
        (lambda c: c.pop("format"), "it has no 'format'"),
        (lambda c: c["device"].update(mass=1), "unknown Macrospin parameter 'mass'"),
        (lambda c: c["device"].update(damping=-1), "Macrospin.damping must be >= 0"),
        (lambda c: c["device"].update(length="long"), "must be real number, not str"),
        (lambda c: c.update(device=3), "not"),
        (lambda c: c.update(counts=[[1], [1, 2]]), "inhomogeneous"),
        (lambda c: c.update(counts=[[1], [1]]), "one row a pulse"),
        (lambda c: c.update(n_samples="many"), "not supported"),
    ],
)
def test_a_damaged_file_is_refused(table, damage, reason, tmp_path):
    path = tmp_path / "x.json"
    table.save(path)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    message = (
        f"x.json is not a switching table: .*{reason}.*; make it again with tabulate"
    )
    with pytest.raises(ValueError, match=message):
        SwitchingTable.load(path)


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff\xfe", b"{"])
def test_what_is_no_table_is_refused(content, tmp_path):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"x.json is not a switching table: "):
        SwitchingTable.load(tmp_path / "x.json")
