"""``stdpnet plot``: one figure of a run, a rule, a neuron or a sound as a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from stdpnet.cli.options import (
    JsonOption,
    RunArgument,
    examples,
    file_option,
    whole_option,
)
from stdpnet.cli.output import print_json
from stdpnet.cli.plot_audio import COMMANDS as AUDIO_COMMANDS
from stdpnet.cli.plot_models import COMMANDS as MODEL_COMMANDS
from stdpnet.cli.plot_models import ENDINGS

HELP = "One figure of a run, a rule, a neuron or a sound, as a PNG, SVG or PDF file."
EPILOG = examples(
    "stdpnet plot kernels runs/conv-stdp-digits-1 -o kernels.svg",
    "stdpnet plot rule TraceSTDP",
)

FIGURES = {
    "kernels": "Draw the learned kernels.",
    "receptive-fields": "Draw the receptive fields of all neurons, class by class.",
    "compression": "Draw what pruning and quantization left, and what it saves.",
    "patches": "Draw the patches of images at which each map of a layer spikes first.",
    "curves": "Draw the course of learning: convergence, thresholds, spikes.",
    "confusion": "Draw which classes of the test images were mistaken for which.",
    "spikes": "Draw how the spikes of the test images are spread.",
    "senses": "Draw what is recognized with each sense alone, and with all.",
    "recall": "Draw what one sense evokes in another.",
}

#: A run that has the figure, for the help.
_EXAMPLES = dict.fromkeys(
    ("receptive-fields", "compression"), "runs/diehl-cook-400-mnist-1"
) | dict.fromkeys(("senses", "recall"), "runs/two-senses-mnist+fsdd-1")

OutOption = Annotated[
    Path | None,
    file_option(
        "Picture to write; its ending (.png, .svg, .pdf) says the format "
        "(default: RUN/figures/NAME.png)."
    ),
]


LayerOption = Annotated[
    int | None,
    whole_option("--layer", 1, "Only this layer, or bank, from 1 on (default: all)."),
]
#: Figures that have a part for each layer.
OF_LAYERS = ("kernels", "patches", "curves")


def write_figure(
    name: str, run: Path, out: Path | None, layer: int | None = None
) -> Path:
    """Draw one figure of a run into a file, and return its path.

    Raises
    ------
    ValueError
        If the ending is not that of a picture, or there is no such layer.
    """
    from stdpnet.analysis import load_run, save_figure

    end = "" if layer is None else f"-{layer}"
    path = run / "figures" / f"{name}{end}.png" if out is None else out
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path} must end in {', '.join(ENDINGS)}; rename it")
    loaded = load_run(run)
    return save_figure(loaded if layer is None else loaded.only(layer), name, path)


def _command(name: str) -> Callable[..., None]:
    def draw(run: RunArgument, out: OutOption = None, json: JsonOption = False) -> None:
        _tell(name, write_figure(name, run, out), json)

    def draw_layer(
        run: RunArgument,
        layer: LayerOption = None,
        out: OutOption = None,
        json: JsonOption = False,
    ) -> None:
        _tell(name, write_figure(name, run, out, layer), json)

    command = draw_layer if name in OF_LAYERS else draw
    command.__doc__ = FIGURES[name]
    return command


def _tell(name: str, path: Path, json: bool) -> None:
    if json:
        print_json({"figure": name, "path": path})
    else:
        print(path)


def _example_run(name: str) -> str:
    return _EXAMPLES.get(name, "runs/conv-stdp-digits-1")


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    name: (
        _command(name),
        examples(f"stdpnet plot {name} {_example_run(name)} -o {name}.svg"),
    )
    for name in FIGURES
} | (MODEL_COMMANDS | AUDIO_COMMANDS)
