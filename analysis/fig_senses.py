"""Figure of two senses: what noise takes from one and the other gives back, and recall.

    STDPNET_DATA=... python analysis/fig_senses.py OUT [FILE]

OUT is where ``tab_senses.py train`` and ``noise`` left models and numbers.
"""

import json
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from tab_senses import LEVELS, ROWS, load, models

from stdpnet import MultimodalSTDP, load_dataset
from stdpnet.analysis.drawing import CONTROL, INK, LEARNED, MUTED, new_figure, tidy
from stdpnet.analysis.senses import plot_recall

#: Colour, line and label of each row.
LINES = {
    "image alone": (MUTED, "--", "image alone"),
    "audio alone": (MUTED, ":", "sound alone"),
    "both, not joined": (INK, "-", "both, not joined"),
    "both, joined": (LEARNED, "-", "both, joined"),
    "shuffled": (CONTROL, "-", "both, shuffled"),
}
TITLES = {"image": "Noise on images", "audio": "Noise on sounds"}
NAMES = {"gaussian": "standard deviation", "white": "signal to noise ratio (dB)"}
#: Of these kinds, the others are in the table.
DRAWN = (("image", "gaussian"), ("audio", "white"))


def plot_noise(
    found: dict[str, list[dict[str, float]]], kind: tuple[str, str], ax: Axes
) -> None:
    """Draw accuracy against the level of one kind of noise, mean and spread of seeds."""
    levels = LEVELS[kind]
    names = [f"{kind[0]} {kind[1]} {level:.4g}" for level in levels]
    for row in ROWS:
        colour, line, label = LINES[row]
        values = 100 * np.array([[one[row] for one in found[name]] for name in names])
        mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1)
        ax.plot(levels, mean, line, color=colour, label=label)
        ax.fill_between(
            levels, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0
        )
    if levels[0] > levels[-1]:
        ax.invert_xaxis()
    ax.set(xlabel=f"{kind[1]}: {NAMES[kind[1]]}", ylabel="Accuracy (%)", ylim=(0, 100))
    ax.set_title(TITLES[kind[0]], loc="left")
    tidy(ax)


def recalled(model: MultimodalSTDP) -> tuple[np.ndarray, np.ndarray]:
    """Return a test recording of each class, and the image that it evokes."""
    pairs = load(0)[1]
    sounds = load_dataset("fsdd").X_test
    firsts = np.unique(pairs.y, return_index=True)[1]
    heard = sounds[pairs.heard[firsts]]
    return heard, model.recall({"audio": heard}, "image")


def main() -> None:
    """Draw the figure."""
    out = Path(sys.argv[1])
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else out / "senses.png"
    found = json.loads((out / "noise.json").read_text())
    figure = new_figure(9.6, 5.2)
    upper, lower = figure.subfigures(2, 1, height_ratios=(3.2, 2))
    for kind, ax in zip(DRAWN, upper.subplots(1, 2), strict=True):
        plot_noise(found, kind, ax)
    ax.legend(frameon=False, fontsize=8)
    heard, evoked = recalled(models(out)[0])
    plot_recall(heard, evoked, ("sound", "image"), tuple("0123456789"), figure=lower)
    figure.savefig(file, dpi=110)
    print(file)


if __name__ == "__main__":
    main()
