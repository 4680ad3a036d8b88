"""The figure of any rule or neuron: measure, draw, write the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stdpnet.analysis.neuron_numbers import NeuronNumbers, measure_neuron
from stdpnet.analysis.neuron_plots import draw_neuron
from stdpnet.analysis.rule_numbers import RuleNumbers, measure_rules
from stdpnet.analysis.rule_plots import draw_rule
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Numbers = RuleNumbers | NeuronNumbers


def measure_model(
    model: PlasticityRule | NeuronModel,
    *,
    backend: str = "auto",
    seed: int = 0,
    visible: bool = False,
) -> Numbers:
    """Measure what a rule or a neuron does, in the simulator.

    Parameters
    ----------
    model : PlasticityRule or NeuronModel
        What to measure.
    backend : {"auto", "cpp", "cython", "numpy"}
        How to run the simulator.
    seed : int
        Seed of everything that is random.
    visible : bool
        Whether to show progress on standard error.
    """
    if isinstance(model, NeuronModel):
        return measure_neuron(model, backend=backend, seed=seed, visible=visible)
    (numbers,) = measure_rules([model], backend=backend, seed=seed, visible=visible)
    return numbers


def draw_model(numbers: Numbers) -> Figure:
    """Draw what `measure_model` found in a new figure."""
    if isinstance(numbers, NeuronNumbers):
        return draw_neuron(numbers)
    return draw_rule(numbers)
