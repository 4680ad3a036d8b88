"""One HTML file that tells all about a sweep, and needs nothing else."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from stdpnet.analysis.embedding import inline_svg
from stdpnet.analysis.recorded import MissingArraysError
from stdpnet.analysis.report import (
    figure_html,
    figure_section,
    page,
    plain_list,
    preformatted,
    write_page,
)
from stdpnet.runs import RunError
from stdpnet.sweep.figures import FIGURES, SweepFigure
from stdpnet.sweep.numbers import failure_lines, spread_text, tested_text
from stdpnet.sweep.results import Results, TrialResult, load_results

#: Trials in the table.
LISTED = 10
SELECTION_NOTE = (
    "Trials are scored on images held out of the training set. Only the best one is "
    "scored on the test set, which took no part in the choice."
)


def write_sweep_report(
    path: Path | str, out: Path | str | None = None, storage: str | None = None
) -> Path:
    """Write a report on a sweep, finished or not.

    Parameters
    ----------
    path : path
        Folder of the sweep.
    out : path, optional
        File to write, replaced if it exists; default is ``report.html`` in the folder.
    storage : str, optional
        URL of the database, if it needs a password.

    Returns
    -------
    pathlib.Path
        The HTML file.

    Raises
    ------
    OSError, ValueError
        If the sweep cannot be read, or `out` not be written.
    """
    results = load_results(path, storage)
    return write_page(sweep_html(results), results.folder.path, out)


def sweep_html(results: Results) -> str:
    """Return the text of the report on a sweep."""
    record = results.folder.record
    figures, left_out = _draw_all(results)
    notes = [SELECTION_NOTE, *failure_lines(results), *left_out]
    body = [
        _best(results),
        figures,
        f"<h2>Notes</h2>\n{plain_list(notes)}",
        preformatted("Reproduce", record["command"]) if record["command"] else "",
        preformatted("What was varied", _varied(results)),
        preformatted("Specification", results.folder.spec_file.read_text()),
    ]
    return page(
        title=f"{record['spec']} on {Path(record['options']['dataset']).stem}",
        result=escape(_result(results)),
        summary=escape(_summary(results)),
        body="\n".join(part for part in body if part),
    )


def _result(results: Results) -> str:
    tested = tested_text(results.tested)
    if tested:
        return tested
    ranked = results.ranked
    if not ranked:
        return "no trial is finished"
    values = list(ranked[0].values(results.first))
    return f"best {results.first} {spread_text(results.first, values)}"


def _summary(results: Results) -> str:
    states = [trial.state for trial in results.trials]
    words = {"complete": "finished", "pruned": "given up", "fail": "failed"}
    words |= {"running": "at work", "waiting": "to come"}
    parts = [
        f"{states.count(state)} {word}"
        for state, word in words.items()
        if state in states
    ]
    asked = results.definition
    seeds = f"{asked.seeds} seed{'s' if asked.seeds > 1 else ''} each"
    return f"{len(states)} trials ({', '.join(parts)}), {seeds}, chosen by {asked.sampler}."


def _best(results: Results) -> str:
    ranked = results.ranked[:LISTED]
    if not ranked:
        return ""
    keys, names = (
        list(results.definition.space.parameters),
        results.definition.objectives,
    )
    head = _cells("th", ["Trial", *names, *keys])
    rows = "\n".join(_row(results, trial, keys) for trial in ranked)
    return f'<h2>Best trials</h2>\n<div class="trials"><table>\n{head}\n{rows}\n</table></div>'


def _row(results: Results, trial: TrialResult, keys: list[str]) -> str:
    space = results.definition.space.parameters
    numbers = [
        spread_text(name, list(trial.values(name)))
        for name in results.definition.objectives
    ]
    settings = [space[key].shown(trial.parameters[key]) for key in keys]
    return _cells("td", [str(trial.number), *numbers, *settings])


def _cells(kind: str, texts: Iterable[str]) -> str:
    inside = "".join(f"<{kind}>{escape(text)}</{kind}>" for text in texts)
    return f"<tr>{inside}</tr>"


def _draw_all(results: Results) -> tuple[str, list[str]]:
    drawn, left_out = [], []
    for name, figure in FIGURES.items():
        if not figure.suits(results):
            continue
        try:
            drawn.append(_figure(name, figure, results))
        except (MissingArraysError, RunError, FileNotFoundError) as missing:
            left_out.append(f"Left out: {missing}")
    return figure_section(drawn), left_out


def _figure(name: str, figure: SweepFigure, results: Results) -> str:
    svg = inline_svg(figure.draw(results), figure.caption, name)
    return figure_html(name, svg, figure.caption, wide=figure.wide)


def _varied(results: Results) -> str:
    pairs = results.definition.space.to_dict().items()
    return "\n".join(f"{key} = {values}" for key, values in pairs)
