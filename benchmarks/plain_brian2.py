"""The network of `ConvSTDP` on plain Brian2 `Synapses`, timed in a process of its own.

    python benchmarks/plain_brian2.py TARGET JOB.npz

TARGET is "cython", "numpy" or "standalone". Prints one JSON object: seconds of
simulation for one example (building and compiling left out) and the peak
memory of the process that simulates. The job needs more examples than
`WARM_UP`. Used by ``bench.py``.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from stdpnet.engine.brian2_api import FLOATS, brian2
from stdpnet.engine.reference import ReferenceAssembly

WARM_UP = 2


def load(file: str) -> tuple[ReferenceAssembly, int, int]:
    """Make the network that a job file describes."""
    with np.load(file) as job:
        settings = json.loads(str(job["settings"]))
        stimulus, weights, theta = job["stimulus"], job["weights"], job["theta"]
    description = settings["description"]
    brian2.defaultclock.dt = description["dt"] * brian2.second
    brian2.prefs.core.default_float_dtype = FLOATS[description["dtype"]]
    assembly = ReferenceAssembly(
        description, {"inputs": stimulus}, settings["parameters"], settings["n_steps"]
    )
    assembly.network = assembly.assemble()
    assembly.groups["afferents"].variables["w"].set_value(weights.ravel())
    assembly.groups["features_map"].variables["theta"].set_value(theta)
    return assembly, len(stimulus), settings["n_steps"]


def run_here(file: str) -> dict[str, float]:
    """Time Brian2's runtime target: a short run compiles, the long one counts."""
    assembly, n_examples, _ = load(file)
    presentation = assembly.clock.dt
    assembly.network.run(WARM_UP * presentation, namespace={})
    start = time.perf_counter()
    assembly.network.run((n_examples - WARM_UP) * presentation, namespace={})
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"seconds": seconds / (n_examples - WARM_UP), "peak_mb": peak}


def run_standalone(file: str) -> dict[str, float]:
    """Time the main loop of Brian2's own C++ standalone program."""
    brian2.set_device("cpp_standalone", build_on_run=False)
    brian2.prefs.codegen.cpp.extra_compile_args_gcc = [
        "-w", "-O3", "-ffast-math", "-march=native", "-std=c++17",
    ]  # fmt: skip
    # Denormal numbers are flushed, as in the programs of stdpnet.
    brian2.prefs.codegen.cpp.extra_link_args = ["-ffast-math"]
    assembly, n_examples, _ = load(file)
    assembly.network.run(n_examples * assembly.clock.dt, namespace={})
    with tempfile.TemporaryDirectory() as folder:
        brian2.device.build(directory=folder, compile=True, run=False)
        subprocess.run(["./main"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        info = (Path(folder) / "results" / "last_run_info.txt").read_text()
        peak = _peak_memory(folder)
    return {"seconds": float(info.split()[0]) / n_examples, "peak_mb": peak}


def _peak_memory(folder: str) -> float:
    """Run the program once more and return its peak memory in MB."""
    code = (
        "import resource, subprocess; subprocess.run(['./main'], check=True, "
        "stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


if __name__ == "__main__":
    target, job_file = sys.argv[1:]
    if target == "standalone":
        result = run_standalone(job_file)
    else:
        brian2.prefs.codegen.target = target
        result = run_here(job_file)
    print(json.dumps(result))
