"""The contract of `Parameters`, held by every neuron, rule, geometry and encoding."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from stdpnet.config import (
    Parameters,
    SpecError,
    concrete_subclasses,
    from_dict,
    unknown_name,
)
from stdpnet.encoding import Code, Filter
from stdpnet.models.neurons import AdaptiveLIF, NeuronModel
from stdpnet.models.plasticity import PlasticityRule, TraceSTDP
from stdpnet.models.projections import Convolution, Geometry, WinnerTakeAll
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
    if declared.metadata.get("integer"):
        return int(bound)
    return bound if like is None else Quantity(bound, like.dimension)


@pytest.mark.parametrize(("base", "cls"), CLASSES)
def test_the_dictionary_gives_the_same_object_back(base, cls):
    made = cls()
    values = made.to_dict()
    assert values["type"] == cls.__name__
    assert from_dict(base, values) == made
    assert all(isinstance(v, (str, int, float, bool, list)) for v in values.values())


@pytest.mark.parametrize(("base", "cls"), CLASSES)
def test_objects_are_frozen_and_documented(base, cls):
    for name in cls().get_params():
        with pytest.raises(FrozenInstanceError):
            setattr(cls(), name, None)
        assert name in cls.__doc__, f"{cls.__name__}.{name} has no documentation"


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


@pytest.mark.parametrize(("cls", "declared"), with_metadata("choices"))
def test_an_unknown_choice_is_refused(cls, declared):
    message = f"{cls.__name__}.{declared.name} must be one of .*, got 'nothing'"
    with pytest.raises(ValueError, match=message):
        cls(**{declared.name: "nothing"})


@pytest.mark.parametrize(("cls", "declared"), with_metadata("number"))
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "3", True, None, [1]])
def test_what_is_no_number_is_refused(cls, declared, value):
    message = f"{cls.__name__}.{declared.name} must be (a number|an integer), got"
    with pytest.raises(ValueError, match=message):
        cls(**{declared.name: value})


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


def test_integers_do_not_lose_a_fraction():
    assert Convolution(height=3.0).height == 3
    with pytest.raises(
        ValueError, match=r"Convolution.height must be an integer, got 2.5"
    ):
        Convolution(height=2.5)


def test_the_default_type_is_used_where_none_is_named():
    assert from_dict(NeuronModel, {"v_th": 2}, default="AdaptiveLIF").v_th == 2.0
    with pytest.raises(SpecError, match="unknown neuron 'None'"):
        from_dict(NeuronModel, {"v_th": 2})


def test_an_abstract_class_is_not_found_by_name():
    assert "AdaptiveThreshold" not in concrete_subclasses(NeuronModel)
    assert all(
        issubclass(cls, Parameters) for cls in concrete_subclasses(Parameters).values()
    )


def test_a_switch_is_a_switch():
    assert WinnerTakeAll(within_map=True).within_map is True


def test_no_guess_is_made_for_a_name_that_is_far_from_all():
    assert unknown_name("rule", "zzz", ["a", "b"]) == "unknown rule 'zzz'; known: a, b"
