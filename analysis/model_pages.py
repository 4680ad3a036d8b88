"""Pages of the documentation on rules and neurons, with their figures: ``make docs``.

    python analysis/model_pages.py [--text] [NAME ...]

The text comes from the classes (``stdpnet/analysis/model_pages.py``), the figures from
``stdpnet plot rule`` and ``stdpnet plot neuron``. Each figure compiles a program the first
time; NAMEs restrict the figures, ``--text`` leaves them out.
"""

import argparse
from pathlib import Path

from stdpnet.analysis.drawing import save_small_picture
from stdpnet.analysis.model_figures import draw_model, measure_model
from stdpnet.analysis.model_pages import ROOMS, built_in, pages
from stdpnet.runs import write_atomically

DOCS = Path(__file__).resolve().parents[1] / "docs"


def write_pages(docs: Path) -> None:
    """Write every page; remove those of classes that are gone."""
    wanted = pages()
    for name, text in wanted.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    for room in ROOMS.values():
        for path in (docs / room.folder).glob("*"):
            if f"{room.folder}/{path.stem}.md" not in wanted:
                path.unlink()


def write_figure(kind: str, name: str, docs: Path) -> str:
    """Measure and draw one class; return how well it agrees with its formula."""
    numbers = measure_model(built_in(kind)[name]())
    path = docs / ROOMS[kind].folder / f"{name}.png"
    save_small_picture(draw_model(numbers), path)
    return numbers.agreement


def main() -> None:
    """Write pages and figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures to draw")
    parser.add_argument("--text", action="store_true", help="draw no figures")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of the pages")
    options = parser.parse_args()
    write_pages(options.docs)
    for kind in ROOMS:
        for name in built_in(kind):
            if not options.text and (not options.names or name in options.names):
                print(f"{name}: {write_figure(kind, name, options.docs)}", flush=True)


if __name__ == "__main__":
    main()
