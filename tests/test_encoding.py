import gzip
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest

from stdpnet.config import SpecError
from stdpnet.encoding import (
    NEVER,
    DifferenceOfGaussians,
    Encoding,
    Intensity,
    Latency,
    Poisson,
    PoissonFrames,
    RankOrder,
    Whitening,
    count_blank,
    count_windows,
    sample_windows,
    to_unit_range,
)
from stdpnet.units import Hz, ms


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 256, (6, 14, 12, 3), dtype=np.uint8)


@pytest.fixture
def sparse():
    rng = np.random.default_rng(2)
    contrast = rng.random((20, 15, 13, 2), dtype=np.float32)
    return contrast * (rng.random(contrast.shape) < 0.05)


@pytest.mark.parametrize(
    "encoding",
    [
        Encoding(),
        Encoding(filter=Whitening(patch_size=3, n_patches=100)),
        Encoding(filter=Intensity(), code=Poisson(max_rate=100 * Hz)),
        Encoding(filter=DifferenceOfGaussians(cutoff=0.1), code=Latency()),
        Encoding(filter=DifferenceOfGaussians(cutoff=0.1), code=PoissonFrames()),
    ],
)
def test_encoding_is_scaling_then_filter_then_code(encoding, images):
    learned = encoding.fit(images, max_value=255)
    contrast = encoding.filter.apply(images.astype(float) / 255, learned)
    expected = encoding.code.encode(contrast, 15, 1 * ms)

    encoded = encoding.encode(images, learned, 15, 1 * ms, 255)

    assert encoded.shape[-1] == encoding.n_channels(3)
    assert encoded.shape == (6, *encoding.stimulus_shape((14, 12, 3)))
    assert encoded.dtype == expected.dtype
    np.testing.assert_allclose(encoded.astype(float), expected, atol=1)
    assert (encoded != expected).mean() < (0.001 if encoded.dtype == np.uint16 else 1)
    assert Encoding.from_dict(encoding.to_dict()) == encoding


def test_many_images_are_encoded_as_one_is():
    images = np.random.default_rng(3).integers(0, 256, (800, 28, 28), dtype=np.uint8)
    encoding = Encoding()
    together = encoding.encode(images, None, 15, 1 * ms, 255)
    order = np.random.default_rng(4).permutation(800)
    assert np.array_equal(
        encoding.encode(images[order], None, 15, 1 * ms, 255), together[order]
    )
    for i in (0, 333, 334, 799):
        alone = encoding.encode(images[i : i + 1], None, 15, 1 * ms, 255)
        assert np.array_equal(alone[0], together[i])


def test_blank_images_are_counted(images):
    images[1], images[4] = 0, 93
    encoding = Encoding()
    assert count_blank(encoding.encode(images, None, 15, 1 * ms, 255)) == 2


def test_tables_make_an_encoding():
    spec = tomllib.loads(
        """
        [encoding.filter]
        type = "Whitening"
        patch_size = 7
        [encoding.code]
        type = "Poisson"
        max_rate = "200 Hz"
        """
    )
    encoding = Encoding.from_dict(spec["encoding"])
    assert encoding == Encoding(
        filter=Whitening(patch_size=7), code=Poisson(max_rate=200 * Hz)
    )
    assert encoding.stimulus == "rates"


def test_what_a_table_leaves_out_has_its_default():
    assert Encoding.from_dict({}) == Encoding()
    sharper = Encoding.from_dict({"filter": {"sigma_center": 0.5}, "code": RankOrder()})
    assert sharper == Encoding(filter=DifferenceOfGaussians(sigma_center=0.5))


def test_parameters_reach_into_the_parts():
    params = Encoding(code=RankOrder(fill=0.5)).get_params()
    assert params["code__fill"] == 0.5
    assert params["filter__sigma_surround"] == 2
    assert set(Encoding().get_params(deep=False)) == {"filter", "code"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"filtre": {}},
            "unknown encoding parameter 'filtre'; .* Did you mean 'filter'",
        ),
        (
            {"code": {"type": "RankOrde"}},
            "unknown code 'RankOrde'; .* mean 'RankOrder'",
        ),
        ({"code": {"fil": 1}}, "unknown RankOrder parameter 'fil'; .* mean 'fill'"),
        ({"code": 3}, "encoding.code must be a table with a type, got 3; write"),
        (
            {"type": "Other"},
            "encoding.type must be 'Encoding' or be left out, got 'Other'",
        ),
    ],
)
def test_tables_are_refused(values, message):
    with pytest.raises(SpecError, match=message):
        Encoding.from_dict(values)


def test_parts_must_be_parts():
    with pytest.raises(
        ValueError, match=r"Encoding.code must be a Code, got 'RankOrder'; "
    ):
        Encoding(code="RankOrder")


def test_contrast_can_be_had_alone(images):
    encoding = Encoding()
    contrast = encoding.contrast(images, max_value=255)
    assert np.array_equal(contrast, encoding.filter.apply(to_unit_range(images, 255)))


def locate(window, image):
    """All positions at which a window occurs in an image."""
    k = len(window)
    height, width = image.shape[:2]
    return [
        (y, x)
        for y in range(height - k + 1)
        for x in range(width - k + 1)
        if np.array_equal(image[y : y + k, x : x + k], window)
    ]


def test_windows_come_from_their_image_and_are_active(sparse):
    windows = sample_windows(sparse, 4, 3, np.random.default_rng(0), min_active=2)
    assert windows.shape == (60, 4, 4, 2)
    for i, window in enumerate(windows):
        assert locate(window, sparse[i // 3])
        assert (window > 0).sum() >= 2


def test_windows_are_uniform_over_the_allowed_positions():
    contrast = np.zeros((1, 6, 6, 1), dtype=np.float32)
    contrast[0, 0, 0], contrast[0, 3, 3] = 0.5, 1
    windows = sample_windows(contrast, 3, 5000, np.random.default_rng(0))
    corner = windows[:, 0, 0, 0] == 0.5
    positions = 1 + 9
    spread = np.sqrt(5000 * 0.1 * 0.9)
    assert abs(corner.sum() - 5000 / positions) < 4 * spread
    inside = windows[~corner]
    assert (inside.reshape(-1, 9) == 1).mean(axis=0).min() > 0.08


def test_too_quiet_images_give_any_window():
    quiet = np.zeros((2, 6, 6, 1), dtype=np.float32)
    quiet[1, 2, 2] = 1
    windows = sample_windows(quiet, 3, 200, np.random.default_rng(0), min_active=2)
    assert not windows[:200].any()
    seen = windows[200:].any(axis=(1, 2, 3)).mean()
    assert seen == pytest.approx(9 / 16, abs=0.15)


def test_whole_images_are_windows_too(sparse):
    windows = sample_windows(sparse[:, :13], 13, 1, np.random.default_rng(0))
    assert np.array_equal(windows, sparse[:, :13])


def test_windows_of_steps_keep_or_lose_their_time(sparse):
    steps = RankOrder().encode(sparse, 16, 1 * ms)
    kept, rebased = (
        sample_windows(steps, 5, 4, np.random.default_rng(0), rebase=rebase)
        for rebase in (False, True)
    )
    contrasts = sample_windows(sparse, 5, 4, np.random.default_rng(0))
    assert np.array_equal(kept != NEVER, contrasts > 0)
    for before, after in zip(kept, rebased, strict=True):
        spikes = before != NEVER
        assert np.array_equal(after != NEVER, spikes)
        assert np.array_equal(after[spikes], before[spikes] - before[spikes].min())


def test_silent_windows_survive_rebasing():
    steps = np.full((1, 4, 4, 1), NEVER, dtype=np.uint16)
    assert (
        sample_windows(steps, 2, 3, np.random.default_rng(0), rebase=True) == NEVER
    ).all()


@pytest.mark.parametrize(
    ("shape", "size", "n_per_image", "rebase", "message"),
    [
        ((2, 5, 5), 3, 1, False, r"contrast must have shape .*, got \(2, 5, 5\); "),
        ((2, 5, 5, 1), 6, 1, False, "size must be from 1 .* got 6 for images of 5 x 5"),
        ((2, 5, 5, 1), 0, 1, False, "size must be from 1 to the image's side, got 0"),
        ((2, 5, 5, 1), 3, 0, False, "n_per_image must be >= 1, got 0"),
        ((2, 5, 5, 1), 3, 1, True, "rebase must be False for contrasts, got True"),
    ],
)
def test_windows_refuse(shape, size, n_per_image, rebase, message):
    with pytest.raises(ValueError, match=message):
        sample_windows(
            np.ones(shape, np.float32),
            size,
            n_per_image,
            np.random.default_rng(0),
            rebase=rebase,
        )


@pytest.fixture
def digits():
    root = os.environ.get("STDPNET_DATA")
    if root is None:
        pytest.skip("STDPNET_DATA is not set: no real images")
    path = Path(root) / "mnist" / "t10k-images-idx3-ubyte.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    with gzip.open(path) as file:
        pixels = np.frombuffer(file.read(16 + 200 * 784), np.uint8, offset=16)
    return pixels.reshape(200, 28, 28)


def test_real_digits_are_edges_in_order(digits):
    encoding = Encoding()
    steps = encoding.encode(digits, None, 16, 1 * ms, 255)
    contrast = encoding.contrast(digits, max_value=255)
    assert count_blank(steps) == 0
    for image, encoded in zip(contrast, steps, strict=True):
        strongest = [image[encoded == step].min() for step in range(16)]
        weakest = [image[encoded == step].max() for step in range(16)]
        assert all(a >= b for a, b in zip(strongest, weakest[1:], strict=False))
    fraction = (steps != NEVER).mean()
    assert 0.1 < fraction < 0.5


def test_windows_with_contrast_are_counted(rng):
    contrast = (rng.random((4, 7, 6, 2)) * (rng.random((4, 7, 6, 2)) < 0.1)).astype(
        "f4"
    )
    expected = [
        sum(
            np.count_nonzero(image[y : y + 3, x : x + 3]) >= 2
            for y in range(5)
            for x in range(4)
        )
        for image in contrast
    ]
    assert list(count_windows(contrast, 3, min_active=2)) == expected
