"""Groups and projections as plain data: equations, statements, sizes, units.

The functions here check what the parts say of themselves and how they fit
together; `stdpnet.models.network.Network.describe` calls them.
"""

import re
from typing import Any

from stdpnet.models.equations import (
    by_level,
    check_condition,
    check_equations,
    check_statements,
    dimensions,
    lines,
    read_equation,
    read_statement,
    variables,
)
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.parts import Projection
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import WinnerTakeAll
from stdpnet.units import DIMENSIONLESS, Dimension, Quantity, as_quantity, brian2_unit

#: Ends of a connection, as rules name them.
SIDES = ("pre", "post")
#: Parameters that a projection has besides those of its rule.
_OF_PROJECTIONS = ("learning", "total")
_OF_NEURON = re.compile(r"\b([A-Za-z]\w*)_(pre|post)\b")


def parameter_units(model: Any) -> dict[str, str]:
    """Return the unit of every parameter in Brian2's language."""
    return {name: brian2_unit(d) for name, d in _dimensions(model).items()}


def parameter_numbers(model: Any) -> dict[str, float]:
    """Return every parameter in SI units."""
    return {name: float(as_quantity(v).value) for name, v in model.values().items()}


def _dimensions(model: Any) -> dict[str, Dimension]:
    return {
        name: value.dimension if isinstance(value, Quantity) else DIMENSIONLESS
        for name, value in model.values().items()
    }


# -- groups -----------------------------------------------------------------------


def describe_group(
    shape: Any, stimulus: str = "", frames: int | None = None
) -> dict[str, Any]:
    """Return what an input is, and what a population has besides its neurons."""
    return {
        "shape": list(shape),
        "stimulus": stimulus,
        "frames": frames,
        "equations": _levels(),
        "begin": _levels(),
        "start": _levels(),
        "end": _levels(),
        "parameters": {},
        "tables": {},
        "precise": [],
        "source_reset": [],
        "target_reset": [],
        "reset": [],
        "competition": None,
    }


def _levels() -> dict[str, list[str]]:
    return {"neuron": [], "map": [], "site": []}


def begin_once(group: dict[str, Any]) -> None:
    """Let a group start anew when a run begins, not before every presentation.

    What competition has silenced speaks again with every presentation all the same.
    """
    anew = ("spent", "map_wins", "site_wins")
    for level, statements in group["start"].items():
        every = [line for line in statements if line.split()[0] in anew]
        group["begin"][level] = [line for line in statements if line not in every]
        group["start"][level] = every


def describe_population(
    shape: Any,
    neuron: NeuronModel,
    competition: WinnerTakeAll | None,
    *,
    adapts: bool = True,
) -> dict[str, Any]:
    """Return neurons of one model with their competition."""
    check_neuron(neuron)
    per_map = neuron.per_map
    equations = by_level(neuron.equations, per_map, "equations")
    end = by_level(neuron.end, per_map, "statements")
    reset = lines(neuron.reset)
    if not adapts:
        equations["map"], end["map"] = [_constant(e) for e in equations["map"]], []
        reset = [line for line in reset if read_statement(line)[0] not in per_map]
    described = describe_group(shape) | {
        "equations": equations,
        "start": by_level(neuron.start, per_map, "statements"),
        "end": end,
        "crossing": neuron.threshold,
        "threshold": f"({neuron.threshold})",
        "random": "rand(" in neuron.threshold,
        "reset": reset,
        "refractory": neuron.refractory,
        "parameters": parameter_units(neuron),
        "tables": {name: list(values) for name, values in neuron.tables.items()},
        "strength": neuron.inputs[0],
        "precise": list(neuron.precise),
    }
    if competition is not None:
        _add_competition(described, neuron, competition)
    return described


def _constant(equation: str) -> str:
    """Return an equation without what changes its variable."""
    read = read_equation(equation)
    return f"{read.name} : {read.unit}" if read.differential else equation


def check_neuron(neuron: NeuronModel) -> dict[str, Dimension]:
    """Check a neuron's equations; return the dimensions of its variables.

    Raises
    ------
    ValueError
        If a line cannot be read, a name is not known or dimensions disagree.
    """
    owner = neuron.title
    given = _dimensions(neuron) | dict.fromkeys(neuron.tables, DIMENSIONLESS)
    own = check_equations(f"{owner}.equations", neuron.equations, given)
    names = {**given, **own}
    for part in ("threshold", "refractory", "strength"):
        if getattr(neuron, part):
            check_condition(f"{owner}.{part}", getattr(neuron, part), names)
    for part in ("reset", "start", "end"):
        check_statements(f"{owner}.{part}", getattr(neuron, part), names)
    for part in ("inputs", "per_map", "precise"):
        for name in getattr(neuron, part):
            if name not in own:
                raise ValueError(
                    f"{owner}.{part} names {name!r}, which is not among its variables: "
                    f"{', '.join(own)}"
                )
    return own


def _add_competition(
    described: dict[str, Any], neuron: NeuronModel, competition: WinnerTakeAll
) -> None:
    # How many winners there may be is a run-time parameter.
    described["competition"] = {**competition.to_dict(), "winners": 1}
    if competition.ties in ("strongest", "ranked"):
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
        described["start"][level].append(f"{variable} = 0")
        described["threshold"] += f" and {condition}"


# -- projections ------------------------------------------------------------------


def describe_rule(
    name: str, rule: PlasticityRule, groups: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Give the groups at both sides the traces of a rule; return its statements.

    Parameters
    ----------
    name : str
        Of the projection: traces and parameters get names of their own with it.
    groups : dict
        Descriptions of the groups at "pre" and "post"; the traces are added.
    """
    own = {
        side: dimensions("\n".join(groups[side]["equations"]["neuron"]))
        for side in SIDES
    }
    check_rule(rule, own)
    for side in SIDES:
        _add_traces(groups[side], name, rule, side)
    code = {
        "learn_pre": "\n".join(lines(rule.on_pre)),
        "learn_post": "\n".join(lines(rule.on_post)),
        "learn_end": "\n".join(lines(rule.on_end)),
    }
    used = _OF_NEURON.findall("\n".join(code.values()))
    return code | {
        "parameters": parameter_units(rule),
        "variables": list(rule.synaptic),
        "gated": rule.pre_needs_post,
        "traces": {side: variables(rule.traces(side)) for side in SIDES},
        "delayed": {
            "equations": lines(rule.pre_equations),
            "reset": lines(rule.pre_reset),
        },
        "neuron_variables": sorted({f"{base}_{side}" for base, side in used}),
    }


def check_rule(rule: PlasticityRule, neurons: dict[str, dict[str, Dimension]]) -> None:
    """Check a rule's equations and statements.

    Parameters
    ----------
    neurons : dict of dict
        Dimensions of the variables of the neurons at "pre" and "post", which
        statements may use as `v_pre` or `v_post`.

    Raises
    ------
    ValueError
        If a line cannot be read, a name is not known or dimensions disagree.
    """
    owner, names = rule.title, _dimensions(rule)
    for taken in _OF_PROJECTIONS:
        if taken in names:
            raise ValueError(
                f"{owner}: projections have a parameter {taken!r} of their own; choose "
                "another name"
            )
    traces: dict[str, Dimension] = {}
    for side in SIDES:
        found = check_equations(f"{owner}.{side}_equations", rule.traces(side), names)
        check_statements(f"{owner}.{side}_reset", rule.trace_reset(side), names | found)
        traces |= found
    weights = dict.fromkeys(("w", *rule.synaptic), DIMENSIONLESS)
    known = names | traces | weights
    for part in ("on_pre", "on_post", "on_end"):
        text = getattr(rule, part)
        beside = {} if part == "on_end" else _neuron_names(text, neurons)
        usable = names | weights if part == "on_end" else known | beside
        check_statements(f"{owner}.{part}", text, usable)


def _neuron_names(
    text: str, neurons: dict[str, dict[str, Dimension]]
) -> dict[str, Dimension]:
    return {
        f"{base}_{side}": neurons[side][base]
        for base, side in _OF_NEURON.findall(text)
        if base in neurons[side]
    }


def _add_traces(
    group: dict[str, Any], name: str, rule: PlasticityRule, side: str
) -> None:
    """Give a group the traces of a rule, under names of this projection."""
    traces = variables(rule.traces(side))
    local = [*traces, *parameter_units(rule)]

    def rename(text: str) -> str:
        return re.sub(
            rf"\b(d?)({'|'.join(local)})\b(?=/dt)?",
            lambda match: f"{match[1]}{name}_{match[2]}",
            text,
        )

    end = {"pre": "source_reset", "post": "target_reset"}[side]
    group["equations"]["neuron"] += map(rename, lines(rule.traces(side)))
    group[end] += map(rename, lines(rule.trace_reset(side)))
    group["start"]["neuron"] += [f"{name}_{trace} = 0" for trace in traces]


# -- synapses that can be pruned ----------------------------------------------------


def add_mask(part: Projection, described: dict[str, Any]) -> None:
    """Let weights stay zero where `kept` is zero, whatever the rule does."""
    if part.rule is None:
        raise ValueError(
            f"Projection {part.name!r}: only weights that learn are prunable; leave "
            "prunable out and set those weights to zero"
        )
    described["variables"] = [*described["variables"], "kept"]
    for code in ("learn_pre", "learn_post", "learn_end"):
        if described[code]:
            described[code] += "\nw = w*kept"


def add_correlation(part: Projection, described: dict[str, Any]) -> None:
    """Let synapses add up the source's trace at spikes of the target."""
    traces = described["traces"]["pre"]
    if not traces:
        raise ValueError(
            f"Projection {part.name!r}: correlation needs a rule with a trace of the "
            "source, such as TraceSTDP; choose another criterion of pruning"
        )
    described["variables"] = [*described["variables"], "correlation"]
    # What is pruned is passed over, so that it adds up nothing any more.
    factor = "*kept" if part.prunable else ""
    line = f"correlation = correlation + {traces[0]}{factor}"
    described["learn_post"] = f"{described['learn_post']}\n{line}".strip()
