"""What holds for every neuron model there is."""

from dataclasses import replace

import numpy as np
import pytest

from stdpnet.config import concrete_subclasses, from_dict
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.custom import EquationNeuron, resolved
from stdpnet.models.network import Input, Network, Population, Projection
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.projections import OneToOne
from stdpnet.units import Quantity, ms

MODELS = {
    name: model
    for name, model in concrete_subclasses(NeuronModel).items()
    if model.__module__.startswith("stdpnet.models.neurons")
}
SHAPE = (2, 3, 2)
N_EXAMPLES, N_STEPS = 3, 60
#: Weights that take a neuron over its threshold within a few spikes.
WEIGHTS = {"ConductanceLIF": 3.0, "SigmoidNeuron": 4.0, "IF": 5.0, "LatencyIF": 5.0}
WEIGHTS["SoftResetIF"] = 0.4
EACH = pytest.mark.parametrize("name", MODELS)


def stochastic(model: type[NeuronModel]) -> bool:
    return "rand(" in model.threshold


def network(**changed: NeuronModel) -> Network:
    """All neurons side by side, each driven by the same input."""
    neurons = {name: model() for name, model in MODELS.items()} | changed
    return Network(
        inputs=(Input(name="inputs", shape=SHAPE, stimulus="rates"),),
        populations=tuple(
            Population(name=name.lower(), shape=SHAPE, neuron=neuron)
            for name, neuron in neurons.items()
        ),
        projections=tuple(
            Projection(
                name=f"to_{name.lower()}",
                source="inputs",
                target=name.lower(),
                geometry=OneToOne(),
            )
            for name in neurons
        ),
        counters=(),
        dt=1 * ms,
        dtype="float64",
    )


@pytest.fixture(params=["cpp", "numpy", pytest.param("cython", marks=pytest.mark.slow)])
def backend(request, monkeypatch) -> str:
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    return request.param


def start(net: Network) -> dict[str, np.ndarray]:
    state = {
        f"to_{name.lower()}.w": np.full(SHAPE, WEIGHTS.get(name, 6.0))
        for name in MODELS
    }
    for name, model in MODELS.items():
        values = model().initial()
        for variable in model.per_map:
            place = f"{name.lower()}.{variable}"
            state[place] = np.full(SHAPE[2], values.get(variable, 0.0))
    return state


def run(
    backend: str, *, rate: float = 200.0, seed: int = 3, learning: bool = True
) -> tuple[dict[str, np.ndarray], ChunkResult]:
    net = network()
    rates = np.random.default_rng(1).uniform(0.2, 1, (N_EXAMPLES, *SHAPE)) * rate
    before = start(net)
    return before, run_chunk(
        build(net.describe(), backend, title="test: all neurons"),
        {"inputs": rates.astype("f4")},
        before,
        net.parameter_values(learning=learning),
        n_steps=N_STEPS,
        seed=seed,
        record=[name.lower() for name in MODELS],
    )


def test_every_neuron_spikes_and_the_seed_decides_when(backend):
    found = [run(backend, seed=seed)[1].spikes for seed in (3, 3, 4)]
    for name in map(str.lower, MODELS):
        same, again, other = (spikes[name] for spikes in found)
        assert len(same) > 5, name
        assert np.array_equal(same, again), name
        assert not np.array_equal(same, other), name


def test_without_input_only_stochastic_neurons_spike(backend):
    _, result = run(backend, rate=0.0)
    for name, model in MODELS.items():
        if not stochastic(model):
            assert len(result.spikes[name.lower()]) == 0, name


def test_without_learning_nothing_that_maps_share_changes(backend):
    before, result = run(backend, learning=False)
    _, learned = run(backend)
    for name, model in MODELS.items():
        for variable in model.per_map:
            place = f"{name.lower()}.{variable}"
            assert np.array_equal(result.state[place], before[place]), place
            assert not np.array_equal(learned.state[place], before[place]), place


def test_neurons_that_spike_once_spike_once(backend):
    _, result = run(backend)
    for name, model in MODELS.items():
        examples_neurons = result.spikes[name.lower()][:, [0, 2]]
        once = len(np.unique(examples_neurons, axis=0)) == len(examples_neurons)
        assert once == model.spikes_once, name


def test_parameters_compile_nothing():
    changed = {}
    for name, model in MODELS.items():
        given = model()
        values = {
            field: value * 0.5
            for field, value in given.get_params().items()
            if isinstance(value, Quantity | float) and 0.5 * float_of(value) != 0
        }
        try:
            changed[name] = replace(given, **values)
        except ValueError:  # a bound that another parameter sets
            continue
    assert len(changed) >= len(MODELS) - 1
    assert network(**changed).describe() == network().describe()


def float_of(value: Quantity | float) -> float:
    return float(value.value if isinstance(value, Quantity) else value)


@EACH
def test_wrong_units_are_refused(name):
    model = MODELS[name]
    for field, value in model().get_params().items():
        wrong = "3 nA" if isinstance(value, Quantity) else "3 mV"
        with pytest.raises(ValueError, match=rf"{name}\.{field}"):
            model(**{field: wrong})


@EACH
def test_a_neuron_survives_its_text(name):
    neuron = MODELS[name]()
    assert from_dict(NeuronModel, neuron.to_dict()) == neuron
    user_class = type(name, (MODELS[name],), {"__module__": "my_neurons"})
    user_class._abstract = True  # known to this test alone
    of_user = object.__new__(user_class)
    for field, value in vars(neuron).items():
        object.__setattr__(of_user, field, value)
    if neuron.tables:
        with pytest.raises(ValueError, match=f"{name} has tables"):
            resolved(of_user)
        return
    as_text = resolved(of_user)
    assert isinstance(as_text, EquationNeuron)
    ours, theirs = (network(**{name: one}) for one in (neuron, as_text))
    assert ours.describe() == theirs.describe()
    assert ours.parameter_values() == theirs.parameter_values()
