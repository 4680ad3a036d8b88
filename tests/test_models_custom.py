"""Rules and neurons of users: read from files and text, checked, saved as text."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from stdpnet import ConvSTDP, Input, Network, Population, Projection, load_network
from stdpnet.config import SpecError, from_dict
from stdpnet.models.custom import (
    EquationNeuron,
    EquationRule,
    model_from_dict,
    resolved,
)
from stdpnet.models.neurons import IF, NeuronModel
from stdpnet.models.plasticity import PlasticityRule, TraceSTDP
from stdpnet.models.projections import OneToOne
from stdpnet.units import ms

PAGE = (Path(__file__).parents[1] / "docs" / "own_rules.md").read_text()
SMALL = {
    "n_maps": 4,
    "kernel_size": 3,
    "padding": 0,
    "backend": "numpy",
    "random_state": 0,
}


def code(language: str) -> list[str]:
    """Return the blocks of the page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def my_rules(tmp_path) -> Path:
    """The file that the page writes."""
    path = tmp_path / "my_rules.py"
    path.write_text(code("python")[0])
    return path


def described(rule=None, neuron=None) -> dict:
    shape = (1, 3, 1)
    population = Population(name="b", shape=shape, neuron=neuron or IF())
    projection = Projection(
        name="ab", source="a", target="b", geometry=OneToOne(), rule=rule
    )
    return Network(
        inputs=[Input(name="a", shape=shape)],
        populations=[population],
        projections=[projection],
        dt=1 * ms,
    ).describe()


def test_the_page_says_the_same_twice(my_rules):
    given = {"type": f"{my_rules}:ForgettingSTDP"}
    from_file = model_from_dict(PlasticityRule, given, "", Path())
    as_text = from_dict(PlasticityRule, tomllib.loads(code("toml")[0])["rule"])
    assert from_file.title == as_text.title == "ForgettingSTDP"
    assert described(from_file) == described(as_text)
    assert resolved(from_file).values() == as_text.values()


def test_the_neuron_of_the_page_is_one():
    neuron = from_dict(NeuronModel, tomllib.loads(code("toml")[1])["neuron"])
    assert described(neuron=neuron)["groups"]["b"]["parameters"]["tau_m"] == "second"


def test_messages_of_the_page_are_what_is_raised(my_rules):
    messages = code("text")[0]
    rule = tomllib.loads(code("toml")[0])["rule"]
    neuron = tomllib.loads(code("toml")[1])["neuron"]
    wrong = [
        {**rule, "on_post": "w = w - dt/tau"},
        {**neuron, "equations": "dv/dt = v / v_c : 1"},
    ]
    for values, line in zip(wrong, messages.splitlines(), strict=False):
        base = PlasticityRule if "on_post" in values else NeuronModel
        part = "rule" if "on_post" in values else "neuron"
        with pytest.raises(ValueError, match=re.escape(line.split(" (defined")[0])):
            described(**{part: from_dict(base, values)})
    given = {"type": f"{my_rules}:ForgettingSTDP", "w_max": -1}
    with pytest.raises(ValueError, match=re.escape(messages.splitlines()[2])):
        model_from_dict(PlasticityRule, given, "", Path())


def test_what_is_saved_loads_without_the_file(my_rules, tmp_path, digits):
    rule = f"rule.type={my_rules}:ForgettingSTDP"
    network = load_network("conv-stdp", [rule, "rule.forgetting=0.01"])
    network.set_params(**SMALL)
    network.fit(digits[0][:20])
    file = network.save(tmp_path / "network.h5")
    my_rules.unlink()
    again = ConvSTDP.load(file)
    assert isinstance(again.rule, EquationRule)
    assert again.rule.values()["forgetting"] == 0.01
    assert str(my_rules.name) not in json.dumps(again.rule.to_dict())
    assert np.array_equal(
        again.transform(digits[0][:5]), network.transform(digits[0][:5])
    )


def test_a_rule_as_text_learns_the_same(digits):
    text = {
        name: getattr(TraceSTDP(), name)
        for name in ("pre_equations", "pre_reset", "on_post")
    }
    written = EquationRule(
        **text, parameters={"tau_pre": "10 ms", "offset": 0.43}, name="Written"
    )
    kernels = [
        ConvSTDP(rule=rule, **SMALL).fit(digits[0][:20]).kernels_
        for rule in (TraceSTDP(), written)
    ]
    assert np.array_equal(*kernels)
    assert np.ptp(kernels[0]) > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"on_post": "w = w + v_post"}, r"on_post: in 'w \+ v_post', 'w' has dimension '1' and 'v_post' 'V'"),
        ({"on_post": "w = w + u_post"}, r"Written\.on_post uses 'u_post', which nothing defines"),
        ({"on_post": "w == 3"}, r"Written\.on_post: cannot read the statement 'w == 3'"),
        ({"on_post": "w = w +"}, r"Written\.on_post: cannot read 'w \+'"),
        ({"on_post": "while = 3"}, r"Written\.on_post: 'while' is a word of C\+\+ or Python"),
        ({"on_post": "w = foo(w)"}, r"Written\.on_post uses 'foo', which nothing defines"),
        ({"on_post": "w = exp(1*second)"}, r"'1 \* second' in .* must be dimensionless, it has 's'"),
        ({"pre_equations": "dx_pre/dt = -x_pre/(5*ms) : 1"}, r"may not end in _pre or _post, got 'x_pre'; call it pre_x"),
        ({"pre_equations": "dx/dt = -x : 1"}, r"Written\.pre_equations: dx/dt has dimension 'Hz', '-x' has '1'"),
        ({"pre_reset": "x = 1*mV"}, r"Written\.pre_reset: x has dimension '1', '1\*mV' has 'V'"),
        ({"on_post": "w = w**x", "pre_equations": "dx/dt = -x/(5*ms) : 1"}, None),
        ({"on_pre": "w -= (2*ms)**x"}, r"the exponent in .* must be a number"),
    ],
)  # fmt: skip
def test_wrong_texts_of_rules_are_named(changes, message):
    texts = {
        "name": "Written",
        "pre_equations": "dx/dt = -x/(5*ms) : 1",
        "pre_reset": "x = 1",
        "on_post": "w = w + x",
    }
    neuron = EquationNeuron(
        equations="v : volt", threshold="v > 1*mV", reset="v = 0*mV", start="v = 0*mV"
    )
    rule = EquationRule(**{**texts, **changes})
    projection = Projection(
        name="ab",
        source="a",
        target="b",
        geometry=OneToOne(),
        rule=rule,
        transmits=False,
    )
    net = Network(
        inputs=[Input(name="a", shape=(1, 1, 1))],
        populations=[Population(name="b", shape=(1, 1, 1), neuron=neuron)],
        projections=[projection],
        dt=1 * ms,
    )
    if message is None:
        net.describe()
        return
    with pytest.raises(ValueError, match=message):
        net.describe()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold": "v > v_th"}, r"Mine\.threshold uses 'v_th', which nothing defines"),
        ({"inputs": ["g"]}, r"Mine\.inputs names 'g', which is not among its variables: v"),
        ({"per_map": ["theta"]}, r"Mine\.per_map names 'theta'"),
        ({"equations": "dv/dt : 1"}, r"Mine\.equations: cannot read the equation 'dv/dt : 1'; write"),
        ({"equations": "v : parsec"}, r"unit 'parsec' uses 'parsec', which nothing defines"),
        ({"threshold": "v > 1*mV"}, r"Mine\.threshold: in 'v > 1\*mV', 'v' has dimension '1' and '1 \* mV' 'V'"),
        ({"parameters": {"tau": "x"}}, r"EquationNeuron\.parameters\.tau: a quantity is written like"),
        ({"parameters": {"not a name": 1}}, r"parameters: 'not a name' is not a name for a parameter"),
        ({"parameters": 3}, r"EquationNeuron\.parameters must be a table of parameters, got 3"),
        ({"parameters": {"tau": float("inf")}}, r"parameters\.tau must be finite"),
        ({"inputs": "v"}, r"EquationNeuron\.inputs must be a list of names, got 'v'"),
        ({"reset": 3}, r"EquationNeuron\.reset must be text, got 3"),
    ],
)  # fmt: skip
def test_wrong_texts_of_neurons_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        described(neuron=EquationNeuron(**{"name": "Mine", **values}))


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (None, "A", r"no such file: .*rules\.py, named by the type"),
        ("1 / 0", "A", r"rules\.py: ZeroDivisionError: division by zero"),
        ("x = 3", "A", r"rules\.py: unknown class 'A'; known: "),
        ("from stdpnet.models.plasticity import TraceSTDP", "TraceSTDP", r"unknown class 'TraceSTDP'"),
    ],
)  # fmt: skip
def test_files_without_the_class_are_refused(text, name, message, tmp_path):
    file = tmp_path / "rules.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SpecError, match=message):
        model_from_dict(PlasticityRule, {"type": f"{file}:{name}"}, "", Path())


def test_a_path_begins_at_the_specification(my_rules):
    given = {"type": "my_rules.py:ForgettingSTDP", "offset": 0.2}
    found = model_from_dict(PlasticityRule, given, "", my_rules.parent)
    assert found.offset == 0.2
    with pytest.raises(SpecError, match=r"unknown .*parameter 'ofset'.*'offset'"):
        model_from_dict(PlasticityRule, {**given, "ofset": 1}, "", my_rules.parent)


def test_a_file_is_executed_only_when_the_user_names_it(my_rules):
    with pytest.raises(SpecError, match="unknown rule"):
        from_dict(PlasticityRule, {"type": f"{my_rules}:ForgettingSTDP"})
