"""Partners of the same class."""

import numpy as np
import pytest

from stdpnet.datasets import draw_partners


def test_partners_have_the_class_and_are_used_evenly(rng):
    y, others = rng.integers(0, 5, 1000), np.repeat(np.arange(7), 30)
    drawn = draw_partners(y, others, seed=1)
    assert np.array_equal(others[drawn], y)
    used = np.bincount(drawn, minlength=len(others)).reshape(7, 30)
    assert (np.ptp(used, axis=1) <= 1).all()
    assert (used[5:] == 0).all()


def test_no_partner_is_drawn_twice_where_there_are_enough():
    y = np.repeat([3, 1], 20)
    drawn = draw_partners(y, np.repeat(np.arange(4), 25))
    assert len(set(drawn)) == 40


def test_the_seed_decides():
    y, others = np.arange(60) % 3, np.arange(90) % 3
    one, same, other = (draw_partners(y, others, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_class_without_partners_is_refused():
    with pytest.raises(
        ValueError, match="class 2 has 1 examples but no partners, which"
    ):
        draw_partners([0, 1, 2], [0, 1, 1])
