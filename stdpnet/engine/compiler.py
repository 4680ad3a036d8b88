"""The C++ compiler: which, with what flags, and what makes its output differ."""

import os
import platform
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FLAGS = "-w -O3 -march=native -ffast-math -fno-finite-math-only -std=c++17"
#: Without -ffast-math additions keep their order; used to compare with Brian2.
EXACT_FLAGS = "-w -O3 -march=native -ffp-contract=off -std=c++17"


class CompilerError(OSError):
    """The compiler that was asked for is not there."""


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler and the flags that programs are built with.

    Attributes
    ----------
    path : str
        The compiler, or a wrapper such as ``ccache``.
    version : str
        The first line of what it says of itself.
    flags : str
        Flags of every call that compiles.
    arguments : tuple of str
        What follows the path in every call.
    """

    path: str
    version: str
    flags: str = FLAGS
    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """The words that every call begins with."""
        return [self.path, *self.arguments]

    @property
    def link_flags(self) -> str:
        """Flags of the link step: with -ffast-math, denormal numbers are flushed."""
        return "-ffast-math" if "-ffast-math" in self.flags else ""

    def fingerprint(self) -> dict[str, str]:
        """Return everything about compiler and processor that shapes the code."""
        return {
            "compiler": self.version,
            "arguments": shlex.join(self.arguments),
            "flags": self.flags,
            "platform": platform.system(),
            "processor": processor_features(),
        }


def find_compiler() -> Compiler | None:
    """Return the compiler of ``$CXX``, else g++, c++ or clang++; None without one.

    ``CXX`` may be several words, such as ``ccache g++``. ``STDPNET_FLAGS``
    replaces the flags.

    Raises
    ------
    CompilerError
        If ``CXX`` names something that is not there.
    """
    if platform.system() == "Windows":
        return None
    wanted = _words(os.environ.get("CXX", ""))
    for words in [wanted] if wanted else [["g++"], ["c++"], ["clang++"]]:
        path = shutil.which(words[0])
        if path is not None:
            flags = os.environ.get("STDPNET_FLAGS", FLAGS)
            version = _version(path, *words[1:])
            return Compiler(path, version, flags, tuple(words[1:]))
    if wanted:
        raise CompilerError(
            f"CXX must name a C++ compiler, got {wanted[0]!r}, which was not found; "
            "correct it or unset CXX"
        )
    return None


def _words(setting: str) -> list[str]:
    try:
        return shlex.split(setting)
    except ValueError as error:
        raise CompilerError(
            f"CXX must name a C++ compiler, got {setting!r} ({error}); "
            "correct it or unset CXX"
        ) from error


@lru_cache
def _version(*command: str) -> str:
    shown = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, check=False
    ).stdout
    return shown.split("\n")[0] or command[0]


@lru_cache
def processor_features() -> str:
    """Return what ``-march=native`` stands for on this machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n")
    except OSError:
        return platform.processor() or platform.machine()
    wanted = ("model name", "flags", "Features")
    found = {
        line.split(":")[0].strip(): line for line in lines if line.startswith(wanted)
    }
    return "; ".join(found.values()) or platform.machine()
