"""One contract for all rules, and a plain Python loop for the deterministic ones."""

from dataclasses import replace

import numpy as np
import pytest

from stdpnet.config import concrete_subclasses, from_dict
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import build
from stdpnet.engine.run import run_chunk
from stdpnet.models.custom import EquationRule, resolved
from stdpnet.models.network import Input, Network, Population, Projection
from stdpnet.models.neurons import IF
from stdpnet.models.plasticity import HybridSTDP, PairSTDP, PlasticityRule
from stdpnet.models.projections import Convolution, OneToOne
from stdpnet.units import Quantity, ms

N_STEPS, N_EXAMPLES, DT = 40, 3, 1e-3
INPUTS = (4, 5, 2)
GEOMETRIES = {
    "convolution": Convolution(height=3, width=3, stride=2, padding=1),
    "dense": Convolution.dense(INPUTS),
}
#: By rule: the weight after a post spike, and after a pre spike, from the traces
#: x of the source and y, z of the target.
STEP = {
    "TraceSTDP": (lambda r, w, x, y, z: w + r.learning_rate * (x - r.offset) * w * (r.w_max - w), None),
    "PowerLawSTDP": (
        lambda r, w, x, y, z: w + r.learning_rate * (x - r.offset) * (r.w_max - w) ** r.mu, None,
    ),
    "ExponentialSTDP": (
        lambda r, w, x, y, z: w + r.learning_rate
        * (x * np.exp(-r.beta * w) - r.offset * np.exp(-r.beta * (r.w_max - w))), None,
    ),
    "SimplifiedSTDP": (
        lambda r, w, x, y, z: w + r.learning_rate * (1 if x else -r.depression) * w * (r.w_max - w), None,
    ),
    "PairSTDP": (
        lambda r, w, x, y, z: w + r.learning_rate * x,
        lambda r, w, x, y, z: w - r.learning_rate * r.depression * y,
    ),
    "SymmetricSTDP": (
        lambda r, w, x, y, z: w + r.learning_rate * (x - r.offset) * (r.w_max - w) ** r.mu,
        lambda r, w, x, y, z: w - r.learning_rate * r.depression * y * w**r.mu,
    ),
    "TripletSTDP": (
        lambda r, w, x, y, z: w + r.learning_rate * x * z,
        lambda r, w, x, y, z: w - r.learning_rate * r.depression * y,
    ),
}  # fmt: skip
#: Names of the time constants of x, y and z.
TAU = {
    "SimplifiedSTDP": (None, None, None),
    "PairSTDP": ("tau_plus", "tau_minus", None),
    "SymmetricSTDP": ("tau_pre", "tau_post", None),
    "TripletSTDP": ("tau_pre", "tau_post", "tau_slow"),
}
KNOWN = concrete_subclasses(PlasticityRule)
RULES = {name: KNOWN[name](learning_rate=0.05, w_max=0.9) for name in STEP}
RULES["nearest"] = PairSTDP(learning_rate=0.05, w_max=0.9, pairing="nearest")
#: Rules of synapses with levels, which no loop follows.
RULES |= {
    name: rule(learning_rate=0.4, depression=0.5, w_max=0.9)
    for name, rule in KNOWN.items()
    if rule.__module__.startswith("stdpnet.models.plasticity") and rule().levels
}
RULES["mini_batch"] = HybridSTDP(learning_rate=0.2, aggregate="mini-batch", batch=2)


def network(geometry: Convolution) -> Network:
    """All rules watch the same spikes; drivers make the targets spike."""
    shape = geometry.target_shape(INPUTS, 3)
    watching = tuple(
        Projection(
            name=name,
            source="pre",
            target="post",
            geometry=geometry,
            rule=rule,
            transmits=False,
        )
        for name, rule in RULES.items()
    )
    drive = Projection(
        name="drive", source="driver", target="post", geometry=OneToOne()
    )
    return Network(
        inputs=(
            Input(name="pre", shape=INPUTS, stimulus="rates"),
            Input(name="driver", shape=shape, stimulus="rates"),
        ),
        populations=(Population(name="post", shape=shape, neuron=IF(v_th=0.5)),),
        projections=(*watching, drive),
        counters=(),
        dt=1 * ms,
        dtype="float64",
    )


def decay(rule: PlasticityRule, k: int) -> float:
    names = TAU.get(rule.title, ("tau_pre", None, None))
    return 1.0 if names[k] is None else np.exp(-DT / getattr(rule, names[k]).value)


def by_hand(rule, geometry, shape, w, spikes) -> np.ndarray:
    """Learn from recorded spikes, one synapse after the other."""
    w = w.ravel().copy()
    on_post, on_pre = STEP[rule.title]
    synapses = list(zip(*geometry.edges(INPUTS, shape), strict=True))
    adds = getattr(rule, "pairing", "nearest") == "all-to-all"

    def spiked(group: str, example: int, step: int) -> list[int]:
        rows = spikes[group]
        return rows[(rows[:, 0] == example) & (rows[:, 1] == step), 2].tolist()

    for example in range(N_EXAMPLES):
        x, y, z = np.zeros(np.prod(INPUTS)), *np.zeros((2, np.prod(shape)))
        for step in range(N_STEPS):
            x, y, z = (t * decay(rule, k) for k, t in enumerate((x, y, z)))
            pre, post = spiked("pre", example, step), spiked("post", example, step)
            x[pre] = x[pre] + 1 if adds else 1
            for change, ends in ((on_pre, pre), (on_post, post)):
                for n in ends if change else ():
                    for i, j, k in synapses:
                        if n == (j if change is on_post else i):
                            new = change(rule, w[k], x[i], y[j], z[j])
                            w[k] = min(max(new, 0), rule.w_max)
            y[post] = y[post] + 1 if adds else 1
            z[post] = 1
    return w


@pytest.fixture(params=["cpp", "numpy", pytest.param("cython", marks=pytest.mark.slow)])
def backend(request, monkeypatch) -> str:
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    return request.param


def start(net: Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return weights that every rule can have, the same for all that are continuous."""
    shape = net.projections[0].geometry.kernel_shape(INPUTS, (1, 1, 3))
    same = rng.uniform(0.1, 0.8, shape)
    state = {"drive.w": np.ones(net.shape("post"))}
    for name, rule in RULES.items():
        w = same if rule.levels is None else rule.initial_weights(rng, shape)
        values = {"w": w, **rule.synapses(w)}
        state |= {f"{name}.{variable}": array for variable, array in values.items()}
    return state


def run(net: Network, backend: str, state, rng, *, rate=1.0, seed=3, **changed):
    """Show random trains, with learning on if nothing else is said."""
    shape = net.shape("post")
    rates = {
        "pre": rate * rng.uniform(0, 60, (N_EXAMPLES, *INPUTS)).astype("f4"),
        "driver": rate * rng.uniform(20, 120, (N_EXAMPLES, *shape)).astype("f4"),
    }
    learning = changed.pop("learning", True)
    values = net.parameter_values(learning=learning) | changed
    return run_chunk(
        build(net.describe(), backend, title="test: random trains"),
        rates,
        state,
        values,
        n_steps=N_STEPS,
        seed=seed,
        record=["pre", "post"],
    )


@pytest.mark.parametrize("where", GEOMETRIES)
def test_weights_follow_the_rule(where, backend, rng):
    net = network(GEOMETRIES[where])
    before = start(net, rng)
    result = run(net, backend, before, rng)
    assert min(len(rows) for rows in result.spikes.values()) > 5
    for name, rule in RULES.items():
        if rule.levels is not None:
            continue
        w = before[f"{name}.w"]
        expected = by_hand(rule, GEOMETRIES[where], net.shape("post"), w, result.spikes)
        assert np.abs(expected - w.ravel()).max() > 0.001, name
        learned = result.state[f"{name}.w"].ravel()
        assert learned == pytest.approx(expected, rel=1e-6, abs=1e-12), name


def test_bounds_and_levels_hold_however_weights_are_driven(backend, rng):
    net = network(GEOMETRIES["convolution"])
    before = start(net, rng)
    driven = {
        f"{name}.learning_rate": 30.0 if rule.levels is None else 1.0
        for name, rule in RULES.items()
        if rule.title not in ("TraceSTDP", "SimplifiedSTDP")
    }
    result = run(net, backend, before, rng, **driven)
    for name, rule in RULES.items():
        w = result.state[f"{name}.w"]
        assert not np.array_equal(w, before[f"{name}.w"]), name
        rule.check_weights(w, name)
        if rule.levels is not None:
            assert np.isin(w, rule.levels).all(), name


def test_without_spikes_nothing_changes(backend, rng):
    net = network(GEOMETRIES["convolution"])
    before = start(net, rng)
    result = run(net, backend, before, rng, rate=0.0)
    for name in before:
        if not name.endswith(".shown"):  # counts presentations
            assert np.array_equal(result.state[name], before[name]), name


def test_with_learning_off_nothing_changes(backend, rng):
    net = network(GEOMETRIES["convolution"])
    before = start(net, rng)
    result = run(net, backend, before, rng, learning=False)
    assert len(result.spikes["post"]) > 5
    for name in before:
        assert np.array_equal(result.state[name], before[name]), name


def test_the_seed_decides_and_nothing_else(backend, rng):
    net = network(GEOMETRIES["convolution"])
    before = start(net, rng)
    seeds = (3, 3, 4)
    found = [
        run(net, backend, before, np.random.default_rng(1), seed=seed) for seed in seeds
    ]
    for name in before:
        assert np.array_equal(found[0].state[name], found[1].state[name]), name
    for name in RULES:
        same, other = (result.state[f"{name}.w"] for result in found[1:])
        assert not np.array_equal(same, other), name


def test_parameters_compile_nothing():
    net = network(GEOMETRIES["convolution"])
    for rule in KNOWN.values():
        if not rule.__module__.startswith("stdpnet.models.plasticity"):
            continue
        given = rule()
        changed = {
            name: value * 0.5
            for name, value in given.values().items()
            if not isinstance(value, int) and name != "stable_share"
        }
        other = replace(given, **changed)
        assert other != given
        part = net.projections[0]
        both = [
            replace(net, projections=[replace(part, rule=r)]).describe()
            for r in (given, other)
        ]
        assert both[0] == both[1]


@pytest.mark.parametrize("name", STEP)
def test_wrong_units_and_values_are_refused(name):
    rule = KNOWN[name]
    for field, value in rule().values().items():
        wrong = "3 mV" if not isinstance(value, Quantity) else "3 nA"
        with pytest.raises(ValueError, match=rf"{name}\.{field}"):
            rule(**{field: wrong})
    with pytest.raises(ValueError, match=rf"{name}\.w_max must be > 0, got -1"):
        rule(w_max=-1)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_survives_its_text(rule):
    assert from_dict(PlasticityRule, rule.to_dict()) == rule
    as_text = replace(
        resolved_text(rule), learning_rate=rule.learning_rate, w_max=rule.w_max
    )
    ours, theirs = (
        replace(
            network(GEOMETRIES["dense"]),
            projections=[
                replace(network(GEOMETRIES["dense"]).projections[0], rule=one)
            ],
        )
        for one in (rule, as_text)
    )
    assert ours.describe() == theirs.describe()
    assert ours.parameter_values() == theirs.parameter_values()


def resolved_text(rule: PlasticityRule) -> EquationRule:
    """Resolve a rule as if its class were a user's."""
    user_class = type(type(rule).__name__, (type(rule),), {"__module__": "my_rules"})
    user_class._abstract = True  # known to this test alone
    user_rule = object.__new__(user_class)
    for name, value in vars(rule).items():
        object.__setattr__(user_rule, name, value)
    return resolved(user_rule)


def test_every_deterministic_rule_has_its_loop_here():
    built_in = [
        name
        for name, rule in KNOWN.items()
        if rule.__module__.startswith("stdpnet.models.plasticity")
        and rule().levels is None
    ]
    assert set(built_in) == set(STEP)
