"""Quantities at the edges: a value, its dimension, and how people write both.

Inside the simulator Brian2 checks the units of every equation. Everything
around it (specs, parameters, files) uses the small `Quantity` defined here,
so that reading a spec or a run folder never imports Brian2. Brian2's own
quantities are accepted wherever a `Quantity` is.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Exponents of (metre, kilogram, second, ampere, kelvin, mole, candela).
Dimension = tuple[float, ...]

DIMENSIONLESS: Dimension = (0, 0, 0, 0, 0, 0, 0)

_BASE_NAMES = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
_BASE_SYMBOLS = ("m", "kg", "s", "A", "K", "mol", "cd")


@dataclass(frozen=True, eq=False)
class Quantity:
    """A number with a physical dimension, in SI units.

    Parameters
    ----------
    value : float
        Value in SI base units: 0.02 for 20 ms.
    dimension : tuple of 7 float
        Exponents of metre, kilogram, second, ampere, kelvin, mole, candela.

    Examples
    --------
    >>> 20 * ms
    20 ms
    >>> as_quantity("20 ms") == 0.02 * second
    True
    """

    value: float
    dimension: Dimension = DIMENSIONLESS

    # Lets `numpy_float * ms` reach `__rmul__` instead of making an array.
    __array_ufunc__ = None

    def __mul__(self, other: Any) -> "Quantity":
        other = as_quantity(other)
        return Quantity(
            _product(self.value, other.value),
            tuple(a + b for a, b in zip(self.dimension, other.dimension, strict=True)),
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Quantity":
        return self * as_quantity(other) ** -1

    def __rtruediv__(self, other: Any) -> "Quantity":
        return as_quantity(other) * self**-1

    def __pow__(self, power: float) -> "Quantity":
        return Quantity(
            float(self.value) ** power, tuple(d * power for d in self.dimension)
        )

    def __neg__(self) -> "Quantity":
        return Quantity(-self.value, self.dimension)

    def __float__(self) -> float:
        if self.dimension != DIMENSIONLESS:
            raise TypeError(
                f"{self} has dimension {dimension_name(self.dimension)!r}; divide it "
                "by a unit to get a number"
            )
        return float(self.value)

    def __eq__(self, other: object) -> bool:
        try:
            other = as_quantity(other)
        except (TypeError, ValueError):
            return NotImplemented
        return self.dimension == other.dimension and self.value == other.value

    def __hash__(self) -> int:
        if self.dimension == DIMENSIONLESS:
            return hash(self.value)  # as the number that it equals
        return hash((self.value, self.dimension))

    def __str__(self) -> str:
        return format_quantity(self)

    __repr__ = __str__

    def __deepcopy__(self, memo: object) -> "Quantity":
        return self


#: 72 / 1000 is the number nearest to 0.072, 72 * 1e-3 is its neighbour.
_DIVISORS = {1e-3: 1e3, 1e-6: 1e6, 1e-9: 1e9, 1e-12: 1e12, 1e-15: 1e15}


def _product(a: float, b: float) -> float:
    if b in _DIVISORS:
        return a / _DIVISORS[b]
    return b / _DIVISORS[a] if a in _DIVISORS else a * b


def _dimension(**exponents: float) -> Dimension:
    return tuple(exponents.get(symbol, 0) for symbol in _BASE_SYMBOLS)


_DIMENSIONS: Mapping[str, Dimension] = {
    "s": _dimension(s=1),
    "Hz": _dimension(s=-1),
    "V": _dimension(m=2, kg=1, s=-3, A=-1),
    "A": _dimension(A=1),
    "ohm": _dimension(m=2, kg=1, s=-3, A=-2),
    "S": _dimension(m=-2, kg=-1, s=3, A=2),
    "F": _dimension(m=-2, kg=-1, s=4, A=2),
    "m": _dimension(m=1),
    "K": _dimension(K=1),
    "J": _dimension(m=2, kg=1, s=-2),
    "A/m": _dimension(m=-1, A=1),
}
#: Names that Brian2's equations use for the symbols above.
_BRIAN2_NAMES = {
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
_PREFIXES = {
    "": 1.0,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}

#: Every unit that can be written in a spec: "ms", "mV", "second", "Mohm", ...
UNITS: dict[str, Quantity] = {
    prefix + symbol: Quantity(factor, _DIMENSIONS[symbol])
    for symbol in _DIMENSIONS
    for prefix, factor in _PREFIXES.items()
}
UNITS.update({_BRIAN2_NAMES[symbol]: UNITS[symbol] for symbol in _DIMENSIONS})

second, ms, us = UNITS["s"], UNITS["ms"], UNITS["us"]
volt, mV = UNITS["V"], UNITS["mV"]
amp, nA, pA = UNITS["A"], UNITS["nA"], UNITS["pA"]
Hz, kHz = UNITS["Hz"], UNITS["kHz"]

#: What a parameter may be given as: a `Quantity`, a number, "20 ms", or a
#: scalar quantity of Brian2.
QuantityLike = Any

_WRITTEN = re.compile(
    r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z]*(?:/[A-Za-z]+)?)\s*"
)


def as_quantity(value: QuantityLike) -> Quantity:
    """Turn a number, a text such as ``"20 ms"`` or a Brian2 quantity into a `Quantity`.

    Raises
    ------
    ValueError
        If the text is not "number unit", or the unit is not known.
    TypeError
        If the value is none of the above.
    """
    if isinstance(value, Quantity):
        return value
    if isinstance(value, str):
        return _parse(value)
    if hasattr(value, "dim") and hasattr(value.dim, "_dims"):
        return Quantity(float(value.base), tuple(float(d) for d in value.dim._dims))
    try:
        return Quantity(float(value))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"a quantity must be a number or text, got {value!r}"
        ) from error


def _parse(text: str) -> Quantity:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"a quantity is written like '20 ms', got {text!r}")
    number, unit = match.groups()
    if not unit:
        return Quantity(float(number))
    if unit not in UNITS:
        raise ValueError(
            f"unknown unit {unit!r} in {text!r}; known: ms, s, mV, Hz, ..."
        )
    return float(number) * UNITS[unit]


def format_quantity(quantity: Quantity) -> str:
    """Write a quantity so that `as_quantity` reads the same value back.

    A dimension without a symbol of its own is written in base units, to be
    read by people only.
    """
    value, symbol = float(quantity.value), _symbol(quantity.dimension)
    if symbol is None:
        return f"{value:.15g} {dimension_name(quantity.dimension)}"
    prefix = _best_prefix(value) if symbol else ""
    for digits in (15, 17):
        text = f"{value / _PREFIXES[prefix]:.{digits}g} {prefix}{symbol}".strip()
        if not math.isfinite(value) or _parse(text).value == value:
            return text
    return f"{value!r} {symbol}".strip()


def _best_prefix(value: float) -> str:
    if value == 0 or not math.isfinite(value):
        return ""
    fitting = [p for p, factor in _PREFIXES.items() if factor <= abs(value) * 1.0000001]
    return max(fitting, key=lambda p: _PREFIXES[p], default="f")


def _symbol(dimension: Dimension) -> str | None:
    if tuple(dimension) == DIMENSIONLESS:
        return ""
    for symbol, known in _DIMENSIONS.items():
        if tuple(dimension) == known:
            return symbol
    return None


def dimension_name(dimension: Dimension) -> str:
    """Name a dimension in base units: ``'s'``, ``'m^2 kg s^-3 A^-1'``, ``'1'``."""
    symbol = _symbol(dimension)
    if symbol:
        return symbol
    parts = [
        name if power == 1 else f"{name}^{power:g}"
        for name, power in zip(_BASE_SYMBOLS, dimension, strict=True)
        if power
    ]
    return " ".join(parts) or "1"


def brian2_unit(dimension: Dimension) -> str:
    """Write a dimension as a unit of Brian2's equation language."""
    symbol = _symbol(dimension)
    if symbol:
        return _BRIAN2_NAMES[symbol]
    factors = [
        f"{name}**{power:g}"
        for name, power in zip(_BASE_NAMES, dimension, strict=True)
        if power
    ]
    return "*".join(factors) or "1"
