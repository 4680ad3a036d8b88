"""What a sweep costs beside the runs that it is made of, and what a second worker gains.

    python benchmarks/sweep.py [--trials 20]

The same runs four times, digits, two parameters of the rule: one after the other in a
script of ten lines (bare), each as a command ``stdpnet train``, as a sweep with one worker,
and with two. Whole commands are timed, from the start of Python to its end; a sweep scores
its best trial on the test set, too. Compilations are counted in a first sweep with an empty
cache.
"""

import argparse
import os
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

folder, out = map(Path, sys.argv[1:])
data = held_out(load_dataset("digits"), 0.2, 0)
for number, row in frame(folder).iterrows():
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
        for repeat in range(options.repeats):
            here = folder / str(repeat)
            bare = seconds(sys.executable, "-c", BARE, folder / "cold", here / "bare")
            one = sweep(here / "one", options.trials, 1)
            two = sweep(here / "two", options.trials, 2)
            print(
                f"bare {bare:.1f} s, one worker {one:.1f} s ({one / bare - 1:+.1%}), "
                f"two {two:.1f} s ({one / two:.2f} times faster than one, "
                f"{bare / two:.2f} than bare)",
                flush=True,
            )


if __name__ == "__main__":
    main()
