"""``stdpnet plot rule`` and ``stdpnet plot neuron``: what a model does, as a figure."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from stdpnet.cli.options import JsonOption, examples, file_option, whole_option
from stdpnet.cli.output import print_json, print_pairs

ENDINGS = (".png", ".svg", ".pdf")

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one parameter, such as learning_rate=0.02; can be given many times "
        "(default: none).",
    ),
]
OutOption = Annotated[
    Path | None,
    file_option(
        f"Picture to write; its ending ({', '.join(ENDINGS)}) says the format "
        "(default: NAME.png)."
    ),
]
SeedOption = Annotated[
    int, whole_option("--seed", 0, "Seed of all randomness.", metavar="S")
]


def rule(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Rule: a name that 'stdpnet models --rules' lists, or FILE.py:CLASS.",
        ),
    ],
    settings: SetOption = None,
    out: OutOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Draw what a learning rule does with pairs and trains of spikes.

    Weight change (or probability of a switch) against spike-time difference and
    weight, and the mean weight after Poisson trains: all from the simulator, with the
    formula over it.
    """
    from stdpnet.models.plasticity import PlasticityRule

    _plot("rule", PlasticityRule, name, settings, out, seed, json)


def neuron(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Neuron: a name that 'stdpnet models --neurons' lists, or FILE.py:CLASS.",
        ),
    ],
    settings: SetOption = None,
    out: OutOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Draw the potential of a neuron, its rate or probability of a spike, its threshold.

    All from the simulator, with the formula over it.
    """
    from stdpnet.models.neurons import NeuronModel

    _plot("neuron", NeuronModel, name, settings, out, seed, json)


def _plot(
    kind: str,
    base: Any,
    name: str,
    settings: list[str] | None,
    out: Path | None,
    seed: int,
    json: bool,
) -> None:
    model = _model(kind, base, name, settings or [])
    path = Path(f"{model.title}.png") if out is None else out
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path} must end in {', '.join(ENDINGS)}; rename it")
    from stdpnet.analysis.drawing import save_drawing
    from stdpnet.analysis.model_figures import draw_model, measure_model

    numbers = measure_model(model, seed=seed, visible=True)
    save_drawing(draw_model(numbers), path)
    if json:
        print_json({"path": path, **numbers.to_dict()})
        return
    print_pairs(
        {
            "figure": path,
            "formula": numbers.agreement,
            "next": _next(kind, model, name, settings or []),
        }
    )


def _next(kind: str, model: Any, name: str, settings: list[str]) -> str:
    """Return the command that trains a network with the model."""
    changes = [f"type={name}", *(s.removeprefix(f"{kind}.") for s in settings)]
    changes = [f"{kind}.{change}" for change in changes]
    if getattr(model, "needs_two_spikes", False):
        # The winners of that network spike once.
        changes.append("network.inhibition=none")
    command = ["stdpnet", "train", "conv-stdp"]
    for change in changes:
        command += ["--set", change]
    return shlex.join(command)


def _model(kind: str, base: Any, name: str, settings: list[str]) -> Any:
    """Make the model that the words of the command name.

    Raises
    ------
    ValueError
        If there is no such model, or a parameter is not known or out of range.
    """
    from stdpnet.models.custom import model_from_dict
    from stdpnet.specs import read_settings

    values = {
        key.removeprefix(f"{kind}."): value
        for key, value in read_settings(settings).items()
    }
    if "type" in values:
        raise ValueError(f"--set must not change the type, got {values['type']!r}")
    return model_from_dict(base, {**values, "type": name}, name, Path())


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "rule": (
        rule,
        examples(
            "stdpnet plot rule TraceSTDP",
            "stdpnet plot rule StochasticSTDP --set learning_rate=0.2 -o switching.svg",
            "stdpnet plot rule my_rules.py:MyRule",
        ),
    ),
    "neuron": (
        neuron,
        examples(
            "stdpnet plot neuron LIF",
            'stdpnet plot neuron ConductanceLIF --set "tau_m=50 ms" -o neuron.pdf',
        ),
    ),
}
