"""A network put together from neurons, rules and geometries; still only a text.

`Network.describe` resolves the parts into plain data: equations, statements,
sizes. The engine makes a program of that and needs nothing else, so a run that
carries its description can be opened without the classes that wrote it.
"""

import re
from dataclasses import dataclass, fields
from typing import Any

from stdpnet.config import Parameters
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import (
    Convolution,
    OneToOne,
    Shape,
    SumPooling,
    WinnerTakeAll,
)
from stdpnet.units import DIMENSIONLESS, Quantity, brian2_unit

#: Version of the plain data that `Network.describe` returns.
DESCRIPTION_FORMAT = 1
#: What the engine adds to a population, named after it.
LEVELS = ("map", "site", "rivals")

_VARIABLE = re.compile(r"^\s*(?:d(\w+)/dt|(\w+))\s*[=:]", re.MULTILINE)
_ASSIGNED = re.compile(r"^\s*(\w+)\s*[-+*/]?=(?!=)")


@dataclass(frozen=True, kw_only=True)
class Input:
    """Neurons that spike as the stimulus says.

    Parameters
    ----------
    name : str
        Name of the population.
    shape : (int, int, int)
        Height, width, channels.
    stimulus : {"steps", "rates"}
        "steps": each neuron spikes once, in a given time step, or never.
        "rates": Poisson spikes of a given rate.
    """

    name: str
    shape: Shape
    stimulus: str = "steps"


@dataclass(frozen=True, kw_only=True)
class Population:
    """Neurons of one model, in feature maps, with or without competition."""

    name: str
    shape: Shape
    neuron: NeuronModel
    competition: WinnerTakeAll | None = None


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Weighted connections between two populations; plastic if there is a rule."""

    name: str
    source: str
    target: str
    geometry: Convolution | OneToOne
    rule: PlasticityRule | None = None


@dataclass(frozen=True, kw_only=True)
class Counter:
    """Spike counts of a population, added up over pooling windows, per example."""

    name: str
    source: str
    pooling: SumPooling | OneToOne


@dataclass(frozen=True, kw_only=True)
class Network:
    """Inputs, populations, projections and counters, by name.

    Parameters
    ----------
    inputs, populations, projections, counters : tuple
        The parts. A projection names its source and its target.
    dt : Quantity, time
        Time step.
    dtype : {"float32", "float64"}
        Precision of all state variables and parameters.

    Raises
    ------
    ValueError
        If two parts have the same name.
    """

    inputs: tuple[Input, ...]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    counters: tuple[Counter, ...]
    dt: Quantity
    dtype: str = "float32"

    def __post_init__(self) -> None:
        taken: set[str] = set()
        parts: list[Any] = [*self.inputs, *self.populations]
        parts += [*self.projections, *self.counters]
        for part in parts:
            levels = LEVELS if isinstance(part, Population) else ()
            for name in (part.name, *(f"{part.name}_{level}" for level in levels)):
                if name in taken:
                    raise ValueError(
                        f"Network: the name {name!r} is taken twice (a population X "
                        f"also takes X_{', X_'.join(LEVELS)}); rename {part.name!r}"
                    )
                taken.add(name)

    def shape(self, name: str) -> Shape:
        """Return the shape of an input or a population."""
        return self._groups()[name].shape

    def _groups_in_order(self) -> list[Input | Population]:
        return [*self.inputs, *self.populations]

    def _groups(self) -> dict[str, Input | Population]:
        return {group.name: group for group in self._groups_in_order()}

    def describe(self) -> dict[str, Any]:
        """Return the network as plain data, parameters by name and unit only.

        The values of parameters are not part of it: see `parameter_values`.
        """
        groups = {
            **{part.name: _describe_input(part) for part in self.inputs},
            **{part.name: _describe_population(part) for part in self.populations},
        }
        for part in self.projections:
            if part.rule is not None:
                _add_traces(groups[part.source], part, part.rule, "pre")
                _add_traces(groups[part.target], part, part.rule, "post")
        return {
            "format": DESCRIPTION_FORMAT,
            "dt": self.dt.value,
            "dtype": self.dtype,
            "groups": groups,
            "projections": {
                p.name: self._describe_projection(p) for p in self.projections
            },
            "counters": {c.name: self._describe_counter(c) for c in self.counters},
        }

    def _describe_projection(self, part: Projection) -> dict[str, Any]:
        source, target = self.shape(part.source), self.shape(part.target)
        variable = self._input_variable(part.target)
        described = {
            "source": part.source,
            "target": part.target,
            "geometry": part.geometry.to_dict(),
            "weights": list(part.geometry.kernel_shape(source, target[2])),
            "transmit": f"{variable}_post += w",
            "parameters": {},
            "learn_pre": "",
            "learn_post": "",
            "traces": {"pre": [], "post": []},
        }
        if part.rule is not None:
            described |= {
                "parameters": _parameter_units(part.rule),
                "learn_pre": _statements(part.rule.on_pre),
                "learn_post": _statements(str(part.rule.on_post)),
                "traces": {
                    "pre": _variables(part.rule.pre_equations),
                    "post": _variables(part.rule.post_equations),
                },
            }
        return described

    def _input_variable(self, name: str) -> str:
        target = self._groups()[name]
        if not isinstance(target, Population):
            raise ValueError(f"projections must end at a population, got {name!r}")
        return target.neuron.input_variable

    def _describe_counter(self, part: Counter) -> dict[str, Any]:
        shape = part.pooling.target_shape(self.shape(part.source))
        return {
            "source": part.source,
            "geometry": part.pooling.to_dict(),
            "shape": list(shape),
        }

    def parameter_values(self, *, learning: bool = True) -> dict[str, float]:
        """Return every parameter as "part.name" in SI units.

        Parameters
        ----------
        learning : bool
            Whether weights and thresholds adapt. Without, the parameters that
            a neuron lists as `learning_parameters` are zero.
        """
        values: dict[str, float] = {}
        for population in self.populations:
            frozen = () if learning else population.neuron.learning_parameters
            for name, value in _numbers(population.neuron).items():
                values[f"{population.name}.{name}"] = 0.0 if name in frozen else value
            if population.competition is not None:
                winners = float(population.competition.winners)
                values[f"{population.name}.winners"] = winners
        for projection in self.projections:
            if projection.rule is not None:
                for name, value in _numbers(projection.rule).items():
                    values[f"{projection.name}.{name}"] = value
                values[f"{projection.name}.learning"] = float(learning)
        return values


def _describe_input(part: Input) -> dict[str, Any]:
    return {
        "shape": list(part.shape),
        "stimulus": part.stimulus,
        "equations": {"neuron": [], "map": [], "site": []},
        "between": {"neuron": [], "map": [], "site": []},
        "parameters": {},
        "trace_reset": [],
    }


def _describe_population(part: Population) -> dict[str, Any]:
    neuron, competition = part.neuron, part.competition
    described = {
        **_describe_input(Input(name=part.name, shape=part.shape, stimulus="")),
        "equations": _by_level(neuron.equations, neuron.per_map, _VARIABLE),
        "between": _by_level(neuron.between, neuron.per_map, _ASSIGNED),
        "crossing": neuron.threshold,
        "threshold": f"({neuron.threshold})",
        "reset": _lines(neuron.reset),
        "parameters": _parameter_units(neuron),
        "strength": neuron.input_variable,
        "competition": None,
    }
    if competition is not None:
        _add_competition(described, neuron, competition)
    return described


def _add_competition(
    described: dict[str, Any], neuron: NeuronModel, competition: WinnerTakeAll
) -> None:
    # How many winners there may be is a run-time parameter.
    described["competition"] = {**competition.to_dict(), "winners": 1}
    if competition.ties == "strongest":
        described["strength"] = neuron.strength
    described["parameters"]["winners"] = "1"
    flags = {"neuron": "spent < 1", "site": "site_wins < winners"}
    if competition.within_map:
        flags["map"] = "map_wins < 1"
        described["reset"].append("map_wins = 1")
    described["reset"].append("spent = 1")
    for level, condition in flags.items():
        variable = condition.split()[0]
        described["equations"][level].append(f"{variable} : 1")
        described["between"][level].append(f"{variable} = 0")
        described["threshold"] += f" and {condition}"


def _add_traces(
    group: dict[str, Any], part: Projection, rule: PlasticityRule, side: str
) -> None:
    """Give a group the traces of a rule, under names of this projection."""
    equations = getattr(rule, f"{side}_equations")
    local = [*_variables(equations), *_parameter_units(rule)]

    def rename(text: str) -> str:
        return re.sub(
            rf"\b(d?)({'|'.join(local)})\b(?=/dt)?",
            lambda match: f"{match[1]}{part.name}_{match[2]}",
            text,
        )

    group["equations"]["neuron"] += [rename(line) for line in _lines(equations)]
    group["trace_reset"] += [
        rename(line) for line in _lines(getattr(rule, f"{side}_reset"))
    ]
    group["between"]["neuron"] += [
        f"{part.name}_{name} = 0" for name in _variables(equations)
    ]


def _lines(text: str) -> list[str]:
    return [
        line.strip() for line in text.replace(";", "\n").split("\n") if line.strip()
    ]


def _statements(text: str) -> str:
    return "\n".join(_lines(text))


def _variables(equations: str) -> list[str]:
    return [first or second for first, second in _VARIABLE.findall(equations)]


def _by_level(
    text: str, per_map: tuple[str, ...], pattern: re.Pattern[str]
) -> dict[str, list[str]]:
    """Sort lines by what they define: a variable of neurons or of maps."""
    levels: dict[str, list[str]] = {"neuron": [], "map": [], "site": []}
    for line in _lines(text):
        match = pattern.match(line)
        if match is None:
            raise ValueError(f"cannot read the equation or statement {line!r}")
        name = next(group for group in match.groups() if group)
        levels["map" if name in per_map else "neuron"].append(line)
    return levels


def _numbers(model: Parameters) -> dict[str, float]:
    """Return the parameters that are numbers, in SI units."""
    values = {}
    for declared in fields(model):
        value = getattr(model, declared.name)
        if isinstance(value, Quantity):
            values[declared.name] = float(value.value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            values[declared.name] = float(value)
    return values


def _parameter_units(model: Parameters) -> dict[str, str]:
    units = {}
    for name in _numbers(model):
        value = getattr(model, name)
        dimension = value.dimension if isinstance(value, Quantity) else DIMENSIONLESS
        units[name] = brian2_unit(dimension)
    return units
