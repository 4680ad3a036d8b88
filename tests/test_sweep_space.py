"""What a sweep varies: how it is written, what is refused."""

import pytest

from stdpnet.config import SpecError
from stdpnet.sweep.space import Choices, Range, Space, as_values, read_parameters
from stdpnet.units import mV


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.001:0.1:log", Range(0.001, 0.1, log=True)),
        ("1e-3:.5", Range(0.001, 0.5)),
        ("-65 mV:-50 mV", Range(-65.0, -50.0, unit="mV", integer=True)),
        ("0.5 ms:2 ms:0.5 ms", Range(0.5, 2.0, step=0.5, unit="ms")),
        ("8:64:8", Range(8.0, 64.0, step=8.0, integer=True)),
        ("8,16", Choices(("8", "16"))),
        ("[1, 2], { a = 1, b = 2 }", Choices(("[1, 2]", "{ a = 1, b = 2 }"))),
        ("PairSTDP", Choices(("PairSTDP",))),
    ],
)
def test_values_are_read_as_they_are_written_and_written_so_again(text, values):
    assert as_values(text) == values
    assert as_values(values.to_text()) == values


def test_values_of_python_become_those_of_toml():
    found = as_values([1, 0.5, True, None, "PairSTDP", -65 * mV, [1, 2], {"a": "b"}])
    assert found.values == (
        "1",
        "0.5",
        "true",
        "none",
        "PairSTDP",
        "-65 mV",
        "[1, 2]",
        '{ a = "b" }',
    )


def test_a_grid_has_both_ends_and_every_step_between():
    assert as_values("8:64:28").grid() == [8, 36, 64]
    assert as_values("0.1:0.3:0.1").grid() == pytest.approx([0.1, 0.2, 0.3])
    assert as_values("1:3").grid() == [1, 2, 3]
    assert as_values("0.1:0.3").grid() is None
    assert as_values("1:8:log").grid() is None


@pytest.mark.parametrize("text", ["0.001:0.1:log", "0.5:2:0.5", "8:64:8", "1:5", "a,b"])
def test_a_distribution_has_the_ends_and_the_grid_of_its_values(text):
    values = as_values(text)
    distribution = values.distribution()
    for value in (*(values.grid() or ()), *values.ends):
        kept = distribution.to_internal_repr(value)
        assert distribution.to_external_repr(kept) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2:1", "range 2:1 is empty; the lower end comes first"),
        ("1:1", "range 1:1 is empty"),
        ("0:1:log", "range 0:1: with log both ends must be > 0"),
        ("0:1:2", "the step must be > 0 and fit into it, got 2"),
        ("1 ms:2 mV", "must have one unit"),
        ("1:2:x", "'x' is neither 'log' nor a number"),
        ("a,,b", "a list of values is empty or has a gap"),
        ("a,b,a", "a value is listed twice in a, b, a"),
        (3, "a parameter is written KEY=LOW:HIGH"),
        ([object()], "a value of a sweep must be as TOML has it"),
    ],
)
def test_values_that_make_no_sense_are_refused(text, message):
    with pytest.raises(SpecError, match="(?s).*".join(message.split("|"))) as refused:
        as_values(text)
    assert "\n" not in str(refused.value)


def test_a_range_that_is_infinite_or_has_log_and_steps_is_refused():
    with pytest.raises(SpecError, match="both ends must be finite"):
        Range(0.0, float("inf"))
    with pytest.raises(SpecError, match="log or a step, not both"):
        Range(1.0, 2.0, log=True, step=0.5)


@pytest.mark.parametrize("text", ["rule.learning_rate", "=1:2", "rule.mu="])
def test_a_parameter_of_the_command_line_has_a_key_and_values(text):
    with pytest.raises(SpecError, match="a parameter is written KEY=LOW:HIGH"):
        read_parameters([text])


def test_a_parameter_is_given_once():
    with pytest.raises(SpecError, match=r"rule\.mu is given twice"):
        read_parameters(["rule.mu=0:1", "rule.mu=1:2"])


def test_errors_name_the_parameter():
    with pytest.raises(SpecError, match=r"^rule\.mu: range 2:1 is empty"):
        read_parameters(["rule.mu=2:1"])
    with pytest.raises(SpecError, match=r"^rule\.mu: range 2:1 is empty"):
        Space({"rule.mu": "2:1"})


def test_a_sweep_without_parameters_is_refused():
    with pytest.raises(SpecError, match="a sweep needs a parameter to vary"):
        Space({})


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        ("rule.learning_rat", "1:2", "Did you mean 'learning_rate'"),
        ("rul.mu", "1:2", "unknown section 'rul'.*Did you mean 'rule'"),
        ("network.n_map", "1:2", "Did you mean 'n_maps'"),
        ("readout.Z", "1:2", "unknown readout key 'Z'"),
        ("rule.learning_rate", "a:b", "TraceSTDP.learning_rate must be a number"),
        ("rule.learning_rate", "1 ms:2 ms", "learning_rate must be a number"),
        ("network.n_maps", "0:4", "ConvSTDP.n_maps must be an integer >= 1, got 0"),
        ("about.n_fit", "none,10", "about.n_fit must be a whole number >= 1"),
        ("about.title", "a,b", "about.title changes nothing; of .about., about.n_fit"),
    ],
)
def test_what_a_specification_does_not_take_is_refused(
    small_spec, key, values, message
):
    with pytest.raises(ValueError, match=message):
        Space({key: values}).of(str(small_spec))


def test_whole_ends_make_whole_numbers_only_where_nothing_else_is_taken(small_spec):
    found = Space({"network.n_maps": "4:8", "neuron.theta_start": "1:5"})
    found = found.of(str(small_spec))
    assert found.parameters["network.n_maps"].integer
    assert not found.parameters["neuron.theta_start"].integer


def test_overrides_are_written_for_the_specification():
    space = Space({"neuron.v_th": "-65 mV:-50 mV", "network.n_maps": [4, 8]})
    found = space.overrides({"neuron.v_th": -60.5, "network.n_maps": "8"})
    assert found == ("neuron.v_th=-60.5 mV", "network.n_maps=8")
