"""Compiled programs on their way to another machine with the same processor."""

import io
import shutil
import tarfile
import tempfile
from pathlib import Path

from stdpnet.engine import cache
from stdpnet.engine.program import Program, is_complete


def packed(program: Program) -> tuple[str, bytes] | None:
    """Return the key and the files of a compiled program; None if it is not compiled."""
    if program.folder is None:
        return None
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:
        archive.add(program.folder, arcname=program.folder.name)
    return program.folder.name, content.getvalue()


def install(key: str, content: bytes) -> bool:
    """Put a program into the cache of this machine; say whether it was not there.

    Its key tells compiler and processor. A machine with others does not find it, and
    builds its own.
    """
    folder = cache.cache_folder() / key
    with cache.lock(folder.parent / f"{key}.lock"):
        if is_complete(folder):
            return False
        temporary = Path(tempfile.mkdtemp(prefix=cache.BUILDING, dir=folder.parent))
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(temporary, filter="data")
            if folder.exists():
                shutil.rmtree(folder)
            (temporary / key).rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return True
