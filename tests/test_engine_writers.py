"""Rules that write variables of neurons, against plain Brian2."""

import numpy as np
import pytest

from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.engine.program import build
from stdpnet.engine.run import run_chunk
from stdpnet.models.custom import EquationRule
from stdpnet.models.neurons import LIF
from stdpnet.models.parts import Input, Population, Projection
from stdpnet.models.projections import Convolution
from stdpnet.network import Network
from stdpnet.units import ms

#: What is written: of the target that spiked, of other targets, of the source, of the
#: source that spiked.
WRITERS = {
    "target": {"on_post": "v_post -= 0.01*w; w = clip(w*1.01, 0, 1)"},
    "others": {"on_pre": "v_post += 0.02*w; w = clip(w*0.999, 0, 1)"},
    "source": {"on_post": "w = clip(w + 0.1*tr, 0, 1); tr = tr*0.9"},
    "itself": {"on_pre": "tr = tr*0.99 + 0.01*w"},
}
TRACE = {"pre_equations": "dtr/dt = -tr/(10*ms) : 1", "pre_reset": "tr = 1"}
PIXELS = (3, 4, 1)


def network(rules: dict[str, EquationRule]) -> Network:
    return Network(
        inputs=[Input(name="pixels", shape=PIXELS, stimulus="rates")],
        populations=[
            Population(name=f"cells_{what}", shape=(3, 4, 2), neuron=LIF(v_th=0.9))
            for what in rules
        ],
        projections=[
            Projection(
                name=what,
                source="pixels",
                target=f"cells_{what}",
                geometry=Convolution(height=3, width=3, padding=1),
                rule=rule,
            )
            for what, rule in rules.items()
        ],
        dt=0.5 * ms,
        dtype="float64",
    )


def test_rules_may_change_variables_of_neurons(monkeypatch):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    rules = {
        what: EquationRule(**{"on_post": "", **TRACE, **code})
        for what, code in WRITERS.items()
    }
    made = network(rules)
    recorded = {
        f"cells_{what}.{name}": True for what in rules for name in ("v", "spikes")
    }
    recorded |= {f"pixels.{what}_tr": True for what in rules}
    stimulus = np.zeros((2, *PIXELS), np.float32)
    stimulus.reshape(2, -1)[:, :5] = 2000  # in every step
    ours, plain = (
        run_chunk(
            build(made.describe(), backend, title="test: writers"),
            {"pixels": stimulus},
            made.initial_state(3),
            made.parameter_values(),
            n_steps=40,
            n_input_steps=20,
            seed=1,
            record=recorded,
        )
        for backend in ("cpp", "numpy")
    )
    assert min(len(spikes) for spikes in ours.spikes.values()) > 5
    for name, values in {**ours.recordings, **ours.state}.items():
        theirs = {**plain.recordings, **plain.state}[name]
        assert values == pytest.approx(theirs, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("name", ["total", "learning"])
def test_names_that_projections_need_are_refused(name):
    rule = EquationRule(on_post=f"w = clip(w + {name}, 0, 1)", parameters={name: 0.1})
    with pytest.raises(
        ValueError, match=f"projections have a parameter {name!r} of th"
    ):
        network({"afferents": rule}).describe()
