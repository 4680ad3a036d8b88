"""Figures of several senses: what they draw, what they refuse."""

import numpy as np
import pytest

from stdpnet.analysis.drawing import CONTROL, LEARNED, MUTED
from stdpnet.analysis.senses import plot_accuracies, plot_recall


def test_accuracies_are_bars_of_the_given_lengths_and_the_control_stands_out():
    given = {"both, joined": 0.9, "image alone": 0.5, "both, shuffled": 0.75}
    ax = plot_accuracies(given)
    assert [bar.get_width() for bar in ax.patches] == [90, 50, 75]
    colours = [bar.get_facecolor()[:3] for bar in ax.patches]
    wanted = [tuple(int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)) for c in
              (LEARNED, MUTED, CONTROL)]  # fmt: skip
    assert np.allclose(colours, wanted)
    assert [text.get_text() for text in ax.texts] == ["90.0 %", "50.0 %", "75.0 %"]


def test_recalled_pictures_stand_below_what_was_given(rng):
    shown, recalled = rng.random((3, 4, 5)), rng.random((3, 8, 8, 1))
    axes = plot_recall(shown, recalled, ("audio", "image"), ["a", "b", "c"])
    drawn = [ax.images[0].get_array() for ax in axes]
    for picture, array in zip(drawn, [*shown, *recalled[..., 0]], strict=True):
        assert np.array_equal(picture, array)
    assert [ax.get_title() for ax in axes[:3]] == ["a", "b", "c"]
    assert axes[3].get_ylabel() == "image\nevoked"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="accuracies must have one or more entries"):
        plot_accuracies({})
    with pytest.raises(ValueError, match=r"equally many examples, .* got 3 and 2"):
        plot_recall(np.ones((3, 4, 4)), np.ones((2, 4, 4, 1)), ("a", "b"))
