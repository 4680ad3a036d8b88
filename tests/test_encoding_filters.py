import numpy as np
import pytest

from stdpnet.config import SpecError, from_dict
from stdpnet.encoding import (
    DifferenceOfGaussians,
    Filter,
    Intensity,
    Whitening,
    fit_zca,
    to_unit_range,
)

DOG = DifferenceOfGaussians(cutoff=0)


@pytest.fixture
def images():
    return np.random.default_rng(1).random((5, 12, 9, 2), dtype=np.float32)


@pytest.fixture
def colours():
    """Smooth colour noise: neighbouring pixels and channels are correlated."""
    noise = np.random.default_rng(2).random((40, 18, 18, 3), dtype=np.float32)
    smooth = (noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]) / 3
    smooth[..., 1] = (smooth[..., 0] + smooth[..., 1]) / 2
    return smooth[:, :, :16]


def gaussian(sigma, truncate=3):
    radius = round(truncate * sigma)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    padded = np.zeros(31)
    padded[15 - radius : 16 + radius] = weights / weights.sum()
    return padded


def test_single_bright_pixel_shows_the_kernel():
    image = np.zeros((1, 31, 31, 1), dtype=np.float32)
    image[0, 15, 15] = 1
    center, surround = gaussian(1), gaussian(2)
    expected = np.outer(center, center) - np.outer(surround, surround)

    contrast = DOG.apply(image)[0]

    np.testing.assert_allclose(contrast[..., 0] - contrast[..., 1], expected, atol=1e-6)
    assert (contrast.min(axis=2) == 0).all()


def test_step_edge_has_the_difference_of_the_cumulated_gaussians():
    image = np.zeros((1, 31, 31, 1), dtype=np.float32)
    image[:, :, 15:] = 1
    expected = np.cumsum(gaussian(1)) - np.cumsum(gaussian(2))

    contrast = DOG.apply(image)[0]

    np.testing.assert_allclose(
        contrast[7, :, 0] - contrast[7, :, 1], expected, atol=1e-6
    )


def test_dog_matches_sums_over_a_reflected_image(images):
    reach = np.abs(np.arange(-15, 16))
    kernel = np.outer(gaussian(1), gaussian(1)) - np.outer(gaussian(2), gaussian(2))
    assert kernel[reach > 6].any() == 0
    kernel = kernel[9:22, 9:22]
    padded = np.pad(images[0, ..., 1], 6, mode="symmetric")
    expected = [
        [(padded[y : y + 13, x : x + 13] * kernel).sum() for x in range(9)]
        for y in range(12)
    ]

    contrast = DOG.apply(images)[0]

    np.testing.assert_allclose(contrast[..., 1] - contrast[..., 3], expected, atol=2e-6)


@pytest.mark.parametrize("level", [0, 0.1, 1 / 3, 0.7, 1])
@pytest.mark.parametrize("n_side", [1, 8, 28])
def test_constant_image_has_no_contrast_at_all(level, n_side):
    image = np.full((1, n_side, n_side, 1), level, dtype=np.float32)
    assert not DOG.apply(image).any()


def test_adding_a_constant_changes_nothing(images):
    darker = DOG.apply(images * np.float32(0.5))
    brighter = DOG.apply(images * np.float32(0.5) + np.float32(0.5))
    np.testing.assert_allclose(darker, brighter, atol=2e-6)


def test_on_and_off_balance_and_swap_in_the_negative(images):
    contrast, negative = DOG.apply(images), DOG.apply(1 - images)
    on, off = contrast[..., :2], contrast[..., 2:]
    np.testing.assert_allclose(on.sum(axis=(1, 2)), off.sum(axis=(1, 2)), atol=1e-3)
    np.testing.assert_allclose(negative[..., :2], off, atol=2e-6)


def test_cutoff_removes_exactly_the_weak_contrasts(images):
    everything = DOG.apply(images)
    kept = DifferenceOfGaussians(cutoff=0.1).apply(images)
    assert np.array_equal(kept, np.where(everything >= 0.1, everything, 0))


def test_local_normalization_divides_by_the_local_mean(images):
    plain = DOG.apply(images)
    expected = np.zeros_like(plain)
    padded = np.pad(plain, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="symmetric")
    for y in range(12):
        for x in range(9):
            mean = padded[:, y : y + 5, x : x + 5].mean(axis=(1, 2))
            expected[:, y, x] = plain[:, y, x] / np.where(mean > 0, mean, 1)

    local = DifferenceOfGaussians(cutoff=0, normalization_radius=2).apply(images)

    np.testing.assert_allclose(local, expected, rtol=1e-4)


@pytest.mark.parametrize("n_images", [1, 7, 700])
def test_images_do_not_disturb_each_other(n_images):
    rng = np.random.default_rng(3)
    images = rng.random((n_images, 28, 28, 1), dtype=np.float32)
    order = rng.permutation(n_images)
    whitening = Whitening(n_patches=500)
    learned = whitening.fit(images)
    for filter_, arrays in ((DOG, {}), (Intensity(), {}), (whitening, learned)):
        together = filter_.apply(images, arrays)
        assert np.array_equal(filter_.apply(images[order], arrays), together[order])
        assert np.array_equal(filter_.apply(images[:1], arrays), together[:1])


def test_intensity_is_the_pixels(images):
    assert np.array_equal(Intensity().apply(images), images)
    assert Intensity().n_channels(2) == 2


def test_zca_leaves_identity_covariance_and_is_symmetric(colours):
    patches = colours[:, :15, :15].reshape(40, 5, 3, 5, 3, 3).swapaxes(2, 3)
    patches = patches.reshape(1000, 27).astype(float)

    mean, matrix = fit_zca(patches, 1e-9)

    white = (patches - mean) @ matrix.T
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(27), atol=1e-3)
    np.testing.assert_allclose(matrix, matrix.T)


def test_convolution_equals_whitened_patches_in_the_interior(colours):
    whitening = Whitening(patch_size=3, n_patches=3000, epsilon=0.01)
    learned = whitening.fit(colours)
    rng = np.random.default_rng(whitening.random_state)
    image, y, x = (rng.integers(n, size=3000) for n in (40, 14, 14))
    drawn = np.array(
        [
            colours[i, r : r + 3, c : c + 3].ravel()
            for i, r, c in zip(image, y, x, strict=True)
        ]
    )
    mean, matrix = fit_zca(drawn.astype(float), 0.01)

    contrast = whitening.apply(colours, learned)

    for row, column in ((1, 1), (5, 9), (14, 14)):
        patch = colours[7, row - 1 : row + 2, column - 1 : column + 2].ravel()
        expected = (matrix @ (patch - mean))[12:15]
        result = contrast[7, row, column]
        np.testing.assert_allclose(result[:3] - result[3:], expected, atol=1e-4)


def test_whitened_images_are_decorrelated(colours):
    def neighbour_correlation(values):
        return abs(np.corrcoef(values[:, :-1].ravel(), values[:, 1:].ravel())[0, 1])

    whitening = Whitening(epsilon=1e-4, n_patches=20_000)
    contrast = whitening.apply(colours, whitening.fit(colours))
    white = contrast[..., 0] - contrast[..., 3]
    assert neighbour_correlation(colours[..., 0]) > 0.5
    assert neighbour_correlation(white) < 0.1


def test_whitening_scales_what_it_draws(colours):
    bytes_ = np.round(colours * 255).astype(np.uint8)
    whitening = Whitening(n_patches=1000)
    learned = whitening.fit(bytes_, max_value=255)
    scaled = whitening.fit(to_unit_range(bytes_, 255))
    np.testing.assert_allclose(
        learned["kernels"], scaled["kernels"], rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(learned["mean"], scaled["mean"], rtol=1e-5)


def test_centred_kernels_ignore_grey_and_need_no_mean(colours):
    whitening = Whitening(n_patches=1000, centering="kernels")
    learned = whitening.fit(colours)
    half_grey = np.zeros((1, 16, 16, 3), dtype=np.float32)
    half_grey[:, 8:] = 0.6
    contrast = whitening.apply(half_grey, learned)
    np.testing.assert_allclose(learned["kernels"].sum(axis=(1, 2, 3)), 0, atol=1e-9)
    assert not learned["mean"].any()
    assert contrast[0, :6].max() < 1e-4
    assert contrast[0, 7:9].max() > 0.1


def test_whitening_finds_nothing_in_an_image_of_one_colour(colours):
    whitening = Whitening(n_patches=1000)
    one_colour = np.ones((1, 16, 16, 3), dtype=np.float32) * np.float32([0.9, 0.2, 0])
    learned = whitening.fit(colours)
    assert not whitening.apply(one_colour, learned).any()
    assert whitening.apply(colours, learned).any(axis=(1, 2, 3)).all()


def test_whitening_depends_on_its_seed_only(colours):
    first, again, other = (
        Whitening(n_patches=100, random_state=seed).fit(colours)["kernels"]
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "filter_",
    [
        Intensity(),
        DifferenceOfGaussians(sigma_center=0.5, cutoff=0.1),
        Whitening(patch_size=7, centering="kernels", random_state=3),
    ],
)
def test_filters_survive_a_table(filter_):
    assert from_dict(Filter, filter_.to_dict()) == filter_


@pytest.mark.parametrize("filter_", [Intensity(), DOG, Whitening(n_patches=50)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_filter_keeps_its_contract(filter_, channels):
    images = np.random.default_rng(4).random((3, 8, 11, channels), dtype=np.float32)
    contrast = filter_.apply(images, filter_.fit(images))
    assert contrast.shape == (3, 8, 11, filter_.n_channels(channels))
    assert contrast.dtype == np.float32
    assert contrast.min() >= 0
    assert filter_.apply(images[:0], filter_.fit(images)).shape == (
        0,
        *contrast.shape[1:],
    )


def test_unit_range_scales_and_adds_the_channel_axis():
    images = np.array([[[0, 51], [102, 255]]], dtype=np.uint8)
    scaled = to_unit_range(images, 255)
    assert scaled.shape == (1, 2, 2, 1)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[0, ..., 0], [[0, 0.2], [0.4, 1]], rtol=1e-6)
    assert to_unit_range(np.ones((2, 3, 3), dtype=bool), 1).max() == 1
    assert to_unit_range(np.full((1, 3, 3), np.nextafter(0.1, 0)), 0.1).max() <= 1


@pytest.mark.parametrize(
    ("images", "max_value", "message"),
    [
        (np.zeros((28, 28)), 1, r"images must have shape .* got \(28, 28\); give"),
        (np.zeros((2, 0, 5)), 1, r"images must have pixels, got shape \(2, 0, 5\)"),
        (np.full((1, 2, 2), np.nan), 1, "images must be finite, got NaN or infinity; "),
        (np.full((1, 2, 2), np.inf), 1, "images must be finite"),
        (
            np.full((1, 2, 2), -0.5),
            1,
            r"images must lie in \[0, 1\], got -0.5 to -0.5; pass",
        ),
        (
            np.full((1, 2, 2), 17),
            16,
            r"images must lie in \[0, 16\], got 17 to 17; pass",
        ),
        (np.full((1, 2, 2), "a"), 1, "images must be real numbers, got dtype <U1"),
        (np.zeros((1, 2, 2)), 0, "max_value must be > 0 and finite, got 0"),
        (np.zeros((1, 2, 2)), np.nan, "max_value must be > 0 and finite, got nan"),
    ],
)
def test_unit_range_refuses(images, max_value, message):
    with pytest.raises(ValueError, match=message):
        to_unit_range(images, max_value)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((1, 8, 8), np.uint8),
            r"must be floats in \[0, 1\], got uint8; scale",
        ),
        (np.full((1, 8, 8), 2.0), r"must lie in \[0, 1\], got 2 to 2; scale them with"),
        (np.full((1, 8, 8), np.nan), "must be finite"),
        (np.zeros((8, 8)), "must have shape"),
    ],
)
def test_filters_refuse_images(images, message):
    with pytest.raises(ValueError, match=message):
        DOG.apply(images)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DifferenceOfGaussians(sigma_center=-1),
            "sigma_center must be > 0, got -1",
        ),
        (
            lambda: DifferenceOfGaussians(sigma_center=2, sigma_surround=2),
            r"DifferenceOfGaussians.sigma_surround must be > sigma_center \(2\), got 2",
        ),
        (lambda: DifferenceOfGaussians(cutoff=-0.1), "cutoff must be >= 0, got -0.1"),
        (lambda: Whitening(patch_size=4), "Whitening.patch_size must be odd, got 4"),
        (lambda: Whitening(epsilon=0), "Whitening.epsilon must be > 0, got 0"),
        (lambda: Whitening(n_patches=1), "Whitening.n_patches must be >= 2, got 1"),
        (
            lambda: Whitening(centering="x"),
            "Whitening.centering must be one of 'patches'",
        ),
    ],
)
def test_filters_refuse_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_whitening_refuses_what_it_cannot_learn_or_apply(colours):
    whitening = Whitening(patch_size=5, n_patches=50)
    learned = whitening.fit(colours)
    with pytest.raises(
        ValueError, match=r"Whitening.fit must get at least one image, got 0"
    ):
        whitening.fit(colours[:0])
    with pytest.raises(
        ValueError, match=r"patch_size must be at most .* got 5 for images of 4 x"
    ):
        whitening.fit(colours[:, :4])
    with pytest.raises(
        ValueError, match=r"images must lie in \[0, 1\], got .*; pass the largest"
    ):
        whitening.fit(colours * 255)
    with pytest.raises(
        ValueError, match=r"needs the learned array 'mean', got \[\]; call fit"
    ):
        whitening.apply(colours)
    with pytest.raises(
        ValueError, match=r"Whitening.mean must have shape \(5, 5, 1\) .* fit on"
    ):
        whitening.apply(colours[..., :1], learned)


def test_unknown_filter_names_the_nearest():
    with pytest.raises(
        SpecError, match=r"unknown filter 'Whitenin'; .* mean 'Whitening'"
    ):
        from_dict(Filter, {"type": "Whitenin"})
