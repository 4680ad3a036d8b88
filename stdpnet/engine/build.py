"""``python -m stdpnet.engine.build DESCRIPTION FOLDER``: generate C++ and compile it.

A process of its own, so that Brian2's global device in the user's process
stays as it was. What remains in the folder is the program (`main`) and the
names of its arrays.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stdpnet.engine.compiler import find_compiler
from stdpnet.engine.native import TEMPLATES, generate
from stdpnet.engine.sources import join_sources

#: How to compile what runs once.
COLD = "-O0"
#: More files than this only read the same headers more often.
MOST_FILES = 8


def build(description_file: Path, folder: Path) -> None:
    """Build the program of a description; leave `main` and `arrays.json` in the folder.

    Raises
    ------
    RuntimeError
        If the compiler fails; the message has its first complaint.
    """
    description = json.loads(description_file.read_text())
    sources = folder / "sources"
    files = generate(description, sources)
    _compile(sources)
    (sources / "main").rename(folder / "main")
    static = sources / "static_arrays"
    if any(static.iterdir()):
        static.rename(folder / "static_arrays")
    shutil.rmtree(sources)
    (folder / "arrays.json").write_text(json.dumps(files, indent=1))


def _compile(sources: Path) -> None:
    """Compile and link the sources of a program, on every core."""
    compiler = find_compiler()
    if compiler is None:
        raise RuntimeError("no C++ compiler found")
    hot, cold = join_sources(sources, min(os.cpu_count() or 1, MOST_FILES))
    flags = [*compiler.flags.split(), "-I.", f"-I{TEMPLATES}"]

    def compiled(file: Path) -> str:
        target = f"{file.stem}.o"
        wanted = [*flags, COLD] if file in cold else flags
        _call([*compiler.command, *wanted, "-c", str(file), "-o", target], sources)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, [*hot, *cold]))
    link = [*compiler.command, *objects, *compiler.link_flags.split()]
    _call([*link, "-o", "main"], sources)


def _call(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"{command[0]} failed with status {done.returncode}: "
            f"{first_complaint(done.stderr + done.stdout) or 'no message'}"
        )


def first_complaint(text: str) -> str:
    """Return the line of a compiler's output that says what was wrong first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Where the disk is full, the compiler's own error may come before the reason.
    for sign in ("no space left", "error"):
        for line in lines:
            if sign in line.lower():
                return line
    return lines[-1] if lines else ""


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
