"""Programs: a described network made ready to run, found again in the cache.

`build` returns a `Program`; `stdpnet.engine.run.run_chunk` takes it with stimuli
and state and returns counts and state. A compiled program needs nothing of Brian2.
"""

import hashlib
import json
import platform
import re
import shutil
import subprocess
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
from stdpnet.engine import cache, interpreter
from stdpnet.engine.compiler import Compiler, find_compiler
from stdpnet.models.equations import variables

BACKENDS = ("auto", "cpp", "cython", "numpy")
#: Measured with conv-stdp-mnist, 16 steps an image; building the network is the 3 s.
_SLOWNESS = "about 500 times slower (0.5 s an MNIST image and 3 s a chunk)"
NO_COMPILER = (
    "no C++ compiler (g++, clang++ or $CXX) was found: networks run in "
    f"Brian2's NumPy code, {_SLOWNESS}; "
    "install one, for example with 'apt install g++' or 'conda install gxx'"
)
ON_WINDOWS = (
    "networks are not compiled on Windows: they run in Brian2's NumPy code, "
    f"{_SLOWNESS}; use WSL or backend 'cython'"
)
NO_SPACE = (
    "free some space, or set STDPNET_CACHE and TMPDIR to folders on a larger disk"
)

_EXCEPTION = re.compile(r"^[\w.]+(Error|Exception|Interrupt)\b")


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
            f"{name}.{variable}": tuple(projection["weights"])
            for name, projection in self.description["projections"].items()
            for variable in ("w", *projection["variables"])
        }
        for name, projection in self.description["projections"].items():
            for variable, n in projection["structure"].items():
                shapes[f"{name}.{variable}"] = (n,)
        for name, group in self.description["groups"].items():
            for variable in variables("\n".join(group["equations"]["map"])):
                if variable != "map_wins":
                    shapes[f"{name}.{variable}"] = (group["shape"][2],)
        return shapes

    def dtype(self, name: str) -> str:
        """Return the type of a state variable, "group.variable"."""
        group, _, variable = name.partition(".")
        groups, parts = self.description["groups"], self.description["projections"]
        if group in parts and variable in parts[group]["structure"]:
            return "int32"
        precise = group in groups and variable in groups[group]["precise"]
        return "float64" if precise else str(self.description["dtype"])

    def parameter_names(self) -> set[str]:
        """Return the parameters, as "part.name", that a run needs."""
        parts = {**self.description["groups"], **self.description["projections"]}
        names = {f"{part}.{p}" for part in parts for p in parts[part]["parameters"]}
        for name, projection in self.description["projections"].items():
            if any(projection[f"learn_{when}"] for when in ("pre", "post", "end")):
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
    CompilerError
        If ``CXX`` names a compiler that is not there.
    """
    if backend not in BACKENDS:
        raise ValueError(unknown_name("backend", str(backend), BACKENDS))
    windows = platform.system() == "Windows"
    # On Windows Brian2 finds the compiler of its Cython code by itself.
    if backend == "numpy" or (backend == "cython" and windows):
        return backend
    if find_compiler() is not None:
        return "cpp" if backend == "auto" else backend
    if backend == "auto":
        warnings.warn(ON_WINDOWS if windows else NO_COMPILER, stacklevel=2)
        return "numpy"
    if windows:
        raise ProgramError(
            "backend 'cpp' is not available on Windows; use WSL, or backend 'cython' or "
            "'numpy'"
        )
    raise ProgramError(
        f"backend {backend!r} needs a C++ compiler (g++, clang++ or $CXX) and "
        "none was found; install one or use backend 'numpy'"
    )


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
        If the compiler fails, or there is none for the backend.
    CompilerError
        If ``CXX`` names a compiler that is not there.
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
    if not is_complete(folder):
        with cache.lock(folder.parent / f"{key}.lock"):
            if not is_complete(folder):
                start = time.perf_counter()
                if announce is not None:
                    announce(f"compiling {title or 'a network'}: 10 to 60 s, once")
                _build_into(folder, description, compiler, title)
                seconds = time.perf_counter() - start
        cache.keep_within_limit()
    cache.mark_used(folder)
    arrays = json.loads((folder / "manifest.json").read_text())["arrays"]
    return Program(description, backend, folder, arrays, seconds)


def is_complete(folder: Path) -> bool:
    """Say whether a program is in the cache, not what is left of one."""
    return (folder / "manifest.json").exists() and (folder / "main").exists()


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
    names = ("assemble", "brian2_api", "build", "delays", "layouts", "logs", "native")
    files = sorted(
        [*here.glob("templates/*"), *(here / f"{name}.py" for name in names)]
    )
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _build_into(
    folder: Path, description: dict[str, Any], compiler: Compiler, title: str
) -> None:
    try:
        temporary = Path(tempfile.mkdtemp(prefix=cache.BUILDING, dir=folder.parent))
        try:
            (temporary / "description.json").write_text(json.dumps(description))
            _run_builder(temporary)
            _write_manifest(temporary, description, compiler, title)
            temporary.chmod(0o755)  # a cache may be shared; mkdtemp lets nobody else in
            if folder.exists():  # left by a build that was killed before its manifest
                shutil.rmtree(folder)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except ProgramError:
        raise
    except OSError as error:
        raise cache.CacheError(
            f"cannot build in {folder.parent} ({error.strerror or error}); "
            "free some space or set STDPNET_CACHE"
        ) from error


def _write_manifest(
    folder: Path, description: dict[str, Any], compiler: Compiler, title: str
) -> None:
    manifest = {
        "description": description,
        "compiler": compiler.fingerprint(),
        "versions": {"stdpnet": __version__, "brian2": version("brian2")},
        "arrays": json.loads((folder / "arrays.json").read_text()),
    }
    (folder / "title").write_text(title)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _run_builder(folder: Path) -> None:
    description = str(folder / "description.json")
    built = subprocess.run(
        interpreter.command("stdpnet.engine.build", description, str(folder)),
        cwd=folder,  # Brian2 reads preferences from the current folder
        env=interpreter.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        errors = built.stderr.strip() or f"exit status {built.returncode}"
        message = " ".join(_last_error(errors).split())
        if "no space left" in errors.lower():
            message += f"; {NO_SPACE}"
        raise ProgramError(f"building the program failed: {message}")


def _last_error(text: str) -> str:
    """Return the message that tells most of a traceback, without its frames.

    Brian2 wraps what went wrong in an exception that only names the object.
    """
    lines = text.strip().split("\n")
    starts = [i for i, line in enumerate(lines) if _EXCEPTION.match(line)]
    telling = [i for i in starts if "BrianObjectException" not in lines[i]]
    if not telling:
        return "\n".join(lines[-5:])
    message = lines[telling[-1] :]
    end = message.index("") if "" in message else len(message)
    return "\n".join(message[:end])
