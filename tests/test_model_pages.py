"""Pages of rules and neurons: those in the tree are those that the classes make."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from stdpnet.analysis import page_text
from stdpnet.analysis.model_pages import ROOMS, built_in, pages, source, summary

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = pages()
CLASSES = [(kind, cls) for kind in ROOMS for cls in built_in(kind).values()]


def each_class(kind: str | None = None):
    chosen = [pair for pair in CLASSES if kind in (None, pair[0])]
    names = [cls.__name__ for _, cls in chosen]
    return pytest.mark.parametrize(("kind", "cls"), chosen, ids=names)


def formulas(text: str) -> list[str]:
    found = re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", text, re.DOTALL)
    return [display or inline for display, inline in found]


def test_classes_are_discovered():
    assert {"TraceSTDP", "HybridSTDP"} < set(built_in("rule"))
    assert {"LIF", "MagnetoelectricLIF"} < set(built_in("neuron"))
    for name in ("PlasticityRule", "BinaryRule", "EquationRule"):
        assert name not in built_in("rule")


@pytest.mark.parametrize("name", PAGES)
def test_a_committed_page_is_what_its_class_makes(name):
    assert (DOCS / name).read_text() == PAGES[name], "run 'make docs ARGS=--text'"


@pytest.mark.parametrize("kind", ROOMS)
def test_no_page_or_figure_is_left_over(kind):
    folder = ROOMS[kind].folder
    expected = {f"{name}.{end}" for name in built_in(kind) for end in ("md", "png")}
    assert {path.name for path in (DOCS / folder).iterdir()} == expected | {"README.md"}


@each_class()
def test_figures_are_small(kind, cls):
    figure = DOCS / ROOMS[kind].folder / f"{cls.__name__}.png"
    assert 5_000 < figure.stat().st_size < 60_000


@each_class()
def test_a_page_tells_all_of_its_class(kind, cls):
    text = PAGES[f"{ROOMS[kind].folder}/{cls.__name__}.md"]
    assert f"# {cls.__name__}\n\n{summary(cls).split(':')[0]}" in text
    for declared in fields(cls):
        (row,) = re.findall(
            rf"^\| `{declared.name}` \|.*\| (.*) \|$", text, re.MULTILINE
        )
        assert row, f"{cls.__name__}.{declared.name} has no meaning"
    default = cls()
    attributes = {"rule": ("on_post", "pre_reset"), "neuron": ("equations", "reset")}
    for attribute in attributes[kind]:
        for line in getattr(default, attribute).split("\n"):
            assert line.strip() in text
    assert "$$" in text
    assert "## References" in text


@each_class()
def test_formulas_survive_markdown(kind, cls):
    """Markdown eats a backslash before punctuation, and pairs of underscores that open."""
    text = PAGES[f"{ROOMS[kind].folder}/{cls.__name__}.md"]
    assert ":math:" not in text
    assert ".. math" not in text
    for formula in formulas(text):
        assert not re.search(r"\\[^A-Za-z]", formula.replace("\\\\\n", "")), formula
        assert not re.search(r"(?<![A-Za-z0-9])_|\*", formula), formula
        for kind_of_bracket in ("{}", "()"):
            opened, closed = (formula.count(sign) for sign in kind_of_bracket)
            assert opened == closed, formula


@each_class()
def test_every_class_names_a_source(kind, cls):
    assert re.search(r"doi:10\.\S+\w$|arXiv:[\d.]+$|\d+:\d+$", source(cls))
    assert source(cls) in PAGES[f"{ROOMS[kind].folder}/README.md"].replace(
        "](", " "
    ).replace("[", "")


def test_links_lead_somewhere():
    for name, text in PAGES.items():
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            if not target.startswith("http"):
                assert (DOCS / name).parent.joinpath(target).is_file(), (name, target)


def test_choices_show_what_they_change():
    text = PAGES["rules/TraceSTDP.md"]
    after = text.split('With `bounds = "hard"`:')[1].split("With `")[0]
    assert "w = clip(w + learning_rate*(pre_trace - offset)*1, 0, w_max)" in after
    assert "dpre_trace" not in after


def test_quantities_have_units_and_symbols_are_those_of_the_formula():
    text = PAGES["neurons/ConductanceLIF.md"]
    assert "| `v_th` |  | -72 | mV |  | threshold of an unadapted neuron |" in text
    assert "| `tau_ref` |  | 5 | ms | ≥ 0 | refractory period |" in text
    assert "| `drive` | $I$ |" in text
    assert "| `learning_rate` | $\\gamma$ | 0.1 |" in PAGES["rules/StochasticSTDP.md"]


# -- docstrings to Markdown -------------------------------------------------------


class Example:
    r"""Do `this`; see `Other` and ``code``.

    .. math::
        a &= b \, c \\
        d &= \begin{cases} 1 & x \\ 2 & y \end{cases}

    Inline :math:`x_1 \;
    y`.

    Parameters
    ----------
    rate, other : float
        Rate :math:`\eta` and :math:`r`, not :math:`t = 0`.
    plain : int
        Nothing.

    References
    ----------
    What it is for: Somebody (2000), Phys. Rev. 12:3456; text of Others
    (2001), doi:10.1/a.b: more.
    """


def test_a_docstring_becomes_markdown():
    parts = page_text.sections(Example)
    assert set(parts) == {"", "Parameters", "References"}
    text = page_text.markdown(parts[""], ["Other", "Example"], own="Example")
    assert text.split("\n\n") == [
        "Do `this`; see [`Other`](Other.md) and `code`.",
        "$$\n\\begin{aligned}\na &= b \\thinspace c \\\\\n"
        "d &= \\begin{cases} 1 & x \\\\\n2 & y \\end{cases}\n\\end{aligned}\n$$",
        "Inline $x_1 \\thickspace y$.",
    ]


def test_cases_alone_need_no_alignment():
    text = page_text.markdown(
        ".. math::\n    \\begin{cases} 1 & x \\\\ 2 \\end{cases}\n"
    )
    assert text == "$$\n\\begin{cases} 1 & x \\\\\n2 \\end{cases}\n$$"


def test_symbols_belong_to_parameters():
    found = page_text.symbols(page_text.sections(Example)["Parameters"])
    assert found == {"rate": r"$\eta$", "other": "$r$"}


def test_meanings_are_first_sentences():
    found = page_text.meanings(page_text.sections(Example)["Parameters"])
    assert found["plain"] == "nothing"
    assert found["rate"] == found["other"] == r"rate $\eta$ and $r$, not $t = 0$"


def test_the_first_reference_ends_with_its_identifier():
    text = page_text.sections(Example)["References"]
    assert page_text.first_reference(text) == "Somebody (2000), Phys. Rev. 12:3456"
    assert page_text.first_reference("The user's own. More.") == "The user's own"
    assert (
        page_text.linked("doi:10.1/a.b: x")
        == "[doi:10.1/a.b](https://doi.org/10.1/a.b): x"
    )
