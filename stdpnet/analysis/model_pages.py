"""Pages of the documentation about rules and neurons, made from their classes."""

import importlib
import inspect
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from types import ModuleType
from typing import Any

from stdpnet.analysis import page_text
from stdpnet.config import Parameters, concrete_subclasses
from stdpnet.models import neurons, plasticity
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.units import Quantity

MADE_BY = "<!-- Made by 'make docs' from the docstring and the equations of the class; change those. -->"

#: What a page says of each text of a class, in the order of the page.
_TEXTS = {
    "rule": {
        "pre_equations": "Traces of the source",
        "post_equations": "Traces of the target",
        "pre_reset": "When the source spikes, its traces",
        "post_reset": "When the target spikes, its traces",
        "on_pre": "At the synapse, when the source spikes",
        "on_post": "At the synapse, when the target spikes",
        "on_end": "At the synapse, after every presentation",
    },
    "neuron": {
        "equations": "Variables",
        "threshold": "Spikes when",
        "reset": "At a spike",
        "refractory": "Rests after a spike while",
        "start": "Before every presentation",
        "end": "After every presentation",
    },
}


@dataclass(frozen=True)
class Room:
    """Rules or neurons: where they are, and what their pages are called."""

    base: type[Parameters]
    package: ModuleType
    folder: str
    title: str
    about: str
    header: tuple[str, ...]


ROOMS = {
    "rule": Room(
        PlasticityRule,
        plasticity,
        "rules",
        "Learning rules",
        "A rule says which traces neurons carry and what a spike does to a weight; it works in\n"
        "every projection. `stdpnet plot rule NAME` draws the figures of these pages, also for\n"
        "[a rule of your own](../own_rules.md).",
        ("rule", "what it does", "acts on spikes of", "weights", "source"),
    ),
    "neuron": Room(
        NeuronModel,
        neurons,
        "neurons",
        "Neurons",
        "A neuron says how a potential follows its input, when it spikes and what happens then.\n"
        "`stdpnet plot neuron NAME` draws the figures of these pages, also for\n"
        "[a neuron of your own](../own_rules.md).",
        ("neuron", "what it does", "input", "spikes", "source"),
    ),
}


def built_in(kind: str) -> dict[str, type[Any]]:
    """Return the classes that come with stdpnet, by name.

    Parameters
    ----------
    kind : {"rule", "neuron"}
        Which of them.
    """
    room = ROOMS[kind]
    package = room.package.__name__
    for module in pkgutil.iter_modules(room.package.__path__):
        importlib.import_module(f"{package}.{module.name}")
    found = concrete_subclasses(room.base)
    return {
        name: found[name]
        for name in sorted(found)
        if found[name].__module__.startswith(f"{package}.")
    }


def summary(cls: type) -> str:
    """Return the first line of a docstring."""
    return page_text.sections(cls)[""].split("\n\n")[0].replace("\n", " ")


def source(cls: type) -> str:
    """Return the first reference of a class in one line, up to its identifier."""
    return page_text.first_reference(page_text.sections(cls).get("References", ""))


# -- pages ----------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """Return the text of every page, by its path below ``docs``."""
    made = {}
    for kind, room in ROOMS.items():
        classes = built_in(kind)
        made[f"{room.folder}/README.md"] = index_page(kind)
        for name, cls in classes.items():
            made[f"{room.folder}/{name}.md"] = model_page(kind, cls)
    return made


def index_page(kind: str) -> str:
    """Return the page that lists all rules or neurons."""
    room = ROOMS[kind]
    rows = [
        (
            f"[{name}]({name}.md)",
            page_text.markdown(summary(cls)),
            *_traits(kind, cls()),
            page_text.linked(source(cls)),
        )
        for name, cls in built_in(kind).items()
    ]
    parts = [MADE_BY, f"# {room.title}", room.about, _table(room.header, rows)]
    return "\n\n".join(parts) + "\n"


def _traits(kind: str, model: Any) -> tuple[str, str]:
    if kind == "neuron":
        chance = "rand" in model.threshold
        inputs = ", ".join(f"`{name}`" for name in model.inputs)
        return inputs, "by chance" if chance else "at a threshold"
    return acts_on(model), weights_of(model)


def acts_on(rule: PlasticityRule) -> str:
    """Return whose spikes change weights, in words."""
    sides = {"source": rule.on_pre, "target": rule.on_post}
    return " and ".join(side for side, text in sides.items() if text)


def weights_of(rule: PlasticityRule) -> str:
    """Return which values weights have, in words."""
    return f"{len(rule.levels)} levels" if rule.levels else "continuous"


def model_page(kind: str, cls: type[Any]) -> str:
    """Return the page of one class."""
    name, room, parts = cls.__name__, ROOMS[kind], page_text.sections(cls)
    names = list(built_in(kind))
    say = {
        title: page_text.markdown(text, names, name) for title, text in parts.items()
    }
    command = f"stdpnet plot {kind} {name}"
    made = [
        MADE_BY,
        f"[{room.title}](README.md)",
        f"# {name}",
        say[""],
        f"![{command}]({name}.png)\n\n*`{command}`*",
        f"## Parameters\n\n{_parameters(cls, parts.get('Parameters', ''))}",
        f"## Equations\n\n{_equations(kind, cls)}",
        f'## Use\n\n```toml\n[{kind}]\ntype = "{name}"\n```',
    ]
    for title in ("Notes", "References"):
        if title in say:
            made.append(f"## {title}\n\n{say[title]}")
    return "\n\n".join(made) + "\n"


def _parameters(cls: type[Any], text: str) -> str:
    symbols, meanings = page_text.symbols(text), page_text.meanings(text)
    rows = [
        (
            f"`{declared.name}`",
            symbols.get(declared.name, ""),
            *_default(getattr(cls(), declared.name)),
            _bounds(declared.metadata, getattr(cls(), declared.name)),
            declared.metadata.get("doc") or meanings.get(declared.name, ""),
        )
        for declared in fields(cls)
    ]
    header = ("parameter", "symbol", "default", "unit", "allowed", "meaning")
    return _table(header, rows)


def _default(value: Any) -> tuple[str, str]:
    if isinstance(value, Quantity):
        # Fifteen digits are more than anybody chose.
        rounded = Quantity(float(f"{value.value:.9g}"), value.dimension)
        number, _, unit = str(rounded).partition(" ")
        return number, unit
    if isinstance(value, tuple):
        return f"{len(value)} numbers from {value[0]:g} to {value[-1]:g}", ""
    return (f"{value:.4g}" if isinstance(value, float) else f"{value}"), ""


def _bounds(meta: Any, value: Any) -> str:
    if "choices" in meta:
        return ", ".join(meta["choices"])
    low, above, high = (meta.get(key) for key in ("low", "above", "high"))
    signs = {"≥": low, ">": above, "≤": high}
    bounds = [
        f"{sign} {_with_unit(bound, value)}"
        for sign, bound in signs.items()
        if bound is not None
    ]
    whole = ["whole number"] if meta.get("integer") else []
    return ", ".join(whole + bounds)


def _with_unit(bound: float, value: Any) -> str:
    if isinstance(value, Quantity) and bound:
        return str(Quantity(bound, value.dimension))
    return f"{bound:g}"


# -- equations ------------------------------------------------------------------------


def _equations(kind: str, cls: type[Any]) -> str:
    default = cls()
    made = [_texts(kind, default)]
    for declared in fields(cls):
        for choice in declared.metadata.get("choices", ()):
            if choice != getattr(default, declared.name):
                other = replace(default, **{declared.name: choice})
                changed = _texts(kind, other, besides=default)
                if changed:
                    made.append(f'With `{declared.name} = "{choice}"`:\n\n{changed}')
    return "\n\n".join(made)


def _texts(kind: str, model: Any, besides: Any = None) -> str:
    blocks = []
    for attribute, title in _TEXTS[kind].items():
        text = inspect.cleandoc(getattr(model, attribute))
        same = besides is not None and text == inspect.cleandoc(
            getattr(besides, attribute)
        )
        if text and not same:
            lines = "\n".join(
                line.rstrip() for line in text.split("\n") if line.strip()
            )
            blocks.append(f"{title}:\n\n```text\n{lines}\n```")
    return "\n\n".join(blocks)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"
        for line in lines
    )
