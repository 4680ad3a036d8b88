"""Noise on images: how much of it there is, and what stays as it was."""

import numpy as np
import pytest

from stdpnet.datasets import add_image_noise

GREY = np.full((40, 20, 30), 128, np.uint8)


def test_gaussian_noise_has_the_deviation_that_was_asked_for():
    noise = add_image_noise(GREY.astype(float), 0.1, seed=1) - 128
    # 24,000 draws of deviation 25.5: of mean and deviation five standard errors.
    assert abs(noise.mean()) < 5 * 25.5 / np.sqrt(noise.size)
    assert abs(noise.std() - 25.5) < 5 * 25.5 / np.sqrt(2 * noise.size)


def test_as_many_pixels_become_white_as_black():
    noisy = add_image_noise(GREY, 0.3, kind="salt-and-pepper", seed=2)
    n = GREY.size
    for value, share in ((0, 0.15), (255, 0.15), (128, 0.7)):
        error = 5 * np.sqrt(share * (1 - share) / n)
        assert abs((noisy == value).mean() - share) < error


def test_all_channels_of_a_pixel_turn_white_together():
    colours = np.full((5, 8, 8, 3), 7, np.uint8)
    noisy = add_image_noise(colours, 0.5, kind="salt-and-pepper")
    assert (noisy == noisy[..., :1]).all()
    assert {0, 7, 255} == set(noisy.ravel())


def test_a_rectangle_of_the_given_area_is_covered():
    noisy = add_image_noise(GREY, 0.25, kind="occlusion", seed=3)
    corners = set()
    for image in noisy:
        rows, columns = np.nonzero(image == 0)
        assert len(rows) == 10 * 15
        assert np.ptp(rows) == 9
        assert np.ptp(columns) == 14
        corners.add((rows.min(), columns.min()))
    assert len(corners) > 10


@pytest.mark.parametrize("kind", ["gaussian", "salt-and-pepper", "occlusion"])
def test_without_noise_nothing_changes_and_the_seed_decides(kind):
    assert np.array_equal(add_image_noise(GREY, 0, kind=kind), GREY)
    one, same, other = (
        add_image_noise(GREY, 0.2, kind=kind, seed=seed) for seed in (1, 1, 2)
    )
    assert one.dtype == np.uint8
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "snow"}, "unknown kind of noise 'snow'"),
        ({"level": -1}, "level of gaussian noise must be >= 0, got -1"),
        (
            {"level": 2, "kind": "occlusion"},
            "level of occlusion noise must be from 0 to",
        ),
        (
            {"images": GREY[0]},
            "images must have shape .n, height, width.*, got .20, 30",
        ),
    ],
)
def test_noise_that_cannot_be_made_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        add_image_noise(**{"images": GREY, "level": 0.1, **options})
