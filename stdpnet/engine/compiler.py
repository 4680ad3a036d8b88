"""The C++ compiler: which, with what flags, and what makes its output differ."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FLAGS = "-w -O3 -march=native -ffast-math -fno-finite-math-only -std=c++17"
#: Without -ffast-math additions keep their order; used to compare with Brian2.
EXACT_FLAGS = "-w -O3 -march=native -ffp-contract=off -std=c++17"


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler and the flags that programs are built with."""

    path: str
    version: str
    flags: str = FLAGS

    @property
    def link_flags(self) -> str:
        """Flags of the link step: with -ffast-math, denormal numbers are flushed."""
        return "-ffast-math" if "-ffast-math" in self.flags else ""

    def fingerprint(self) -> dict[str, str]:
        """Return everything about compiler and processor that shapes the code."""
        return {
            "compiler": self.version,
            "flags": self.flags,
            "platform": platform.system(),
            "processor": processor_features(),
        }


def find_compiler() -> Compiler | None:
    """Return the compiler of ``$CXX``, else g++, c++ or clang++; None without one.

    ``STDPNET_FLAGS`` replaces the flags.
    """
    if platform.system() == "Windows":
        return None
    for name in (os.environ.get("CXX"), "g++", "c++", "clang++"):
        path = shutil.which(name) if name else None
        if path is not None:
            return Compiler(
                path, _version(path), os.environ.get("STDPNET_FLAGS", FLAGS)
            )
    return None


@lru_cache
def _version(path: str) -> str:
    shown = subprocess.run(
        [path, "--version"], capture_output=True, text=True, check=False
    ).stdout
    return shown.split("\n")[0] or path


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
