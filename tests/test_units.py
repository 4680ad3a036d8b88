"""Quantities: arithmetic, dimensions, and the texts that people write."""

import math

import numpy as np
import pytest

from stdpnet.units import (
    DIMENSIONLESS,
    UNITS,
    Hz,
    Quantity,
    amp,
    as_quantity,
    brian2_unit,
    dimension_name,
    format_quantity,
    ms,
    mV,
    second,
    volt,
)

#: Symbols, and the names that Brian2 gives them.
NAMES = {
    "s": "second",
    "Hz": "hertz",
    "V": "volt",
    "A": "amp",
    "ohm": "ohm",
    "S": "siemens",
    "F": "farad",
    "m": "metre",
    "K": "kelvin",
    "J": "joule",
    "A/m": "amp/metre",
}
POWERS = {
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "m": -3,
    "k": 3,
    "M": 6,
    "G": 9,
}


def test_arithmetic_follows_the_dimensions():
    assert 20 * ms == 0.02 * second
    assert (3 * volt) / (2 * amp) == 1.5 * UNITS["ohm"]
    assert 1 / (4 * ms) == 250 * Hz
    assert (2 * second) ** 2 == Quantity(4.0, (0, 0, 2, 0, 0, 0, 0))
    assert -(5 * mV) == as_quantity("-5 mV")
    assert float((30 * ms) / ms) == pytest.approx(30)


def test_numpy_numbers_multiply_to_one_quantity():
    product = np.float64(3) * ms
    assert isinstance(product, Quantity)
    assert product == 3 * ms


def test_equality_and_hash_look_at_value_and_dimension():
    assert 1 * second != 1 * volt
    assert 1 * second != 1
    assert 1 * second != "no quantity"
    assert Quantity(2.0) == 2
    assert len({1 * second, 1000 * ms, 1 * volt}) == 2


def test_only_plain_numbers_convert_to_float():
    assert float(Quantity(2.5)) == 2.5
    with pytest.raises(TypeError, match="20 ms has dimension 's'; divide it by a unit"):
        float(20 * ms)


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_every_unit_is_read_and_written(unit):
    quantity = as_quantity(f"3 {unit}")
    assert quantity.dimension == UNITS[unit].dimension
    assert quantity.value == pytest.approx(3 * UNITS[unit].value, rel=1e-15)
    assert as_quantity(format_quantity(quantity)) == quantity


def test_prefixes_are_powers_of_ten():
    expected = {
        f"{prefix}{symbol}": Quantity(float(f"1e{power}"), UNITS[symbol].dimension)
        for symbol in NAMES
        for prefix, power in POWERS.items()
    }
    named = {unit: UNITS[symbol] for symbol, unit in NAMES.items()}
    plain = {symbol: Quantity(1.0, UNITS[symbol].dimension) for symbol in NAMES}
    assert plain | expected | named == UNITS


@pytest.mark.parametrize(("prefix", "power"), POWERS.items())
def test_a_prefix_is_read_without_a_rounding_of_its_own(prefix, power):
    for number in range(200):
        quantity = as_quantity(f"{number} {prefix}V")
        assert quantity.value == float(f"{number}e{power}")


def test_any_value_survives_its_text(rng):
    values = rng.normal(size=500) * 10 ** rng.uniform(-18, 12, 500)
    for value in [*values, 0.1 + 0.2, 1 / 3, 0.0, -0.0]:
        for unit in ("s", "V", "A"):
            quantity = Quantity(value, UNITS[unit].dimension)
            assert as_quantity(str(quantity)) == quantity
        assert as_quantity(str(Quantity(value))) == Quantity(value)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (20 * ms, "20 ms"),
        (0.05 * second, "50 ms"),
        (-65 * mV, "-65 mV"),
        (as_quantity("3 nA"), "3 nA"),
        (Quantity(0.25), "0.25"),
        (0 * ms, "0 s"),
        (Quantity(2.0, (0, 0, 2, 0, 0, 0, 0)), "2 s^2"),
        (math.inf * second, "inf s"),
    ],
)
def test_texts_read_as_people_write_them(quantity, text):
    assert str(quantity) == text


@pytest.mark.parametrize("text", ["50 ms", "50ms", "  5e1 ms ", "0.05 s", ".05 second"])
def test_one_duration_may_be_written_in_many_ways(text):
    assert as_quantity(text).value == 0.05


@pytest.mark.parametrize("text", ["", "ms", "twenty ms", "20 ms 3", "20 m/", "nan s"])
def test_a_text_that_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match="a quantity is written like '20 ms', got"):
        as_quantity(text)


def test_an_unknown_unit_is_named():
    with pytest.raises(ValueError, match="unknown unit 'parsec' in '3 parsec'; known:"):
        as_quantity("3 parsec")


@pytest.mark.parametrize("value", [None, [1, 2], object()])
def test_a_value_of_another_type_is_refused(value):
    with pytest.raises(TypeError, match="a quantity must be a number or text, got"):
        as_quantity(value)


def test_dimensions_have_names():
    assert dimension_name(volt.dimension) == "V"
    assert dimension_name(DIMENSIONLESS) == "1"
    assert dimension_name((volt / second).dimension) == "m^2 kg s^-4 A^-1"


def test_brian2_understands_every_dimension_and_its_quantities_are_accepted():
    brian2 = pytest.importorskip("brian2")
    for symbol, name in NAMES.items():
        assert as_quantity(1.0 * eval(name, vars(brian2))) == UNITS[symbol]
        assert brian2_unit(UNITS[symbol].dimension) == name
    assert as_quantity(20 * brian2.ms) == 20 * ms
    assert as_quantity(brian2.Quantity(0.5)) == 0.5
    assert as_quantity(3 * brian2.volt / brian2.second) == 3 * volt / second
    compound = (volt / second).dimension
    assert as_quantity(eval(brian2_unit(compound), vars(brian2))).dimension == compound


@pytest.mark.parametrize("unit", ["ms", "us", "mV", "nS", "pF", "fJ", "V"])
def test_a_number_times_a_unit_is_the_text_of_both(unit):
    for number in np.round(np.random.default_rng(0).uniform(-99, 99, 500), 2):
        made = float(number) * UNITS[unit]
        assert made == as_quantity(f"{number} {unit}")
        assert made == UNITS[unit] * float(number)
    assert str(-72 * UNITS["mV"]) == "-72 mV"


def test_what_equals_a_number_has_its_hash():
    assert {as_quantity(2.0): "two"}[2.0] == "two"
