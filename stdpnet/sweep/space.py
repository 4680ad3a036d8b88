"""What a sweep varies: values of a specification, each from a range or a list."""

import contextlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stdpnet.config import SpecError
from stdpnet.estimators.spec import load_models, make_banks, make_readout
from stdpnet.training.split import specified
from stdpnet.units import Quantity

#: A number and perhaps a unit.
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z/^\d]*)")
HOW = (
    "a parameter is written KEY=LOW:HIGH, KEY=LOW:HIGH:log, KEY=LOW:HIGH:STEP or "
    "KEY=VALUE,VALUE,..."
)
#: Keys of ``[about]`` that a run looks at; others would change nothing.
_ABOUT = ("about.n_fit", "about.n_train")


@dataclass(frozen=True)
class Range:
    """All numbers between two, both included, perhaps with a unit.

    Parameters
    ----------
    low, high : float
        Bounds.
    log : bool
        Whether every ratio, not every difference, is equally likely.
    step : float, optional
        Distance of the values.
    unit : str
        Such as ``"mV"``.
    integer : bool
        Whether only whole numbers are meant.

    Raises
    ------
    SpecError
        If the range is empty, or `log` and `step` do not suit it.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    unit: str = ""
    integer: bool = False

    def __post_init__(self) -> None:
        shown = f"{self.low:g}:{self.high:g}"
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise SpecError(f"range {shown}: both ends must be finite")
        if not self.low < self.high:
            raise SpecError(f"range {shown} is empty; the lower end comes first")
        if self.log and self.low <= 0:
            raise SpecError(f"range {shown}: with log both ends must be > 0")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise SpecError(
                f"range {shown}: the step must be > 0 and fit into it, got {self.step:g}"
            )
        if self.step is not None and self.log:
            raise SpecError(f"range {shown}: log or a step, not both")

    @property
    def ends(self) -> tuple[float, ...]:
        """The lowest and the highest value."""
        return self.low, self.high

    def distribution(self) -> Any:
        """Return the range as Optuna has it."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.integer:
            step = 1 if self.step is None else int(self.step)
            return IntDistribution(int(self.low), int(self.high), self.log, step)
        return FloatDistribution(self.low, self.high, self.log, self.step)

    def grid(self) -> list[float] | None:
        """Return all values; None if there is no end of them."""
        if self.log or (self.step is None and not self.integer):
            return None
        step = self.step or 1
        n_steps = math.floor((self.high - self.low) / step + 1e-9)
        values = [self.low + k * step for k in range(n_steps + 1)]
        return [round(value) for value in values] if self.integer else values

    def at(self, place: float) -> float:
        """Return the value at a place from 0, the lowest, to below 1, the highest."""
        values = self.grid()
        if values is not None:
            return values[int(place * len(values))]
        if not self.log:
            return self.low + place * (self.high - self.low)
        low, high = math.log(self.low), math.log(self.high)
        value = math.exp(low + place * (high - low))
        return round(value) if self.integer else min(max(value, self.low), self.high)

    def text(self, value: Any) -> str:
        """Return a value as an override has it."""
        return f"{value:.10g} {self.unit}".strip()

    def shown(self, value: Any) -> str:
        """Return a value as people read it."""
        return f"{value:.4g} {self.unit}".strip()

    def to_text(self) -> str:
        """Return the range as the command line has it."""
        more = "log" if self.log else self.step and self.text(self.step)
        ends = (self.text(end) for end in self.ends)
        return ":".join([*ends, more] if more else ends)


@dataclass(frozen=True)
class Choices:
    """A few values, of which no order is assumed.

    Parameters
    ----------
    values : tuple of str
        Each as an override has it.

    Raises
    ------
    SpecError
        If there is none, or one twice.
    """

    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.values or not all(self.values):
            raise SpecError(f"a list of values is empty or has a gap; {HOW}")
        if len(set(self.values)) < len(self.values):
            raise SpecError(f"a value is listed twice in {', '.join(self.values)}")

    @property
    def ends(self) -> tuple[str, ...]:
        """All values: any of them may be refused."""
        return self.values

    def distribution(self) -> Any:
        """Return the list as Optuna has it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def grid(self) -> list[str]:
        """Return all values."""
        return list(self.values)

    def at(self, place: float) -> str:
        """Return the value at a place from 0, the first, to below 1, the last."""
        return self.values[int(place * len(self.values))]

    def text(self, value: Any) -> str:
        """Return a value as an override has it."""
        return str(value)

    shown = text

    def to_text(self) -> str:
        """Return the list as the command line has it."""
        return ",".join(self.values)


Values = Range | Choices


class Space:
    """The parameters of a sweep, by key of the specification.

    Parameters
    ----------
    parameters : mapping
        ``{"rule.learning_rate": "0.001:0.1:log"}``; instead of the text, which is that
        of the command line, a `Range`, or a list of values.

    Raises
    ------
    SpecError
        If there is none, or one cannot be read.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        if not parameters:
            raise SpecError(f"a sweep needs a parameter to vary; {HOW}")
        self.parameters: dict[str, Values] = {}
        for key, given in parameters.items():
            try:
                self.parameters[key] = as_values(given)
            except SpecError as error:
                raise SpecError(f"{key}: {error}") from error

    def distributions(self) -> dict[str, Any]:
        """Return all parameters as Optuna has them."""
        return {key: values.distribution() for key, values in self.parameters.items()}

    def at(self, places: np.ndarray) -> list[dict[str, Any]]:
        """Return values at places in the unit cube, shape (n_points, n_parameters)."""
        pairs = list(self.parameters.items())
        return [
            {key: values.at(x) for (key, values), x in zip(pairs, point, strict=True)}
            for point in places.tolist()
        ]

    def overrides(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the changes of a specification that the values of a trial are."""
        return tuple(
            f"{key}={self.parameters[key].text(value)}" for key, value in values.items()
        )

    def to_dict(self) -> dict[str, str]:
        """Return the parameters as the command line has them."""
        return {key: values.to_text() for key, values in self.parameters.items()}

    def of(self, spec: str, overrides: Iterable[str] = ()) -> "Space":
        """Return the parameters as a specification has them, which takes every end.

        A range whose ends are whole numbers is one of whole numbers where the
        specification takes no others.

        Raises
        ------
        ValueError
            Naming the parameter, and what it would take.
        """
        found: dict[str, Values] = {}
        for key, values in self.parameters.items():
            if key.startswith("about.") and key not in _ABOUT:
                known = " and ".join(_ABOUT)
                raise SpecError(f"{key} changes nothing; of [about], {known} do")
            for end in values.ends:
                _try(spec, (*overrides, f"{key}={values.text(end)}"))
            found[key] = values
            if isinstance(values, Range) and values.integer and values.step is None:
                between = values.text(values.low + 0.5)
                with contextlib.suppress(ValueError):
                    _try(spec, (*overrides, f"{key}={between}"))
                    found[key] = replace(values, integer=False)
        return Space(found)


def _try(spec: str, overrides: Iterable[str]) -> None:
    """Raise ValueError if a specification does not take these changes."""
    changed = load_models(spec, overrides)
    for name in _ABOUT:
        specified(changed, name.partition(".")[2])
    make_banks(changed, seed=0)
    make_readout(changed).check_parameters()


def read_parameters(texts: Iterable[str]) -> dict[str, Values]:
    """Return the parameters that the command line names, ``KEY=VALUES`` each.

    Raises
    ------
    SpecError
        If one is not written so, or given twice.
    """
    found: dict[str, Values] = {}
    for text in texts:
        key, equals, values = (part.strip() for part in text.partition("="))
        if not (key and equals and values):
            raise SpecError(f"{HOW}, got {text!r}")
        if key in found:
            raise SpecError(f"{key} is given twice")
        try:
            found[key] = as_values(values)
        except SpecError as error:
            raise SpecError(f"{key}: {error}") from error
    return found


def as_values(given: Any) -> Values:
    """Return a range or a list from how people write it.

    Raises
    ------
    SpecError
        If it is neither.
    """
    if isinstance(given, Range | Choices):
        return given
    if isinstance(given, list | tuple):
        return Choices(tuple(_as_text(value) for value in given))
    if not isinstance(given, str):
        raise SpecError(f"{HOW}, got {given!r}")
    parts = [part.strip() for part in given.split(":")]
    if len(parts) in (2, 3) and all(_NUMBER.fullmatch(part) for part in parts[:2]):
        return _read_range(parts)
    return Choices(tuple(part.strip() for part in _split(given)))


def _read_range(parts: list[str]) -> Range:
    log = parts[-1] == "log"
    read = [_read_number(part) for part in (parts[:2] if log else parts)]
    units = {unit for _, unit in read if unit}
    if len(units) > 1:
        raise SpecError(f"range {':'.join(parts)} must have one unit, got {units}")
    low, high, *step = (float(value) for value, _ in read)
    integer = all(re.fullmatch(r"[-+]?\d+", value) for value, _ in read)
    return Range(low, high, log, step[0] if step else None, "".join(units), integer)


def _read_number(text: str) -> tuple[str, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise SpecError(f"{HOW}; {text!r} is neither 'log' nor a number")
    return match[1], match[2]


def _split(text: str) -> list[str]:
    """Split at commas that are in no brackets and no quotes."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == '"'
        depth += (letter in "[{(") - (letter in ")}]")
        if letter == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _as_text(value: Any) -> str:
    """Return a value of Python as an override has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    if isinstance(value, str | Quantity | int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_quoted(item) for item in value)}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key} = {_quoted(item)}" for key, item in value.items())
        return f"{{ {inside} }}"
    raise SpecError(f"a value of a sweep must be as TOML has it, got {value!r}")


def _quoted(value: Any) -> str:
    is_text = isinstance(value, str | Quantity)
    return f'"{value}"' if is_text else _as_text(value)
