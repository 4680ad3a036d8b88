"""Join the many small files that Brian2 writes, as a compiler takes longest to start.

Each file of Brian2 includes the same headers and defines the same helpers without a
name; joined, the helpers of each get a namespace.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

#: Where a file of Brian2 opens the namespace of its helpers, and where a function begins.
_HELPERS, _FUNCTION = "\nnamespace {", "using namespace brian;"
#: What is seen from outside the file besides its functions that run.
_OWN = re.compile(r"^(?:static|inline|template|class|struct)\b", re.MULTILINE)
_MACRO = re.compile(r"^\s*#define\s+(\w+)", re.MULTILINE)


def join_sources(folder: Path, n_files: int) -> tuple[list[Path], list[Path]]:
    """Replace the sources of a program by few: those that run all the time, and the rest.

    Parameters
    ----------
    folder : Path
        What Brian2 generated; files that were joined stay.
    n_files : int
        How many files to make of the code objects, so that each core has one.

    Returns
    -------
    hot, cold : list of Path
        Files to compile with full optimization, and those that run once. Linked in
        this order: of an inline function that both define, the first is taken.
    """
    sources = sorted((folder / "code_objects").glob("*.cpp"), key=_size, reverse=True)
    joinable = [source for source in sources if _can_be_joined(source.read_text())]
    hot = [source for source in sources if source not in joinable]
    for part in range(n_files):
        found = [_renamed(source, part) for source in joinable[part::n_files]]
        # What calls them has many lines, too, and little to optimize.
        ends = [(folder / "main.cpp").read_text()] if part == n_files - 1 else []
        hot += _write(folder / f"hot_{part}.cpp", [*found, *ends])
    rest = sorted(folder.glob("*.cpp"))
    own = {*hot, folder / "main.cpp"}
    cold = [source.read_text() for source in rest if source not in own]
    return hot, list(_write(folder / "cold.cpp", cold))


def _size(source: Path) -> tuple[int, str]:
    return source.stat().st_size, source.name


def _can_be_joined(text: str) -> bool:
    head, found, body = text.partition(_HELPERS)
    return bool(found) and _HELPERS not in body and not _OWN.search(head + body)


def _renamed(source: Path, part: int) -> str:
    """Return the text of a source whose helpers have a namespace and macros an end."""
    text, name = source.read_text(), f"_of_{source.stem}"
    macros = dict.fromkeys(_MACRO.findall(text))
    text = text.replace(_HELPERS, f"\nnamespace {name} {{ namespace {{", 1)
    text = text.replace("\n}\n", "\n}}\n", 1)
    text = text.replace(_FUNCTION, f"{_FUNCTION} using namespace {name};")
    return text + "".join(f"\n#undef {macro}" for macro in macros)


def _write(file: Path, texts: Iterable[str]) -> Iterator[Path]:
    text = "\n".join(texts)
    if text:
        file.write_text(text)
        yield file
