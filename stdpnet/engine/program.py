"""Programs: a described network made ready to run, found again in the cache.

`build` returns a `Program`; `Program.run` takes stimuli and state and returns
counts and state. A compiled program needs nothing of Brian2 to run.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stdpnet import __version__
from stdpnet.catalog import unknown_name
from stdpnet.engine import cache
from stdpnet.engine.compiler import Compiler, find_compiler

BACKENDS = ("auto", "cpp", "cython", "numpy")
NO_COMPILER = (
    "no C++ compiler (g++, clang++ or $CXX) was found: networks run in "
    "Brian2's NumPy code, about 500 times slower (half a second an MNIST image); "
    "install one, for example with 'apt install g++' or 'conda install gxx'"
)


class ProgramError(OSError):
    """A program could not be built, or a run of it did not end as it should."""


@dataclass(frozen=True)
class Program:
    """A network that can run: description, backend, and where its files are.

    Attributes
    ----------
    description : dict
        What `stdpnet.models.network.Network.describe` returned.
    backend : {"cpp", "cython", "numpy"}
        Compiled, or run by Brian2 in a process of its own.
    folder : Path or None
        Folder of the compiled program.
    arrays : dict
        For a compiled program: file, type and size of each variable.
    build_seconds : float
        Time spent building; zero if it came from the cache.
    """

    description: dict[str, Any]
    backend: str
    folder: Path | None = None
    arrays: dict[str, dict[str, Any]] = field(default_factory=dict)
    build_seconds: float = 0.0

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array that a run takes and returns."""
        shapes = {
            f"{name}.w": tuple(projection["weights"])
            for name, projection in self.description["projections"].items()
        }
        for name, group in self.description["groups"].items():
            for line in group["equations"]["map"]:
                variable = line.split("/dt")[0].removeprefix("d").split(":")[0].strip()
                if "/dt" not in line:
                    variable = line.split(":")[0].strip()
                if variable != "map_wins":
                    shapes[f"{name}.{variable}"] = (group["shape"][2],)
        return shapes

    def parameter_names(self) -> set[str]:
        """Return the parameters, as "part.name", that a run needs."""
        parts = {**self.description["groups"], **self.description["projections"]}
        names = {f"{part}.{p}" for part in parts for p in parts[part]["parameters"]}
        for name, projection in self.description["projections"].items():
            if projection["learn_pre"] or projection["learn_post"]:
                names.add(f"{name}.learning")
        return names


def choose_backend(backend: str) -> str:
    """Resolve "auto": compiled where there is a compiler, else NumPy with a warning.

    Raises
    ------
    ValueError
        If the backend is not known.
    ProgramError
        If "cpp" or "cython" is asked for and there is no compiler.
    """
    if backend not in BACKENDS:
        raise ValueError(unknown_name("backend", str(backend), BACKENDS))
    has_compiler = find_compiler() is not None
    if backend == "auto":
        if not has_compiler:
            warnings.warn(NO_COMPILER, stacklevel=2)
        return "cpp" if has_compiler else "numpy"
    if backend in ("cpp", "cython") and not has_compiler:
        raise ProgramError(
            f"backend {backend!r} needs a C++ compiler (g++, clang++ or $CXX) and "
            "none was found; install one or use backend 'numpy'"
        )
    return backend


def build(
    description: dict[str, Any],
    backend: str = "auto",
    title: str = "",
    announce: Callable[[str], None] | None = None,
) -> Program:
    """Make a program of a description, or take it from the cache.

    Parameters
    ----------
    description : dict
        Plain data from `stdpnet.models.network.Network.describe`.
    backend : {"auto", "cpp", "cython", "numpy"}
        How to run it.
    title : str
        What ``stdpnet cache list`` shows.
    announce : callable, optional
        Called with a sentence before something is compiled.

    Raises
    ------
    ProgramError
        If the compiler fails.
    CacheError
        If the cache cannot be written.
    """
    backend = choose_backend(backend)
    if backend != "cpp":
        return Program(description, backend)
    compiler = find_compiler()
    assert compiler is not None  # choose_backend has made sure
    key = _key(description, compiler)
    folder = cache.cache_folder() / key
    seconds = 0.0
    if not (folder / "manifest.json").exists():
        with cache.lock(folder.parent / f"{key}.lock"):
            if not (folder / "manifest.json").exists():
                start = time.perf_counter()
                if announce is not None:
                    announce(f"compiling {title or 'a network'}: 10 to 60 s, once")
                _build_into(folder, description, compiler, title)
                seconds = time.perf_counter() - start
        cache.keep_within_limit()
    (folder / "manifest.json").touch()
    arrays = json.loads((folder / "manifest.json").read_text())["arrays"]
    return Program(description, backend, folder, arrays, seconds)


def _key(description: dict[str, Any], compiler: Compiler) -> str:
    """Hash everything that shapes the code."""
    content = {
        "description": description,
        "compiler": compiler.fingerprint(),
        "versions": [*_brian2_and_numpy(), __version__, _engine_hash()],
    }
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@lru_cache
def _brian2_and_numpy() -> list[str]:
    return [version("brian2"), version("numpy")]


@lru_cache
def _engine_hash() -> str:
    """Hash the templates and generators, so that a changed engine builds anew."""
    here = Path(__file__).parent
    sources = ("assemble.py", "brian2_api.py", "build.py", "native.py")
    files = sorted([*here.glob("templates/*"), *(here / name for name in sources)])
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _build_into(
    folder: Path, description: dict[str, Any], compiler: Compiler, title: str
) -> None:
    temporary = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    try:
        (temporary / "description.json").write_text(json.dumps(description))
        _run_builder(temporary)
        manifest = {
            "description": description,
            "compiler": compiler.fingerprint(),
            "versions": {"stdpnet": __version__, "brian2": version("brian2")},
            "arrays": json.loads((temporary / "arrays.json").read_text()),
        }
        (temporary / "title").write_text(title)
        (temporary / "manifest.json").write_text(json.dumps(manifest))
        if folder.exists():  # left by a build that was killed before its manifest
            shutil.rmtree(folder)
        temporary.rename(folder)
    except ProgramError:
        raise
    except OSError as error:
        raise cache.CacheError(
            f"cannot build in {folder.parent} ({error.strerror or error}); "
            "free some space or set STDPNET_CACHE"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _run_builder(folder: Path) -> None:
    command = [sys.executable, "-m", "stdpnet.engine.build"]
    built = subprocess.run(
        [*command, str(folder / "description.json"), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        errors = built.stderr.strip() or f"exit status {built.returncode}"
        raise ProgramError(f"building the program failed: {_last_error(errors)}")


def _last_error(text: str) -> str:
    """Return the message of the last exception in a traceback, without its frames."""
    lines = text.split("\n")
    starts = [
        i
        for i, line in enumerate(lines)
        if "Error" in line and not line.startswith(" ")
    ]
    return "\n".join(lines[starts[-1] :] if starts else lines[-5:])
