"""Random spike trains against a plain Python loop, for every deterministic rule."""

import numpy as np
import pytest

from stdpnet.config import concrete_subclasses
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import build
from stdpnet.engine.run import run_chunk
from stdpnet.models.network import Input, Network, Population, Projection
from stdpnet.models.neurons import IF
from stdpnet.models.plasticity import PairSTDP, PlasticityRule
from stdpnet.models.projections import Convolution, OneToOne
from stdpnet.units import ms

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


@pytest.mark.parametrize("backend", ["cpp", "numpy"])
@pytest.mark.parametrize("where", GEOMETRIES)
def test_weights_follow_the_rule(where, backend, rng, monkeypatch):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    geometry = GEOMETRIES[where]
    net = network(geometry)
    shape = net.shape("post")
    start = rng.uniform(0.1, 0.8, geometry.kernel_shape(INPUTS, 3))
    rates = {
        "pre": rng.uniform(0, 60, (N_EXAMPLES, *INPUTS)).astype("f4"),
        "driver": rng.uniform(20, 120, (N_EXAMPLES, *shape)).astype("f4"),
    }
    result = run_chunk(
        build(net.describe(), backend, title="test: random trains"),
        rates,
        {**{f"{name}.w": start for name in RULES}, "drive.w": np.ones(shape)},
        net.parameter_values(),
        n_steps=N_STEPS,
        seed=3,
        record=["pre", "post"],
    )
    assert min(len(rows) for rows in result.spikes.values()) > 5
    for name, rule in RULES.items():
        expected = by_hand(rule, geometry, shape, start, result.spikes)
        assert np.abs(expected - start.ravel()).max() > 0.001, name
        learned = result.state[f"{name}.w"].ravel()
        assert learned == pytest.approx(expected, rel=1e-6, abs=1e-12), name


def test_every_deterministic_rule_has_its_loop_here():
    built_in = [
        name
        for name, rule in KNOWN.items()
        if rule.__module__.startswith("stdpnet.models.plasticity")
        and rule().levels is None
    ]
    assert set(built_in) == set(STEP)
