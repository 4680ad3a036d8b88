"""Switching by pulses: how the probability goes with voltage, time and heat."""

from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from stdpnet.devices import Macrospin, SwitchingTable, load_default_table, tabulate

CONFIDENCE = 0.999
#: A coarse and quick magnet: the physics of the default one at a longer time step.
QUICK = Macrospin(dt="0.5 ps")


@pytest.fixture(scope="module")
def heated() -> dict[int, SwitchingTable]:
    """Tables of one magnet at two temperatures, in kelvin."""
    return {
        kelvin: tabulate(
            replace(QUICK, temperature=f"{kelvin} K"),
            voltages_v=np.linspace(0.22, 0.58, 9),
            pulses=["1 ns", "2 ns"],
            n_samples=60,
        )
        for kelvin in (100, 500)
    }


@pytest.mark.parametrize("kelvin", [100, 500])
def test_probability_rises_with_the_voltage_from_never_to_always(heated, kelvin):
    table = heated[kelvin]
    assert table.probabilities[:, 0].max() < 0.1
    assert table.probabilities[:, -1].min() > 0.95
    low, high = table.intervals(CONFIDENCE)
    # No later entry is below an earlier one by more than chance.
    assert np.all(high >= np.maximum.accumulate(low, axis=1))


def test_probability_rises_with_the_length_of_the_pulse(heated):
    short, long = heated[500].counts
    assert np.all(long >= short - 2)
    assert long.sum() > 1.1 * short.sum()


@pytest.mark.parametrize("pulse", ["1 ns", "2 ns"])
def test_heat_widens_the_curve_and_lowers_the_voltage(heated, pulse):
    cold, warm = (heated[kelvin].fit(pulse) for kelvin in (100, 500))
    assert warm.v_width.value > 1.5 * cold.v_width.value
    assert warm.v_half.value < 0.9 * cold.v_half.value
    assert max(cold.residual, warm.residual) < 0.06


def test_without_heat_the_threshold_is_sharp():
    magnet = replace(QUICK, temperature="0 K", tilt=20, damping=0.5)
    critical = magnet.critical_voltage.value
    table = tabulate(
        magnet, voltages_v=critical * np.array([0.9, 1.2]), pulses=["2 ns"], n_samples=3
    )
    assert table.counts.tolist() == [[0, 3]]


def test_a_pulse_that_ends_in_the_swing_leaves_the_fate_open():
    table = tabulate(QUICK, voltages_v=[0.9], pulses=["0.5 ns", "2 ns"], n_samples=100)
    low, high = table.intervals(CONFIDENCE)
    # All magnets are across when the short pulse ends, but some swing back.
    assert 0.4 < low[0, 0] < high[0, 0] < 0.95
    assert table.counts[1, 0] == 100


def test_a_magnet_without_barrier_and_voltage_ends_on_either_side():
    # A coin: so small that it forgets where it started.
    magnet = Macrospin(
        length="24 nm",
        width="20 nm",
        thickness="0.5 nm",
        demagnetization=0,
        damping=0.5,
        dt="2 ps",
    )
    table = tabulate(magnet, voltages_v=[0.0], pulses=["1 ns"], n_samples=400)
    low, high = table.intervals(CONFIDENCE)
    assert low[0, 0] < 0.5 < high[0, 0]


# -- the work -----------------------------------------------------------------


def test_same_seed_same_counts():
    def count(seed: int) -> list[list[int]]:
        return tabulate(
            QUICK, voltages_v=[0.4], pulses=["0.2 ns"], n_samples=50, seed=seed
        ).counts.tolist()

    assert count(1) == count(1)
    assert count(1) != count(2)


def test_progress_goes_from_the_first_part_to_the_last(monkeypatch):
    monkeypatch.setattr("stdpnet.devices.switching.N_AT_ONCE", 50)
    told = []
    tabulate(
        QUICK,
        voltages_v=[0.1, 0.2, 0.3],
        pulses=["0.15 ns", "0.3 ns"],
        n_samples=30,
        progress=lambda done, total: told.append((done, total)),
    )
    # Two blocks of voltages; each pulse adds two stops, a tenth of a nanosecond apart.
    assert told == [(done, 8) for done in range(1, 9)]


def test_an_interrupt_passes_and_leaves_nothing_behind():
    def run(progress=None):
        return tabulate(
            QUICK, voltages_v=[0.4], pulses=["0.2 ns"], n_samples=20, progress=progress
        )

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    before = run()
    with pytest.raises(KeyboardInterrupt):
        run(interrupt)
    assert run().counts.tolist() == before.counts.tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"voltages_v": []},
            r"voltages_v must be one or more rising numbers, got \[\]",
        ),
        ({"voltages_v": [0.2, 0.2]}, r"voltages_v must be .* got \[0.2, 0.2\]"),
        ({"voltages_v": 0.2}, "voltages_v must be .* got 0.2"),
        ({"pulses": ["2 ns", "1 ns"]}, "pulses must be one or more rising numbers"),
        ({"pulses": ["1 V"]}, "a duration must be a time like 1 ns, got 1 V"),
        ({"n_samples": 0}, "n_samples must be an integer from 1 up, got 0"),
        ({"n_samples": 2.5}, "n_samples must be an integer from 1 up, got 2.5"),
    ],
)
def test_what_cannot_be_tabulated_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tabulate(Macrospin(), **options)


# -- the table that comes with the package ------------------------------------


def test_default_table_is_small_and_made_of_the_defaults():
    file = resources.files("stdpnet.devices") / "magnetoelectric.json"
    assert len(file.read_bytes()) < 10_000
    table = load_default_table()
    assert table.magnet == Macrospin()
    np.testing.assert_allclose(table.voltages_v, np.linspace(0.225, 0.575, 15))
    assert table.pulses_ns.tolist() == [1, 2, 4]
    assert (table.n_samples, table.seed) == (300, 0)


def test_default_table_goes_from_never_to_always():
    table = load_default_table()
    assert table.probabilities[:, 0].max() < 0.01
    assert table.probabilities[:, -1].min() > 0.99
    for pulse in ("1 ns", "2 ns", "4 ns"):
        assert table.fit(pulse).residual < 0.03


def test_points_of_the_default_table_are_found_again():
    table = load_default_table()
    columns = [5, 7, 9]
    again = tabulate(
        table.magnet,
        voltages_v=table.voltages_v[columns],
        pulses=["1 ns"],
        n_samples=60,
        seed=1,
    )
    low, high = (bound[:1, columns] for bound in table.intervals(CONFIDENCE))
    new_low, new_high = again.intervals(CONFIDENCE)
    assert np.all((new_low <= high) & (low <= new_high))
    assert 0.05 < again.probabilities.mean() < 0.95
