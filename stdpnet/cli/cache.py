"""``stdpnet cache``: compiled programs that are kept for the next run."""

import time
from collections.abc import Callable
from pathlib import Path

from stdpnet.cli.options import JsonOption, examples
from stdpnet.cli.output import count, print_json, print_table, size

HELP = "Compiled programs, kept for the next run."
EPILOG = examples("stdpnet cache list")


def show(json: JsonOption = False) -> None:
    """List the compiled programs, the one used last first."""
    from stdpnet.engine.cache import SIZE_LIMIT, cache_folder, list_programs

    folder, programs = cache_folder(), list_programs()
    total = sum(program.size for program in programs)
    if json:
        entries = [
            {
                "key": program.key,
                "title": program.title,
                "bytes": program.size,
                "last_used": program.last_used,
            }
            for program in programs
        ]
        limits = {"bytes": total, "limit_bytes": SIZE_LIMIT}
        print_json({"folder": folder, **limits, "programs": entries})
        return
    rows = [
        (program.key, size(program.size), _when(program.last_used), program.title)
        for program in programs
    ]
    if rows:
        print_table(("key", "size", "last used", "program"), rows)
    print(fullness(len(rows), total, folder))


def fullness(n_programs: int, n_bytes: int, folder: Path | str) -> str:
    """Return a line such as "2 programs, 9.5 MB of 524 MB in FOLDER"."""
    from stdpnet.engine.cache import SIZE_LIMIT

    programs = count(n_programs, "program")
    return f"{programs}, {size(n_bytes)} of {size(SIZE_LIMIT)} in {folder}"


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def clear(json: JsonOption = False) -> None:
    """Remove every compiled program; the next run compiles again (8 to 40 s)."""
    from stdpnet.engine import cache

    folder, n_programs = cache.cache_folder(), len(cache.list_programs())
    freed = cache.clear()
    if json:
        print_json({"folder": folder, "programs": n_programs, "bytes": freed})
        return
    print(f"removed {count(n_programs, 'program')}, {size(freed)}, from {folder}")


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "list": (show, EPILOG),
    "clear": (clear, examples("stdpnet cache clear")),
}
