"""What a network becomes as plain data: levels, units, parameters, names."""

import json
from dataclasses import replace

import pytest

from stdpnet.config import concrete_subclasses
from stdpnet.models.network import Counter, Input, Network, Population, Projection
from stdpnet.models.neurons import AdaptiveIF, AdaptiveLIF, NeuronModel
from stdpnet.models.plasticity import PlasticityRule, TraceSTDP
from stdpnet.models.projections import Convolution, SumPooling, WinnerTakeAll
from stdpnet.units import ms

KERNEL = Convolution(height=3, width=3)


def layer(neuron=None, rule=None, competition=None) -> Network:
    return Network(
        inputs=(Input(name="pixels", shape=(6, 7, 2)),),
        populations=(
            Population(
                name="features",
                shape=(4, 5, 3),
                neuron=neuron or AdaptiveLIF(),
                competition=competition,
            ),
        ),
        projections=(
            Projection(
                name="afferents",
                source="pixels",
                target="features",
                geometry=KERNEL,
                rule=rule,
            ),
        ),
        counters=(Counter(name="counts", source="features", pooling=SumPooling()),),
        dt=1 * ms,
    )


def members(base) -> list:
    return [pytest.param(c(), id=name) for name, c in concrete_subclasses(base).items()]


@pytest.mark.parametrize("neuron", members(NeuronModel))
@pytest.mark.parametrize("rule", [*members(PlasticityRule), None])
def test_a_description_is_plain_data_without_values(neuron, rule):
    network = layer(neuron, rule)
    if rule is not None and rule.needs_two_spikes and neuron.spikes_once:
        with pytest.raises(ValueError, match="only from the second spike"):
            network.describe()
        return
    described = network.describe()
    assert json.loads(json.dumps(described)) == described
    parts = described["groups"] | described["projections"]
    needed = {f"{part}.{name}" for part in parts for name in parts[part]["parameters"]}
    given = set(network.parameter_values())
    assert given - needed <= {"afferents.learning"}
    assert needed <= given


@pytest.mark.parametrize("neuron", members(NeuronModel))
def test_values_of_parameters_do_not_shape_the_description(neuron):
    changed = {
        name: value * 2 if isinstance(value, float) and value <= 0.5 else value
        for name, value in neuron.get_params().items()
    }
    again = layer(replace(neuron, **changed)).describe()
    assert again == layer(neuron).describe()


def test_every_variable_belongs_to_its_level():
    competition = WinnerTakeAll(within_map=True)
    described = layer(AdaptiveIF(), TraceSTDP(), competition).describe()
    features = described["groups"]["features"]["equations"]
    assert "v     : 1" in features["neuron"]
    assert features["map"][0] == "theta : 1"
    assert {line.split("_")[0] for line in features["map"]} == {"theta : 1", "map"}
    assert all(line.startswith("site_") for line in features["site"])
    assert described["groups"]["pixels"]["equations"]["neuron"] == [
        "dafferents_pre_trace/dt = -afferents_pre_trace / afferents_tau_pre : 1"
    ]
    assert described["groups"]["pixels"]["source_reset"] == ["afferents_pre_trace = 1"]
    assert described["groups"]["pixels"]["target_reset"] == []
    assert described["groups"]["pixels"]["start"]["neuron"] == [
        "afferents_pre_trace = 0"
    ]


def test_parameters_are_in_si_units():
    network = layer(AdaptiveLIF(tau_m=35 * ms), TraceSTDP(tau_pre="12 ms"))
    values = network.parameter_values()
    assert values["features.tau_m"] == 0.035
    assert values["afferents.tau_pre"] == 0.012
    described = network.describe()
    assert described["groups"]["features"]["parameters"]["tau_m"] == "second"
    assert described["groups"]["features"]["parameters"]["theta_plus"] == "1"


def test_without_learning_thresholds_and_weights_stay():
    network = layer(AdaptiveLIF(theta_plus=0.2, theta_decay=0.1), TraceSTDP())
    on, off = (network.parameter_values(learning=flag) for flag in (True, False))
    assert (on["afferents.learning"], off["afferents.learning"]) == (1.0, 0.0)
    changed = {name for name in on if on[name] != off[name]}
    assert changed == {
        "afferents.learning",
        "features.theta_plus",
        "features.theta_decay",
    }


def test_shapes_of_weights_and_counts():
    described = layer().describe()
    assert described["projections"]["afferents"]["weights"] == [3, 3, 2, 3]
    assert described["counters"]["counts"]["shape"] == [2, 3, 3]
    assert layer().shape("pixels") == (6, 7, 2)


def test_a_projection_must_end_at_a_population():
    backwards = replace(
        layer().projections[0],
        source="features",
        target="pixels",
        geometry=Convolution(height=1, width=1, padding=1),
    )
    network = replace(layer(), projections=(backwards,))
    with pytest.raises(ValueError, match="must end at a population, got 'pixels'"):
        network.describe()


@pytest.mark.parametrize(
    "name", ["features", "features_map", "features_site", "counts"]
)
def test_no_two_parts_may_have_one_name(name):
    message = f"^Network: the name '{name}' is taken twice .*; rename "
    with pytest.raises(ValueError, match=message):
        replace(layer(), inputs=(Input(name=name, shape=(6, 7, 2)),))


def test_a_line_that_is_no_equation_is_named(monkeypatch):
    monkeypatch.setattr(AdaptiveIF, "equations", "v : 1\nno equation")
    message = r"^AdaptiveIF\.equations: cannot read the equation 'no equation'; write"
    with pytest.raises(ValueError, match=message):
        layer(AdaptiveIF()).describe()
