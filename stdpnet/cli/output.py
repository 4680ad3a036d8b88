"""What commands print: one JSON object, or lines for people."""

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stdpnet.cli.failures import EXIT_ERROR, EXIT_PIPE, close_output


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object; paths become text, numbers that are not finite null."""
    print(json.dumps(_jsonable(content), indent=2))


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return _jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns of text, each as wide as its longest cell."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (f"{cell:{width}}" for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def print_pairs(pairs: Mapping[str, Any]) -> None:
    """Print names and values in two columns."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:{width}}  {value}".rstrip())


def size(n_bytes: float) -> str:
    """Return a number of bytes as "1.3 MB" (1 MB is a million bytes)."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def count(number: int, noun: str) -> str:
    """Return "1 program", "2 programs"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def finish_output(status: int) -> int:
    """Flush standard output and return the exit status, also if nobody reads it."""
    if sys.stdout is None:
        return status
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        close_output()
        return EXIT_PIPE
    except OSError as error:
        close_output()
        print(f"stdpnet: cannot write the output: {error.strerror}", file=sys.stderr)
        return EXIT_ERROR
    return status
