"""Parameters that check themselves.

A neuron, a rule, an encoding or a geometry is a frozen, keyword-only dataclass
that derives from `Parameters`. Its fields say what may be given; wrong values
are refused where they are made, in one sentence.
"""

import inspect
import math
from copy import copy
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self

from stdpnet.catalog import unknown_name
from stdpnet.units import Quantity, as_quantity, dimension_name


class SpecError(ValueError):
    """A name or value in a specification that cannot be used."""


def quantity(
    default: Any,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    doc: str = "",
) -> Any:
    """Declare a field that holds a physical quantity.

    Parameters
    ----------
    default : Quantity or float
        Default value; it fixes the dimension. A plain number is dimensionless.
    low, above, high : float, optional
        Bounds in SI units: at least `low`, greater than `above`, at most `high`.
    doc : str
        One line for tables and error messages.
    """
    metadata = {"like": as_quantity(default), "low": low, "above": above, "high": high}
    return field(
        default_factory=lambda: as_quantity(copy(default)),
        metadata={**metadata, "doc": doc},
    )


def number(
    default: Any = MISSING,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    integer: bool = False,
    doc: str = "",
) -> Any:
    """Declare a field that holds a plain number (see `quantity` for the bounds)."""
    bounds = {"low": low, "above": above, "high": high}
    metadata = {"number": True, "integer": integer, **bounds, "doc": doc}
    return field(default=default, metadata=metadata)


def numbers(
    default: tuple[float, ...],
    *,
    low: float | None = None,
    high: float | None = None,
    least: int = 2,
    doc: str = "",
) -> Any:
    """Declare a field that holds a sequence of at least so many numbers."""
    metadata = {"numbers": least, "low": low, "above": None, "high": high, "doc": doc}
    return field(default=default, metadata=metadata)


def choice(default: str, *, of: tuple[str, ...], doc: str = "") -> Any:
    """Declare a field that holds one of a few names."""
    return field(default=default, metadata={"choices": of, "doc": doc})


def flag(default: bool = False, *, doc: str = "") -> Any:
    """Declare a field that holds true or false."""
    return field(default=default, metadata={"flag": True, "doc": doc})


def text(default: str = "", *, doc: str = "") -> Any:
    """Declare a field that holds equations or statements."""
    return field(default=default, metadata={"text": True, "doc": doc})


def names(default: tuple[str, ...] = (), *, doc: str = "") -> Any:
    """Declare a field that holds names of variables."""
    return field(default=default, metadata={"names": True, "doc": doc})


def table(*, doc: str = "") -> Any:
    """Declare a field that holds further parameters by name, numbers or quantities."""
    return field(default_factory=dict, metadata={"table": True, "doc": doc})


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Base of everything that is described by parameters.

    Subclasses are frozen, keyword-only dataclasses whose fields are declared
    with `quantity`, `number`, `choice`, `flag` or `text`. A subclass that is only a
    base says so: ``class Base(Parameters, abstract=True)``.

    Raises
    ------
    ValueError
        If a value has the wrong dimension, is out of range, is not finite or
        is not one of the choices.
    """

    #: Whether a class is only a base of others, in its own `__dict__`.
    _abstract: ClassVar[bool] = True

    def __init_subclass__(cls, *, abstract: bool = False, **kwds: Any) -> None:
        super().__init_subclass__(**kwds)
        cls._abstract = abstract

    def __post_init__(self) -> None:
        for declared in fields(self):
            value = getattr(self, declared.name)
            object.__setattr__(self, declared.name, self._checked(declared, value))

    def _checked(self, declared: Any, value: Any) -> Any:
        name = f"{type(self).__name__}.{declared.name}"
        meta = declared.metadata
        if "like" in meta:
            value = _checked_quantity(name, value, meta["like"])
            _check_bounds(name, value.value, meta, str(value))
        elif "number" in meta:
            value = _checked_number(name, value, meta["integer"])
            _check_bounds(name, value, meta, repr(value))
        elif "numbers" in meta:
            value = _checked_numbers(name, value, meta)
        elif "choices" in meta and value not in meta["choices"]:
            known = ", ".join(repr(c) for c in meta["choices"])
            raise ValueError(f"{name} must be one of {known}, got {value!r}")
        elif "flag" in meta and not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false, got {value!r}")
        elif "text" in meta and not isinstance(value, str):
            raise ValueError(f"{name} must be text, got {value!r}")
        elif "names" in meta:
            value = _checked_names(name, value)
        elif "table" in meta:
            value = _checked_table(name, value)
        return value

    def values(self) -> dict[str, Quantity | float]:
        """Return the parameters that are numbers or quantities, by name."""
        given = {
            declared.name: getattr(self, declared.name) for declared in fields(self)
        }
        return {
            name: value
            for name, value in given.items()
            if isinstance(value, (int, float, Quantity)) and not isinstance(value, bool)
        }

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name (scikit-learn's convention)."""
        return {
            declared.name: getattr(self, declared.name) for declared in fields(self)
        }

    def __sklearn_clone__(self) -> Self:
        # Frozen: sharing is as good as copying.
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the class name and the parameters as plain values for TOML or JSON."""
        values = {
            declared.name: _plain(getattr(self, declared.name))
            for declared in fields(self)
        }
        return {"type": type(self).__name__, **values}

    @classmethod
    def check_names(cls, names: Any, where: str | None = None) -> None:
        """Raise `SpecError` for a name that is not a parameter of this class."""
        known = [declared.name for declared in fields(cls)]
        for name in names:
            if name not in known:
                raise SpecError(
                    unknown_name(f"{where or cls.__name__} parameter", name, known)
                )


def _checked_quantity(name: str, value: Any, like: Quantity) -> Quantity:
    try:
        value = as_quantity(value)
    except TypeError as error:
        raise ValueError(
            f"{name} must be a quantity like {like}, got {value!r}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if value.dimension != like.dimension:
        raise ValueError(
            f"{name} must have dimension {dimension_name(like.dimension)!r} "
            f"like its default {like}, got {value}"
        )
    if not math.isfinite(value.value):
        raise ValueError(f"{name} must be finite, got {value}")
    return value


def _checked_number(name: str, value: Any, integer: bool) -> Any:
    kind = "an integer" if integer else "a number"
    if isinstance(value, (bool, str)):
        raise ValueError(f"{name} must be {kind}, got {value!r}")
    try:
        converted = int(value) if integer else float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be {kind}, got {value!r}") from error
    if not math.isfinite(converted) or (integer and converted != value):
        raise ValueError(f"{name} must be {kind}, got {value!r}")
    return converted


def _checked_numbers(name: str, values: Any, meta: Any) -> tuple[float, ...]:
    least, is_text = meta["numbers"], isinstance(values, str)
    if is_text or not hasattr(values, "__len__") or len(values) < least:
        raise ValueError(f"{name} must be at least {least} numbers, got {values!r}")
    checked = tuple(_checked_number(name, value, False) for value in values)
    for value in checked:
        _check_bounds(name, value, meta, repr(value))
    return checked


def _checked_names(name: str, value: Any) -> tuple[str, ...]:
    is_list = isinstance(value, (list, tuple))
    if not is_list or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of names, got {value!r}")
    return tuple(value)


def _checked_table(name: str, value: Any) -> dict[str, Quantity | float]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table of parameters, got {value!r}")
    checked: dict[str, Quantity | float] = {}
    for key, given in value.items():
        if not str(key).isidentifier():
            raise ValueError(f"{name}: {key!r} is not a name for a parameter")
        try:
            quantity = as_quantity(given)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}.{key}: {error}") from error
        if not math.isfinite(quantity.value):
            raise ValueError(f"{name}.{key} must be finite, got {quantity}")
        checked[key] = quantity if any(quantity.dimension) else quantity.value
    return checked


def _check_bounds(name: str, value: float, meta: Any, shown: str) -> None:
    rules = [
        ("low", ">=", lambda bound: value >= bound),
        ("above", ">", lambda bound: value > bound),
        ("high", "<=", lambda bound: value <= bound),
    ]
    for key, sign, holds in rules:
        if meta[key] is not None and not holds(meta[key]):
            raise ValueError(f"{name} must be {sign} {meta[key]:g}, got {shown}")


def _plain(value: Any) -> Any:
    if isinstance(value, Parameters):
        return value.to_dict()
    if isinstance(value, Quantity):
        return str(value) if any(value.dimension) else value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def from_dict(
    base: type[Parameters], values: dict[str, Any], *, default: str | None = None
) -> Any:
    """Make the subclass of `base` that ``values["type"]`` names.

    Parameters
    ----------
    base : type
        Class whose subclasses are looked up.
    values : dict
        ``type`` and the parameters, as `Parameters.to_dict` writes them.
    default : str, optional
        Type if `values` has none.

    Raises
    ------
    SpecError
        If the type or a parameter is not known.
    """
    values = dict(values)
    kind = values.pop("type", default)
    known = concrete_subclasses(base)
    if kind not in known:
        raise SpecError(unknown_name(_kind_name(base), str(kind), known))
    cls = known[kind]
    cls.check_names(values)
    return cls(**values)


def concrete_subclasses(base: type[Parameters]) -> dict[str, type[Parameters]]:
    """Return all classes below `base` that are not abstract, by name."""
    found: dict[str, type[Parameters]] = {}
    for cls in base.__subclasses__():
        if not (cls._abstract or inspect.isabstract(cls)):
            found[cls.__name__] = cls
        found |= concrete_subclasses(cls)
    return found


def _kind_name(base: type) -> str:
    return getattr(base, "kind", base.__name__.lower())
