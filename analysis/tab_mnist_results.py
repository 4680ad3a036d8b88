"""Table of accuracy against labels, learned kernels beside the control, over seeds.

    python analysis/tab_mnist_results.py RUN [RUN ...]

Each RUN is a finished run folder of the same specification with another seed,
with its control and at least 300 labels.
Below the full set, every run has several stratified draws of labels; a seed
counts with their mean. Prints a Markdown table: mean and standard deviation
over seeds in percent, and how many errors of the control the learned kernels
avoid.
"""

import sys

import numpy as np

from stdpnet.analysis import fewer_errors, load_run


def accuracies(path: str) -> dict[int, tuple[float, float]]:
    """Return accuracy of learned kernels and control, by number of labels."""
    run = load_run(path)
    metrics = run.metrics
    found = {metrics["n_train"]: (metrics["accuracy"], metrics["control_accuracy"])}
    with run.arrays() as arrays:
        curve = arrays["label_curve"]
        rows = zip(curve["n_labels"], curve["accuracy"], curve["control"], strict=True)
        for n, learned, control in rows:
            found[int(n)] = (float(np.mean(learned)), float(np.mean(control)))
    return found


def main() -> None:
    """Print the table."""
    runs = [accuracies(path) for path in sys.argv[1:]]
    if not runs:
        sys.exit(__doc__)
    print("| labels | learned % | control % | fewer errors | seeds |")
    print("|---|---|---|---|---|")
    for n in sorted(runs[0]):
        learned, control = 100 * np.array([run[n] for run in runs]).T
        fewer = fewer_errors(learned.mean() / 100, control.mean() / 100)
        ddof = 1 if len(runs) > 1 else 0
        print(
            f"| {n:,} | {learned.mean():.2f} ± {learned.std(ddof=ddof):.2f} "
            f"| {control.mean():.2f} ± {control.std(ddof=ddof):.2f} "
            f"| {100 * fewer:.0f} % | {len(runs)} |"
        )
        spread = ", ".join(
            f"{a:.2f}/{b:.2f}" for a, b in zip(learned, control, strict=True)
        )
        print(f"<!-- {n}: learned/control by seed: {spread} -->")


if __name__ == "__main__":
    main()
