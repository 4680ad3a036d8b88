"""``stdpnet plot``: one figure of a run, a rule, a neuron or a sound as a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from stdpnet.cli.options import JsonOption, RunArgument, examples, file_option
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


def write_figure(name: str, run: Path, out: Path | None) -> Path:
    """Draw one figure of a run into a file, and return its path.

    Raises
    ------
    ValueError
        If the ending is not that of a picture.
    """
    from stdpnet.analysis import load_run, save_figure

    path = run / "figures" / f"{name}.png" if out is None else out
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path} must end in {', '.join(ENDINGS)}; rename it")
    return save_figure(load_run(run), name, path)


def _command(name: str) -> Callable[..., None]:
    def draw(run: RunArgument, out: OutOption = None, json: JsonOption = False) -> None:
        path = write_figure(name, run, out)
        if json:
            print_json({"figure": name, "path": path})
        else:
            print(path)

    draw.__doc__ = FIGURES[name]
    return draw


def _example_run(name: str) -> str:
    return _EXAMPLES.get(name, "runs/conv-stdp-digits-1")


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    name: (
        _command(name),
        examples(f"stdpnet plot {name} {_example_run(name)} -o {name}.svg"),
    )
    for name in FIGURES
} | (MODEL_COMMANDS | AUDIO_COMMANDS)
