"""Figure of receptive fields of one bit a synapse, beside those of graded weights.

    python analysis/fig_sbsnn.py OUT [FILE]

OUT is where ``tab_sbsnn.py`` left the networks; those of the first seed are drawn.
"""

import sys
from pathlib import Path

from stdpnet import FullyConnectedSTDP, StochasticBinarySTDP
from stdpnet.analysis.drawing import INK, new_figure, save_small_picture
from stdpnet.analysis.kernel_plots import plot_kernels

N_SHOWN, COLUMNS = 100, 10
PANELS = {
    "binary": (StochasticBinarySTDP, "one bit a synapse, by chance"),
    "graded": (FullyConnectedSTDP, "graded, the same rule on average"),
}


def main() -> None:
    """Draw the first neurons of both networks."""
    out = Path(sys.argv[1])
    file = Path(sys.argv[2] if len(sys.argv) > 2 else "docs/binary.png")
    figure = new_figure(9.0, 4.4)
    axes = figure.subplots(1, len(PANELS))
    for ax, (name, (kind, title)) in zip(axes, PANELS.items(), strict=True):
        fields = kind.load(out / f"{name}-0.h5").kernels_[:N_SHOWN]
        plot_kernels(fields, columns=COLUMNS, colour_bar=ax is axes[-1], ax=ax)
        ax.set_title(title, loc="left", color=INK)
    save_small_picture(figure, file)


if __name__ == "__main__":
    main()
