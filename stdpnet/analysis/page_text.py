r"""Docstrings in numpydoc turned into Markdown whose formulas GitHub renders.

Markdown is read before the formulas are, so these must not hold what it changes: a
backslash before punctuation (``\,`` would lose it), or ``\\`` anywhere but at the end of a
line.
"""

import inspect
import re
from collections.abc import Sequence

_SECTION = re.compile(r"^([A-Z][A-Za-z ]*)\n-{3,}$", re.MULTILINE)
_BLOCK = re.compile(r"^\.\. math::[ \t]*\n((?:[ \t]+.*\n?|\n)+)", re.MULTILINE)
_INLINE = re.compile(r":math:`([^`]+)`")
_SPACES = {r"\,": r"\thinspace ", r"\;": r"\thickspace ", r"\!": ""}
_LINKED = re.compile(r"(doi:10\.[^\s,;]*[^\s,;.:)]|arXiv:\d+\.\d+)")
#: The same, or volume and page of a journal.
_IDENTIFIER = re.compile(_LINKED.pattern + r"|\b\d+:\d{3,}\b")


def sections(cls: type) -> dict[str, str]:
    """Return the sections of a docstring by title; what comes before them as ""."""
    text = inspect.cleandoc(cls.__doc__ or "")
    first, *rest = _SECTION.split(text)
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return {"": first.strip(), **{title: body.strip() for title, body in pairs}}


def markdown(text: str, pages: Sequence[str] = (), own: str = "") -> str:
    """Return a section as Markdown.

    Parameters
    ----------
    text : str
        From `sections`.
    pages : sequence of str
        Names that have a page beside this one; they become links.
    own : str
        Name of this page, which does not.
    """
    text = _BLOCK.sub(lambda found: f"{_display(found[1])}\n\n", text + "\n")
    text = _INLINE.sub(lambda found: f"${tex(found[1])}$", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    for name in pages:
        if name != own:
            text = text.replace(f"`{name}`", f"[`{name}`]({name}.md)")
    return re.sub(r"\n{3,}", "\n\n", linked(text)).strip()


def tex(formula: str) -> str:
    r"""Return a formula in one line, or lines that end in ``\\``, safe in Markdown."""
    for space, name in _SPACES.items():
        formula = formula.replace(space, name)
    formula = re.sub(r"\s+", " ", formula).strip()
    return re.sub(r"\s*\\\\\s*", r" \\\\\n", formula)


def _display(block: str) -> str:
    formula = tex(inspect.cleandoc(block))
    outside = re.sub(r"\\begin\{cases\}.*?\\end\{cases\}", "", formula, flags=re.DOTALL)
    if "&" in outside or r"\\" in outside:
        formula = f"\\begin{{aligned}}\n{formula}\n\\end{{aligned}}"
    return f"$$\n{formula}\n$$"


def linked(text: str) -> str:
    """Return a text whose DOIs and arXiv numbers are links."""

    def link(found: re.Match[str]) -> str:
        name, _, number = found[1].partition(":")
        page = "https://doi.org/" if name == "doi" else "https://arxiv.org/abs/"
        return f"[{found[1]}]({page}{number})"

    return _LINKED.sub(link, text)


def first_reference(text: str) -> str:
    """Return the first reference of a section in one line, up to its identifier."""
    line = re.sub(r"\s+", " ", text).strip()
    found = _IDENTIFIER.search(line)
    if found is None:
        return line.partition(". ")[0].rstrip(".")
    # "What it is for: Author (year), doi:..."
    return line[: found.end()].rpartition(": ")[2]


def symbols(text: str) -> dict[str, str]:
    """Return the symbols of parameters, as Markdown, from the section that explains them."""
    found: dict[str, str] = {}
    for names, meaning in _entries(text):
        formulas = [f for f in _INLINE.findall(meaning) if "=" not in f]
        if len(formulas) >= len(names):
            pairs = zip(names, formulas, strict=False)
            found |= {name: f"${tex(formula)}$" for name, formula in pairs}
    return found


def meanings(text: str) -> dict[str, str]:
    """Return the first sentence on each parameter, from the section that explains them."""
    found: dict[str, str] = {}
    for names, meaning in _entries(text):
        sentence = re.split(r"\.(?:\s|$)", markdown(meaning).replace("\n", " "))[0]
        found |= dict.fromkeys(names, sentence[:1].lower() + sentence[1:])
    return found


def _entries(text: str) -> list[tuple[list[str], str]]:
    """Return names and explanation of every entry of a list of parameters."""
    parts = re.split(r"^(\w[\w, ]*) : .*$", text, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return [(names.split(", "), inspect.cleandoc(meaning)) for names, meaning in pairs]
