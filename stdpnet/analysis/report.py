"""One HTML file that tells all about a run, and needs nothing else."""

from collections.abc import Iterable, Mapping
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from stdpnet.analysis.compression import cost_notes, cost_rows
from stdpnet.analysis.embedding import inline_svg
from stdpnet.analysis.figures import FIGURES, draw_figure
from stdpnet.analysis.numbers import (
    Row,
    kernel_rows,
    metric_rows,
    plain,
    result_parts,
    spec_text,
    summary_sentence,
)
from stdpnet.analysis.recorded import MissingArraysError, Run, load_run
from stdpnet.analysis.senses import has_senses
from stdpnet.runs import write_atomically

CONTROL_NOTE = (
    "The control is the same network with {} and its thresholds settled again, read out "
    "in the same way; the difference is what learning contributed."
)
CONTROL_KERNELS = {
    "shuffled": "the weights of each learned kernel shuffled",
    "random": "the kernels that learning began with",
}
JOINT_CONTROL_NOTE = (
    "The control is the same network with connections between the senses shuffled: each "
    "neuron keeps its weights, but from other neurons; the difference is what these "
    "connections learned. Votes of the neurons: each sense has one voice."
)
#: Figures above all others.
TOP = ("senses", "recall", "receptive-fields", "kernels")


def write_report(run_path: Path | str, out: Path | str | None = None) -> Path:
    """Write a report on a finished run.

    Parameters
    ----------
    run_path : path
        Folder of the run.
    out : path, optional
        File to write, replaced if it exists; default is ``report.html`` in the
        run folder.

    Returns
    -------
    pathlib.Path
        The HTML file. It has no reference to any other file.

    Raises
    ------
    OSError, ValueError
        If the run cannot be read (see `load_run`), or `out` not be written.
    """
    run = load_run(run_path)
    return write_page(report_html(run), run.path, out)


def write_page(html: str, folder: Path, out: Path | str | None) -> Path:
    """Write a page, by default ``report.html`` in the folder that it tells of."""
    out = folder / "report.html" if out is None else Path(out)
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder; give the name of a file")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, html.encode("utf-8"))
    return out


def report_html(run: Run) -> str:
    """Return the text of the report on a run."""
    drawn, left_out = _draw_all(run)
    top = [drawn.pop(name, "") for name in TOP]
    body = [*top, figure_section(drawn.values()), _numbers(run), _cost(run)]
    body += [*_notes(run, left_out), *_reproduce(run), *_machine(run)]
    return page(
        title=run.title,
        result=_result(run),
        summary=escape(summary_sentence(run)),
        body="\n".join(part for part in body if part),
    )


def page(*, title: str, result: str, summary: str, body: str) -> str:
    """Return a page; all but the title is HTML."""
    return _part("report.html").substitute(
        title=escape(title),
        style=_part("report.css").template,
        result=result,
        summary=summary,
        body=body,
    )


def _part(name: str) -> Template:
    text = (resources.files("stdpnet.analysis") / name).read_text(encoding="utf-8")
    return Template(text)


def _draw_all(run: Run) -> tuple[dict[str, str], list[str]]:
    drawn, left_out = {}, []
    for name, figure in FIGURES.items():
        if not figure.suits(run):
            continue
        try:
            svg = inline_svg(draw_figure(run, name), figure.caption, name)
        except MissingArraysError as missing:
            left_out.append(str(missing))
            continue
        drawn[name] = figure_html(name, svg, figure.caption, wide=figure.wide)
    return drawn, left_out


def figure_html(name: str, svg: str, caption: str, *, wide: bool) -> str:
    """Return a figure with its caption."""
    kind = ' class="wide"' if wide else ""
    return (
        f'<figure id="{name}"{kind}>\n{svg}\n'
        f"<figcaption>{escape(caption)}</figcaption>\n</figure>"
    )


def figure_section(figures: Iterable[str]) -> str:
    """Return figures below a heading; empty if there are none."""
    inside = "\n".join(figures)
    return (
        f'<h2>Figures</h2>\n<div class="figures">\n{inside}\n</div>' if inside else ""
    )


def _result(run: Run) -> str:
    phrases = [
        f'<span class="{role}">{escape(phrase)}</span>' if role else escape(phrase)
        for role, phrase in result_parts(run)
    ]
    return ", ".join(phrases).replace(" %", "&nbsp;%")


def _numbers(run: Run) -> str:
    left = _table(metric_rows(run.metrics))
    right = _table(kernel_rows(run))
    return f'<h2>Numbers</h2>\n<div class="tables">\n{left}\n{right}\n</div>'


def _cost(run: Run) -> str:
    rows = cost_rows(run)
    if not rows:
        return ""
    notes = plain_list(cost_notes(run))
    right = f'<div class="about">\n{notes}\n</div>'
    return f'<h2>Cost</h2>\n<div class="tables">\n{_table(rows)}\n{right}\n</div>'


def _table(rows: Iterable[Row]) -> str:
    inside = "\n".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return f"<div><table>\n{inside}\n</table></div>"


def _notes(run: Run, left_out: list[str]) -> list[str]:
    notes = [str(note) for note in run.dataset.get("notes") or ()]
    if run.metrics.get("control_accuracy") is not None:
        kernels = run.record.get("options", {}).get("control_kernels", "shuffled")
        own = CONTROL_NOTE.format(CONTROL_KERNELS.get(kernels, f"{kernels} kernels"))
        notes.append(JOINT_CONTROL_NOTE if has_senses(run) else own)
    notes += [f"Left out: {reason}" for reason in left_out]
    return [f"<h2>Notes</h2>\n{plain_list(notes)}"] if notes else []


def plain_list(notes: Iterable[str]) -> str:
    """Return notes as an HTML list."""
    items = "\n".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<ul>\n{items}\n</ul>"


def _reproduce(run: Run) -> list[str]:
    command, spec = run.record.get("command"), run.record.get("spec")
    sections = []
    if command:
        sections.append(preformatted("Reproduce", str(command)))
    if isinstance(spec, Mapping) and spec:
        sections.append(preformatted("Specification, as resolved", spec_text(spec)))
    return sections


def preformatted(heading: str, text: str) -> str:
    """Return text as it is, below a heading."""
    return f"<h2>{escape(heading)}</h2>\n<pre>{escape(text)}</pre>"


def _machine(run: Run) -> list[str]:
    tables = [
        f"<div><h3>{heading}</h3>\n{_table(_rows(values))}</div>"
        for heading, values in (
            ("Versions", run.record.get("versions")),
            ("Machine", run.record.get("machine")),
        )
        if isinstance(values, Mapping) and values
    ]
    if not tables:
        return []
    return [
        "<h2>Made with</h2>\n"
        + '<div class="tables">\n'
        + "\n".join(tables)
        + "\n</div>"
    ]


def _rows(values: Mapping[str, Any]) -> list[Row]:
    return [
        (str(name).replace("_", " "), plain(value)) for name, value in values.items()
    ]
