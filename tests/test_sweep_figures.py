"""Figures of sweeps, on results that are made up."""

from io import BytesIO

import numpy as np
import optuna
import pytest

from stdpnet.sweep.figures import FIGURES
from stdpnet.sweep.maps import ENOUGH, draw_map
from stdpnet.sweep.options import Definition
from stdpnet.sweep.results import Results, TrialResult
from stdpnet.sweep.space import Space

RANGES = {"rule.learning_rate": "0.001:0.1:log", "neuron.theta_start": "2:8"}
CHOICES = {"network.n_maps": [4, 8, 16], "rule.type": ["TraceSTDP", "PairSTDP"]}
#: Those that need the arrays of runs have tests where there are runs.
DRAWN = sorted(set(FIGURES) - {"sweep-kernels", "learning"})


def results(parameters: dict, n_trials: int, rng: np.random.Generator) -> Results:
    """Return results of trials that are finished, with two seeds each."""
    space = Space(parameters).of("conv-stdp")
    objectives = ("accuracy", "bytes")
    definition = Definition(
        space=space,
        n_trials=n_trials,
        sampler="random",
        seeds=2,
        objectives=objectives,
        pruner="none",
    )
    study = optuna.create_study(directions=["maximize", "minimize"])
    trials = []
    for number in range(n_trials):
        values = space.at(rng.random((1, len(parameters))))[0]
        runs = {
            seed: {"accuracy": rng.uniform(0.8, 0.9), "bytes": float(rng.integers(99))}
            for seed in (0, 1)
        }
        means = [
            float(np.mean([run[name] for run in runs.values()])) for name in objectives
        ]
        study.add_trial(
            optuna.create_trial(
                params=values, distributions=space.distributions(), values=means
            )
        )
        trials.append(TrialResult(number, "complete", values, runs, steps={25: 0.5}))
    return Results(None, definition, trials, {}, study)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("parameters", [RANGES, CHOICES], ids=["ranges", "choices"])
@pytest.mark.parametrize("n_trials", [2, ENOUGH, 3 * ENOUGH])
def test_every_figure_can_be_drawn(parameters, n_trials, name, rng):
    made = results(parameters, n_trials, rng)
    if not FIGURES[name].suits(made):
        pytest.skip("has nothing to show")
    picture = BytesIO()
    FIGURES[name].draw(made).savefig(picture, format="svg")
    assert picture.getvalue()


def test_a_map_of_choices_has_the_mean_of_each_pair(rng):
    made = results(CHOICES, 24, rng)
    ax = draw_map(made).axes[0]
    shown = sorted(float(text.get_text()) for text in ax.texts)
    pairs: dict[tuple, list[float]] = {}
    for trial in made.trials:
        pair = tuple(sorted(trial.parameters.items()))
        pairs.setdefault(pair, []).append(100 * trial.mean("accuracy"))
    expected = sorted(float(np.mean(found)) for found in pairs.values())
    assert shown == pytest.approx(expected, abs=0.06)


def test_a_map_of_few_trials_is_points_alone(rng):
    for n_trials, n_drawn in ((ENOUGH - 1, 1), (ENOUGH, 2)):
        ax = draw_map(results(RANGES, n_trials, rng)).axes[0]
        assert len(ax.collections) == n_drawn
