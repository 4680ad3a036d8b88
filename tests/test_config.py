"""The contract of `Parameters`, held by every neuron, rule, geometry and encoding."""

import json
import re
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields, replace

import numpy as np
import pytest

from stdpnet.config import (
    Parameters,
    SpecError,
    concrete_subclasses,
    flag,
    from_dict,
    names,
    numbers,
    table,
    text,
    unknown_name,
)
from stdpnet.encoding import Code, Filter
from stdpnet.models.neurons import AdaptiveLIF, NeuronModel
from stdpnet.models.plasticity import PlasticityRule, TraceSTDP
from stdpnet.models.projections import Convolution, Geometry
from stdpnet.specs import load_spec
from stdpnet.units import Quantity, ms, mV, second

BASES = (NeuronModel, PlasticityRule, Geometry, Filter, Code)
CLASSES = [
    pytest.param(base, cls, id=name)
    for base in BASES
    for name, cls in concrete_subclasses(base).items()
]
FIELDS = [
    pytest.param(cls, declared, id=f"{name}.{declared.name}")
    for base in BASES
    for name, cls in concrete_subclasses(base).items()
    for declared in fields(cls)
]


def with_metadata(key: str) -> list:
    return [p for p in FIELDS if p.values[1].metadata.get(key) is not None]


def beyond(declared, key: str, offset: float):
    """Return a value that lies `offset` from a bound, in the unit of the field."""
    bound = declared.metadata[key] + offset
    like = declared.metadata.get("like")
    if declared.metadata.get("numbers"):
        return (bound, bound)
    if declared.metadata.get("integer"):
        return int(bound)
    return bound if like is None else Quantity(bound, like.dimension)


def another(declared):
    """Return a value that the field may have and that is not its default."""
    meta, default = declared.metadata, declared.default
    if "choices" in meta:
        return next(name for name in reversed(meta["choices"]) if name != default)
    if "flag" in meta:
        return not default
    if meta.get("integer"):
        return (default or meta["low"]) + 2
    if "number" in meta:
        return within_bounds(meta, default)
    if "like" in meta:
        like = meta["like"]
        return Quantity(within_bounds(meta, like.value), like.dimension)
    return default if default is not MISSING else declared.default_factory()


def within_bounds(meta, default: float) -> float:
    low, above, high = (meta[key] for key in ("low", "above", "high"))
    for value in (default / 2, default * 1.25, 0.25):
        fits = (low is None or value >= low) and (above is None or value > above)
        if fits and (high is None or value <= high) and value != default:
            return value
    raise AssertionError(f"no value within {dict(meta)}")


def changed(cls):
    return cls(**{declared.name: another(declared) for declared in fields(cls)})


@pytest.mark.parametrize(("base", "cls"), CLASSES)
@pytest.mark.parametrize("make", [lambda cls: cls(), changed], ids=["default", "other"])
def test_the_dictionary_gives_the_same_object_back(base, cls, make):
    made = make(cls)
    values = json.loads(json.dumps(made.to_dict()))
    assert values["type"] == cls.__name__
    assert from_dict(base, values) == made


@pytest.mark.parametrize(("base", "cls"), CLASSES)
def test_objects_are_frozen_and_documented(base, cls):
    lines = re.findall(r"^    (\w[\w, ]*) : ", cls.__doc__, re.MULTILINE)
    documented = {name for line in lines for name in line.split(", ")}
    assert set(cls().get_params()) <= documented
    for name in cls().get_params():
        with pytest.raises(FrozenInstanceError):
            setattr(cls(), name, None)


@pytest.mark.parametrize(("base", "cls"), CLASSES)
def test_an_unknown_parameter_gets_the_nearest_name(base, cls):
    names = [declared.name for declared in fields(cls)]
    if not names:
        with pytest.raises(SpecError, match=f"unknown {cls.__name__} parameter 'x'"):
            from_dict(base, {"type": cls.__name__, "x": 1})
        return
    message = (
        f"unknown {cls.__name__} parameter '{names[0]}x'.*Did you mean '{names[0]}'"
    )
    with pytest.raises(SpecError, match=message):
        from_dict(base, {"type": cls.__name__, f"{names[0]}x": 1})


@pytest.mark.parametrize("base", BASES)
def test_an_unknown_type_gets_the_nearest_name(base):
    name = next(iter(concrete_subclasses(base)))
    message = f"unknown {base.kind} '{name}x'; known: .*Did you mean '{name}'"
    with pytest.raises(SpecError, match=message):
        from_dict(base, {"type": f"{name}x"})


@pytest.mark.parametrize(("cls", "declared"), with_metadata("like"))
def test_a_wrong_dimension_is_refused(cls, declared):
    wrong = 10 * mV if declared.metadata["like"].dimension != mV.dimension else 10 * ms
    message = f"{cls.__name__}.{declared.name} must have dimension .* like its default"
    with pytest.raises(ValueError, match=message):
        cls(**{declared.name: wrong})


@pytest.mark.parametrize(("cls", "declared"), with_metadata("low"))
def test_a_value_below_the_lower_bound_is_refused(cls, declared):
    with pytest.raises(ValueError, match=f"{cls.__name__}.{declared.name} must be >= "):
        cls(**{declared.name: beyond(declared, "low", -1)})


@pytest.mark.parametrize(("cls", "declared"), with_metadata("above"))
def test_a_value_at_an_open_bound_is_refused(cls, declared):
    with pytest.raises(ValueError, match=f"{cls.__name__}.{declared.name} must be > "):
        cls(**{declared.name: beyond(declared, "above", 0)})


@pytest.mark.parametrize(("cls", "declared"), with_metadata("high"))
def test_a_value_above_the_upper_bound_is_refused(cls, declared):
    with pytest.raises(ValueError, match=f"{cls.__name__}.{declared.name} must be <= "):
        cls(**{declared.name: beyond(declared, "high", 1)})


@pytest.mark.parametrize(("cls", "declared"), with_metadata("low"))
def test_a_value_at_the_lower_bound_is_accepted(cls, declared):
    bound = beyond(declared, "low", 0)
    assert getattr(cls(**{declared.name: bound}), declared.name) == bound


@pytest.mark.parametrize(("cls", "declared"), with_metadata("high"))
def test_a_value_at_the_upper_bound_is_accepted(cls, declared):
    bound = beyond(declared, "high", 0)
    assert getattr(cls(**{declared.name: bound}), declared.name) == bound


@pytest.mark.parametrize(("cls", "declared"), with_metadata("choices"))
def test_an_unknown_choice_is_refused(cls, declared):
    message = f"{cls.__name__}.{declared.name} must be one of .*, got 'nothing'"
    with pytest.raises(ValueError, match=message):
        cls(**{declared.name: "nothing"})


@pytest.mark.parametrize(("cls", "declared"), with_metadata("number"))
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "3", True, None, [1]])
def test_what_is_no_number_is_refused(cls, declared, value):
    if value is None and declared.default is None:
        assert cls(**{declared.name: None}) == cls()
        return
    message = f"{cls.__name__}.{declared.name} must be (a number|an integer), got"
    with pytest.raises(ValueError, match=message):
        cls(**{declared.name: value})


@dataclass(frozen=True, kw_only=True)
class Other(Parameters):
    """Fields of the kinds that are not numbers or quantities."""

    levels: tuple[float, ...] = numbers((0.0, 1.0), low=0, high=2)
    switch: bool = flag()
    equations: str = text()
    variables: tuple[str, ...] = names()
    further: dict[str, Quantity | float] = table()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"levels": [1.0]}, "Other.levels must be at least 2 numbers, got"),
        ({"levels": "12"}, "Other.levels must be at least 2 numbers, got '12'"),
        ({"levels": 3}, "Other.levels must be at least 2 numbers, got 3"),
        ({"levels": [0, True]}, "Other.levels must be a number, got True"),
        ({"levels": [0, -1]}, "Other.levels must be >= 0, got -1.0"),
        ({"levels": [0, 3]}, "Other.levels must be <= 2, got 3.0"),
        ({"switch": "false"}, "Other.switch must be true or false, got 'false'"),
        ({"switch": 1}, "Other.switch must be true or false, got 1"),
        ({"equations": 3}, "Other.equations must be text, got 3"),
        ({"variables": "v"}, "Other.variables must be a list of names, got 'v'"),
        ({"variables": ["v", 1]}, "Other.variables must be a list of names, got"),
        ({"further": [1]}, "Other.further must be a table of parameters, got"),
        ({"further": {"a b": 1}}, "Other.further: 'a b' is not a name for a parameter"),
        ({"further": {"a": "1 parsec"}}, "Other.further.a: unknown unit 'parsec'"),
        ({"further": {"a": [1]}}, "Other.further.a: a quantity must be a number"),
        ({"further": {"a": float("inf")}}, "Other.further.a must be finite, got inf"),
    ],
)
def test_other_fields_are_checked_too(params, message):
    with pytest.raises(ValueError, match=message):
        Other(**params)


def test_other_fields_take_what_a_file_holds():
    made = Other(
        levels=[0, 2],
        switch=True,
        equations="v : 1",
        variables=["v", "w"],
        further={"tau": "20 ms", "gain": 2},
    )
    assert made.levels == (0.0, 2.0)
    assert made.variables == ("v", "w")
    assert made.further == {"tau": 20 * ms, "gain": 2.0}
    values = json.loads(json.dumps(made.to_dict()))
    assert values.pop("type") == "Other"
    assert Other(**values) == made


def test_the_messages_read_as_sentences():
    message = (
        "^AdaptiveLIF.tau_m must have dimension 's' like its default 20 ms, got 10 mV$"
    )
    with pytest.raises(ValueError, match=message):
        AdaptiveLIF(tau_m=10 * mV)
    with pytest.raises(ValueError, match=r"^TraceSTDP.w_max must be > 0, got -1.0$"):
        TraceSTDP(w_max=-1)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], r"AdaptiveLIF.tau_m must be a quantity like 20 ms, got \[1, 2\]"),
        ("20 parsec", "AdaptiveLIF.tau_m: unknown unit 'parsec' in '20 parsec'"),
        (float("inf") * second, "AdaptiveLIF.tau_m must be finite, got inf s"),
        (float("nan") * second, "AdaptiveLIF.tau_m must be (> 0|finite), got nan s"),
    ],
)
def test_what_is_no_quantity_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveLIF(tau_m=value)


def test_quantities_may_be_written_as_text():
    assert AdaptiveLIF(tau_m="35 ms") == AdaptiveLIF(tau_m=35 * ms)
    assert replace(AdaptiveLIF(), tau_m="35 ms").tau_m == 35 * ms


@pytest.mark.parametrize("three", [3, 3.0, np.int64(3), np.float32(3)])
def test_numbers_have_the_type_of_their_field(three):
    assert type(Convolution(height=three).height) is int
    assert type(TraceSTDP(w_max=three).w_max) is float
    assert Convolution(height=three).height == TraceSTDP(w_max=three).w_max == 3


def test_integers_do_not_lose_a_fraction():
    with pytest.raises(
        ValueError, match=r"Convolution.height must be an integer, got 2.5"
    ):
        Convolution(height=2.5)


def test_the_default_type_is_used_where_none_is_named():
    assert from_dict(NeuronModel, {"v_th": 2}, default="AdaptiveLIF").v_th == 2.0
    with pytest.raises(SpecError, match="unknown neuron 'None'"):
        from_dict(NeuronModel, {"v_th": 2})


def test_only_classes_that_are_no_base_are_found_by_name():
    found = concrete_subclasses(NeuronModel)
    assert found["AdaptiveLIF"] is AdaptiveLIF
    assert "AdaptiveThreshold" not in found


def test_no_guess_is_made_for_a_name_that_is_far_from_all():
    assert unknown_name("rule", "zzz", ["a", "b"]) == "unknown rule 'zzz'; known: a, b"


def test_another_type_starts_from_its_own_defaults():
    kept = load_spec("conv-stdp", ["rule.learning_rate=0.2", "rule.type=TraceSTDP"])
    assert len(kept["rule"]) > 2
    changes = ["rule.learning_rate=0.2", "rule.type=PairSTDP"]
    assert load_spec("conv-stdp", changes)["rule"] == {
        "type": "PairSTDP",
        "learning_rate": 0.2,
    }
    assert load_spec("conv-stdp", ["readout.type=mlp"])["readout"] == {"type": "mlp"}
    assert "C" in load_spec("conv-stdp", ["readout.type=linear"])["readout"]
