"""The gallery of the documentation: ``docs/gallery.md`` and its pictures.

    STDPNET_DATA=... python analysis/gallery.py --runs DIR [--text]

Runs and the sweep that are in DIR are not made again (``mnist``, ``dense``, ``compressed``,
``sweep``); made from nothing on two cores they take about an hour, most of it
``compressed``. ``--text`` writes the page alone.
"""

import argparse
import shlex
from pathlib import Path

from stdpnet.analysis import draw_figure, load_run
from stdpnet.analysis.drawing import save_small_picture
from stdpnet.analysis.figures import FIGURES
from stdpnet.cli import main as stdpnet
from stdpnet.runs import write_atomically
from stdpnet.sweep.figures import FIGURES as SWEEP_FIGURES
from stdpnet.sweep.results import load_results

DOCS = Path(__file__).resolve().parents[1] / "docs"
SWEEP = "sweep"

#: What is drawn of which run, and the command that makes it.
RUNS = {
    "mnist": (
        "stdpnet train conv-stdp-mnist --dataset mnist --n-train 10000 --jobs 2",
        tuple(
            "kernels history weights curves example spikes confusion label_curve".split()
        ),
    ),
    "dense": (
        "stdpnet train diehl-cook-100 --dataset mnist --no-control --jobs 2",
        ("receptive-fields",),
    ),
    "compressed": (
        "stdpnet train diehl-cook-400-compressed --dataset mnist --no-control --jobs 2",
        ("compression",),
    ),
    SWEEP: (
        "stdpnet sweep conv-stdp --param rule.learning_rate=0.002:0.2:log "
        "--param network.n_maps=8:40:8 --param rule.offset=0.2:0.6 --trials 24 --seeds 2 "
        "--jobs 2",
        ("sweep-kernels", "ranking", "importance", "map", "slices", "parallel"),
    ),
}
#: Pictures that other pages have, and where they are told of.
OTHERS = {
    "rules/StochasticSTDP.png": ("A learning rule and its formula", "rules/README.md"),
    "neurons/LIF.png": ("A neuron and its analytic rate", "neurons/README.md"),
    "device.png": ("Switching of a magneto-electric device", "device.md"),
}
HEAD = """# Gallery

What stdpnet draws, with the command that makes it. Every figure is in the report of a run or a sweep
(`stdpnet report`), most have a `stdpnet plot` of their own, and all are functions of `stdpnet.analysis` on Matplotlib axes.
This page is written by `python analysis/gallery.py`.
"""


def caption(name: str) -> str:
    """Return what a figure shows."""
    return (FIGURES.get(name) or SWEEP_FIGURES[name]).caption


def page() -> str:
    """Return the text of the gallery."""
    parts = [HEAD]
    for command, names in RUNS.values():
        parts.append(f"## {' '.join(shlex.split(command)[1:3])}\n")
        parts.append(f"```console\n{command}\n```\n")
        for name in names:
            parts.append(
                f"![{caption(name)}](gallery/{name}.png)\n\n*{caption(name)}*\n"
            )
    parts.append("## Parts\n")
    for picture, (title, where) in OTHERS.items():
        parts.append(f"![{title}]({picture})\n\n*[{title}]({where})*\n")
    return "\n".join(parts)


def make(runs: Path) -> None:
    """Train and sweep what is not there yet, or not finished."""
    for name, (command, _) in RUNS.items():
        _, *words = shlex.split(command)
        words = words if not (runs / name).exists() else [*resumed(words), "--resume"]
        finished = (runs / name / "report.html").exists()
        if not finished and stdpnet([*words, "--out", str(runs / name)]):
            raise SystemExit(1)
        if not finished:
            stdpnet(["report", str(runs / name)])


def resumed(words: list[str]) -> list[str]:
    """Return a command that goes on: a sweep knows all by itself."""
    return ["sweep", "--jobs", "2"] if words[0] == SWEEP else words


def draw(runs: Path) -> None:
    """Draw every figure of the runs and of the sweep."""
    results = load_results(runs / SWEEP)
    for name, (_, figures) in RUNS.items():
        for figure in figures:
            drawn = (
                SWEEP_FIGURES[figure].draw(results)
                if name == SWEEP
                else draw_figure(load_run(runs / name), figure)
            )
            save_small_picture(drawn, DOCS / "gallery" / f"{figure}.png")


def main() -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/gallery"))
    parser.add_argument("--text", action="store_true", help="draw no figures")
    options = parser.parse_args()
    write_atomically(DOCS / "gallery.md", page().encode())
    if not options.text:
        make(options.runs)
        draw(options.runs)


if __name__ == "__main__":
    main()
