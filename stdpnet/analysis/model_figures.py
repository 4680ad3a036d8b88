"""The figure of any rule or neuron: measure, draw, write the file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from stdpnet.analysis.drawing import DPI
from stdpnet.analysis.neuron_numbers import NeuronNumbers, measure_neuron
from stdpnet.analysis.neuron_plots import draw_neuron
from stdpnet.analysis.rule_numbers import RuleNumbers, measure_rules
from stdpnet.analysis.rule_plots import draw_rule
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.runs import write_atomically

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


def save_drawing(figure: Figure, path: Path | str, dpi: int = DPI) -> Path:
    """Write a figure to a file, which appears when it is complete; return its path.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    path : path
        File, replaced if it exists; its ending says the format. Its folder is made if
        there is none.
    dpi : int
        Pixels per inch of pictures.
    """
    path, picture = Path(path), BytesIO()
    ending = path.suffix.removeprefix(".") or None
    figure.savefig(picture, format=ending, dpi=dpi, facecolor="white")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, picture.getvalue())
    return path
