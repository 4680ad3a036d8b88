"""One pair of spikes against the formula of every rule, on every target."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from stdpnet.analysis.closed_forms import pair_change, pair_switching
from stdpnet.analysis.pairing import pair_spikes
from stdpnet.config import concrete_subclasses
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.models.plasticity import (
    HybridSTDP,
    PairSTDP,
    PlasticityRule,
    TraceSTDP,
)

STEPS = np.array([-30, -9, -4, -2, -1, 0, 1, 2, 3, 5, 8, 13, 30])
BUILT_IN = {
    name: rule
    for name, rule in concrete_subclasses(PlasticityRule).items()
    if rule.__module__.startswith("stdpnet.models.plasticity")
}
VARIANTS = [
    TraceSTDP(bounds="hard"),
    TraceSTDP(bounds="power-law", mu=0.5),
    PairSTDP(pairing="nearest"),
    HybridSTDP(probability="exponential"),
]
RULES = [*(cls() for cls in BUILT_IN.values()), *VARIANTS]
CONTINUOUS = [rule for rule in RULES if rule.levels is None]
BINARY = [rule for rule in RULES if rule.levels is not None]


W_MAX = 0.8


@pytest.fixture(params=["cpp", "numpy"])
def backend(request, monkeypatch) -> str:
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    return request.param


def test_one_pair_changes_a_weight_by_the_formula(backend):
    rules = [replace(rule, learning_rate=0.3, w_max=W_MAX) for rule in CONTINUOUS]
    found = pair_spikes(rules, STEPS, np.linspace(0, W_MAX, 5), backend=backend)
    for rule, pairs in zip(rules, found, strict=True):
        expected = pair_change(rule, pairs.delta[:, np.newaxis], pairs.w)
        assert expected is not None, rule
        assert np.abs(expected).max() > 0, rule
        wanted = pairs.w + expected
        assert pairs.after[0] == pytest.approx(wanted, rel=1e-6, abs=1e-12), rule


def test_binary_weights_switch_as_often_as_the_formula_says(backend):
    n = 10_000
    rules = [
        replace(rule, learning_rate=0.4, depression=0.5, w_max=2.0) for rule in BINARY
    ]
    steps = STEPS if backend == "cpp" else np.array([-2, 3])
    found = pair_spikes(
        rules, steps, np.array([0, 2.0]), n_trials=n, backend=backend, seed=5
    )
    for rule, pairs in zip(rules, found, strict=True):
        assert rule.levels is not None
        assert set(np.unique(pairs.after)) <= set(rule.levels)
        on_off = pair_switching(rule, pairs.delta)
        assert on_off is not None, rule
        for k, probability in enumerate(on_off):
            assert probability.max() > 0, rule
            low, high = binom.interval(0.999, n, probability)
            switched = pairs.switched[:, k]
            assert np.all((low <= switched) & (switched <= high)), (rule, k, switched)
