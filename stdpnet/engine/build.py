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

#: Sources that take longest to compile.
LONGEST = ("objects.cpp", "main.cpp")
HEADERS = (
    '"objects.h"',
    '"brianlib/common_math.h"',
    '"stdpnet_run.h"',
    '"stdpnet_input.h"',
    '"stdpnet_math.h"',
    "<cmath>",
    "<ctime>",
    "<climits>",
    "<fstream>",
)


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
    """Compile and link every source file, the headers that all include just once."""
    compiler = find_compiler()
    if compiler is None:
        raise RuntimeError("no C++ compiler found")
    (sources / "all.h").write_text("".join(f"#include {name}\n" for name in HEADERS))
    command = [*compiler.command, *compiler.flags.split(), "-I.", f"-I{TEMPLATES}"]
    _call([*command, "-x", "c++-header", "all.h", "-o", "all.h.gch"], sources)
    # The longest first, so that no core waits for them at the end.
    files = sorted(
        (file.relative_to(sources) for file in sources.rglob("*.cpp")),
        key=lambda file: (file.name not in LONGEST, file),
    )
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = pool.map(
            lambda file: _call(
                [*command, "-include", "all.h", "-c", str(file), "-o", f"{file}.o"],
                sources,
            ),
            files,
        )
        list(objects)
    link = [
        *compiler.command,
        *(f"{file}.o" for file in files),
        *compiler.link_flags.split(),
    ]
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
