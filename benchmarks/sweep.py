"""What a sweep costs beside the runs that it is made of, and what a second worker gains.

    python benchmarks/sweep.py [--trials 20]

The same runs five times, digits, two parameters of the rule: one after the other in a
script of ten lines (bare), half of them in each of two such scripts at once (all that the
machine can gain), each as a command ``stdpnet train``, as a sweep with one worker, and with
two. Whole commands are timed, from the start of Python to its end; a sweep scores its best
trial on the test set, too. Compilations are counted in a first sweep with an empty cache.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = [sys.executable, "-m", "stdpnet"]
VARIED = [
    "--param",
    "rule.learning_rate=0.005:0.05:log",
    "--param",
    "rule.offset=0.3:0.5",
]
BARE = """
import sys
from pathlib import Path
from stdpnet.datasets import load_dataset
from stdpnet.sweep.frame import frame
from stdpnet.training import TrainOptions, train
from stdpnet.training.split import held_out

folder, out = map(Path, sys.argv[1:3])
first, step = map(int, sys.argv[3:])
data = held_out(load_dataset("digits"), 0.2, 0)
for number, row in list(frame(folder).iterrows())[first::step]:
    overrides = [f"{key}={row[key]}" for key in ("rule.learning_rate", "rule.offset")]
    options = TrainOptions(
        spec="conv-stdp", overrides=tuple(overrides), seed=0, out=out / str(number),
        control=False, visible=False,
    )
    train(options, data)
"""


def seconds(*command: str | Path) -> float:
    """Run a command; return how long it took."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def bare(finished: Path, out: Path, at_once: int) -> float:
    """Do the runs of a sweep in scripts, as many at once; return the seconds."""
    start = time.perf_counter()
    scripts = [
        subprocess.Popen(
            [sys.executable, "-c", BARE, finished, out, str(first), str(at_once)],
            env={
                **os.environ,
                "OMP_NUM_THREADS": str((os.cpu_count() or 1) // at_once),
            },
        )
        for first in range(at_once)
    ]
    if any(script.wait() for script in scripts):
        raise RuntimeError("a script failed")
    return time.perf_counter() - start


def sweep(out: Path, trials: int, jobs: int) -> float:
    """Run the command of a sweep; return its seconds."""
    words = [
        "sweep",
        "conv-stdp",
        *VARIED,
        "--trials",
        str(trials),
        "--sampler",
        "random",
    ]
    words += ["--jobs", str(jobs), "--out", str(out)]
    return seconds(*COMMAND, *words)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["STDPNET_CACHE"] = str(folder / "cache")
        sweep(folder / "cold", options.trials, 2)
        from stdpnet.sweep.frame import frame

        built = int(frame(folder / "cold", runs=True)["built"].sum())
        print(f"compilations in the first sweep: {built}")
        train = [*COMMAND, "train", "conv-stdp", "--no-control", "--out"]
        one = seconds(*train, folder / "train")
        print(
            f"a command 'stdpnet train': {one:.1f} s, {options.trials} of them "
            f"{options.trials * one:.0f} s"
        )
        rows = []
        for repeat in range(options.repeats):
            here = folder / str(repeat)
            rows.append(
                (
                    bare(folder / "cold", here / "bare", 1),
                    sweep(here / "one", options.trials, 1),
                    bare(folder / "cold", here / "both", 2),
                    sweep(here / "two", options.trials, 2),
                )
            )
            show(*rows[-1])
        print("medians:")
        show(*map(statistics.median, zip(*rows, strict=True)))


def show(alone: float, one: float, both: float, two: float) -> None:
    """Print times and their ratios."""
    print(
        f"bare {alone:.1f} s, one worker {one:.1f} s ({one / alone - 1:+.1%}); two bare "
        f"{both:.1f} s ({alone / both:.2f} times faster), two workers {two:.1f} s "
        f"({one / two:.2f} times faster than one)",
        flush=True,
    )


if __name__ == "__main__":
    main()
