"""Neurons and rules of users: from strings, or from a class in a file of theirs."""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stdpnet.catalog import unknown_name
from stdpnet.config import (
    Parameters,
    SpecError,
    flag,
    from_dict,
    names,
    number,
    numbers,
    table,
    text,
)
from stdpnet.models.neurons.base import NeuronModel
from stdpnet.models.plasticity.base import PlasticityRule
from stdpnet.units import Quantity


@dataclass(frozen=True, kw_only=True)
class EquationNeuron(NeuronModel):
    """A neuron written as text, with parameters of its own.

    Parameters
    ----------
    name : str
        Name in messages.
    equations, threshold, reset, refractory, start, end, strength : str
        As in `NeuronModel`.
    inputs, per_map, precise, learning_parameters, decays : tuple of str
        As in `NeuronModel`.
    parameters : dict
        Value of every parameter in the texts: a number, or a quantity like "20 ms".
    initial_values : dict
        Value that each variable of maps starts from, where not zero.

    References
    ----------
    The user's own.
    """

    name: str = text("EquationNeuron", doc="name in messages")
    equations: str = text("v : 1")  # type: ignore[misc]
    threshold: str = text("v > 1")  # type: ignore[misc]
    reset: str = text("v = 0")  # type: ignore[misc]
    refractory: str = text()  # type: ignore[misc]
    start: str = text("v = 0")  # type: ignore[misc]
    end: str = text()  # type: ignore[misc]
    strength: str = text("v")  # type: ignore[misc]
    inputs: tuple[str, ...] = names(("v",))  # type: ignore[misc]
    per_map: tuple[str, ...] = names()  # type: ignore[misc]
    precise: tuple[str, ...] = names()  # type: ignore[misc]
    learning_parameters: tuple[str, ...] = names()  # type: ignore[misc]
    decays: tuple[str, ...] = names()  # type: ignore[misc]
    parameters: dict[str, Any] = table(doc="parameters of the texts")
    initial_values: dict[str, Any] = table(doc="start of the variables of maps")

    @property
    def title(self) -> str:
        """Name of the model in messages."""
        return self.name

    def values(self) -> dict[str, Quantity | float]:
        """Return the parameters of the texts."""
        return dict(self.parameters)

    def initial(self) -> dict[str, float]:
        """Return the values that variables of maps start from, in SI units."""
        return {
            name: float(value.value if isinstance(value, Quantity) else value)
            for name, value in self.initial_values.items()
        }


@dataclass(frozen=True, kw_only=True)
class EquationRule(PlasticityRule):
    """A learning rule written as text, with parameters of its own.

    Parameters
    ----------
    name : str
        Name in messages.
    pre_equations, post_equations, pre_reset, post_reset, on_pre, on_post, on_end : str
        As in `PlasticityRule`.
    synaptic : tuple of str
        As in `PlasticityRule`.
    pre_needs_post : bool
        As in `PlasticityRule`.
    weight_levels : tuple of float
        Values that a weight may have; empty if it is continuous.
    learning_rate, w_max : float
        Usable in the texts like every other parameter.
    parameters : dict
        Value of every other parameter in the texts: a number, or a quantity like
        "20 ms".

    References
    ----------
    The user's own.
    """

    name: str = text("EquationRule", doc="name in messages")
    pre_equations: str = text("dpre_trace/dt = -pre_trace / (20*ms) : 1")  # type: ignore[misc]
    post_equations: str = text()  # type: ignore[misc]
    pre_reset: str = text("pre_trace = 1")  # type: ignore[misc]
    post_reset: str = text()  # type: ignore[misc]
    on_pre: str = text()  # type: ignore[misc]
    on_post: str = text("w = clip(w + learning_rate*(pre_trace - 0.4), 0, w_max)")  # type: ignore[misc]
    on_end: str = text()  # type: ignore[misc]
    synaptic: tuple[str, ...] = names()  # type: ignore[misc]
    pre_needs_post: bool = flag()  # type: ignore[misc]
    weight_levels: tuple[float, ...] = numbers(
        (), least=0, doc="values that a weight may have"
    )
    parameters: dict[str, Any] = table(doc="parameters of the texts")
    learning_rate: float = number(0.01, low=0, doc="step of the weight")

    @property
    def title(self) -> str:
        """Name of the rule in messages."""
        return self.name

    @property
    def levels(self) -> tuple[float, ...] | None:
        """The levels, if there are any."""
        return tuple(self.weight_levels) or None

    def values(self) -> dict[str, Quantity | float]:
        """Return the rate, the bound and the parameters of the texts."""
        both = {"learning_rate": self.learning_rate, "w_max": self.w_max}
        return {**both, **self.parameters}


_TEXTS = {
    "neuron": (
        EquationNeuron,
        ("equations", "threshold", "reset", "refractory", "start", "end", "strength"),
        ("inputs", "per_map", "precise", "learning_parameters", "decays"),
    ),
    "rule": (
        EquationRule,
        (
            *("pre_equations", "post_equations", "pre_reset", "post_reset"),
            *("on_pre", "on_post", "on_end"),
        ),
        ("synaptic",),
    ),
}


def resolved(model: Any) -> Any:
    """Return a model whose class is not part of stdpnet as equations and parameters.

    What is saved then loads without the file that the class came from.
    """
    if type(model).__module__.split(".")[0] == "stdpnet":
        return model
    if getattr(model, "tables", None):
        raise ValueError(f"{model.title} has tables, which cannot be written as text")
    made, texts, lists = _TEXTS[model.kind]
    found: dict[str, Any] = {name: getattr(model, name) for name in (*texts, *lists)}
    given = model.values()
    if model.kind == "rule":
        found |= {name: given.pop(name) for name in ("learning_rate", "w_max")}
        found |= {"pre_needs_post": model.pre_needs_post}
        found |= {"weight_levels": model.levels or ()}
    else:
        found["initial_values"] = model.initial()
    return made(name=type(model).__name__, parameters=given, **found)


def model_from_dict(
    base: type[Parameters], values: Mapping[str, Any], default: str, folder: Path
) -> Any:
    """Make a neuron or a rule of a table of a specification.

    Parameters
    ----------
    base : type
        `NeuronModel` or `PlasticityRule`.
    values : dict
        ``type`` and parameters. A type may be ``"FILE.py:CLASS"``: that file is
        executed, so this is only for specifications that the user named.
    default : str
        Type if `values` has none.
    folder : Path
        Where the path of the file begins, if it is relative.

    Raises
    ------
    SpecError
        If the file or the class cannot be used.
    """
    kind = values.get("type", default)
    if not (isinstance(kind, str) and ".py:" in kind):
        return from_dict(base, dict(values), default=default)
    cls = _class_from_file(base, kind, folder)
    given = {name: value for name, value in values.items() if name != "type"}
    cls.check_names(given)
    return cls(**given)


def _class_from_file(base: type[Parameters], kind: str, folder: Path) -> Any:
    file_name, _, class_name = kind.rpartition(":")
    path = next((p for p in (folder / file_name, Path(file_name)) if p.is_file()), None)
    if path is None:
        raise SpecError(f"no such file: {file_name}, named by the type {kind!r}")
    module = _executed(path)
    found = {
        name: cls
        for name, cls in vars(module).items()
        if isinstance(cls, type)
        and issubclass(cls, base)
        and cls.__module__ == module.__name__
    }
    if class_name not in found:
        raise SpecError(f"{path}: {unknown_name('class', class_name, found)}")
    return found[class_name]


def _executed(path: Path) -> Any:
    name = f"user_models_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SpecError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise SpecError(f"{path}: {type(error).__name__}: {error}") from error
    return module
