import numpy as np
import pytest

from stdpnet.config import from_dict
from stdpnet.encoding import (
    NEVER,
    Code,
    Latency,
    Poisson,
    PoissonFrames,
    RankOrder,
    count_blank,
)
from stdpnet.units import Hz, kHz, ms, mV

CODES = [RankOrder(), Latency(), Poisson(), PoissonFrames()]


@pytest.fixture
def contrast():
    """Sparse contrasts with ties, one blank image and one nearly blank."""
    rng = np.random.default_rng(1)
    values = rng.integers(0, 40, size=(30, 9, 7, 2)).astype(np.float32) / 40
    values *= rng.random(values.shape) < 0.4
    values[3] = 0
    values[4] = 0
    values[4, 2, 3, 1] = 0.25
    return values


def rank_order_reference(image, n_used, most):
    flat = image.ravel()
    order = np.argsort(-flat, kind="stable")
    active = [i for i in order if flat[i] > 0][:most]
    steps = np.full(flat.shape, NEVER)
    for rank, i in enumerate(active):
        steps[i] = rank * n_used // len(active)
    return steps.reshape(image.shape)


@pytest.mark.parametrize(
    ("code", "n_steps", "n_used", "most"),
    [
        (RankOrder(), 16, 16, 126),
        (RankOrder(), 1, 1, 126),
        (RankOrder(), 300, 300, 126),
        (RankOrder(fill=0.5), 15, 8, 126),
        (RankOrder(fill=0.01), 15, 1, 126),
        (RankOrder(max_fraction=0.1), 15, 15, 13),
    ],
)
def test_rank_order_matches_sorting_each_image(contrast, code, n_steps, n_used, most):
    steps = code.encode(contrast, n_steps, 1 * ms)
    for image, encoded in zip(contrast, steps, strict=True):
        assert np.array_equal(encoded, rank_order_reference(image, n_used, most))


def test_rank_order_spreads_spikes_evenly(contrast):
    steps = RankOrder().encode(contrast, 16, 1 * ms)
    for image, encoded in zip(contrast, steps, strict=True):
        counts = np.bincount(encoded[encoded != NEVER], minlength=16)
        assert counts.sum() == (image > 0).sum()
        assert counts.max() - counts.min() <= 1


def test_rank_order_sees_order_only(contrast):
    steps = RankOrder().encode(contrast, 16, 1 * ms)
    squared = RankOrder().encode(contrast**2 / 1000, 16, 1 * ms)
    assert np.array_equal(steps, squared)


def test_rank_order_tells_the_smallest_floats_apart():
    tiny = np.float32(1e-45) * np.arange(1, 5, dtype=np.float32)
    contrast = np.concatenate((tiny, np.float32([0, 3e38]))).reshape(1, 1, 6, 1)
    steps = RankOrder().encode(contrast, 5, 1 * ms)
    assert steps.ravel().tolist() == [4, 3, 2, 1, NEVER, 0]


def test_latency_is_its_formula():
    contrast = np.float32([1, 0.75, 0.5, 0.26, 1e-6, 0]).reshape(1, 1, 6, 1)
    image = Latency().encode(contrast / 2, 4, 1 * ms)
    fixed = Latency(normalize="fixed", full_contrast=0.5).encode(contrast, 4, 1 * ms)
    assert image.ravel().tolist() == [0, 1, 2, 2, 3, NEVER]
    assert fixed.ravel().tolist() == [0, 0, 0, 1, 3, NEVER]


def test_poisson_rates_are_proportional_to_contrast():
    contrast = np.float32([0.5, 0.25, 0.1, 0]).reshape(1, 1, 4, 1)
    image = Poisson(max_rate=100 * Hz).encode(contrast, 30, 1 * ms)
    fixed = Poisson(max_rate="0.1 kHz", normalize="fixed", full_contrast=0.2)
    rates = fixed.encode(contrast, 30, 1 * ms)
    np.testing.assert_allclose(image.ravel(), [100, 50, 20, 0], rtol=1e-6)
    np.testing.assert_allclose(rates.ravel(), [100, 100, 50, 0], rtol=1e-6)


def test_frames_are_the_columns_of_the_same_rates(contrast):
    settings = {"max_rate": 100 * Hz, "normalize": "fixed", "full_contrast": 0.7}
    frames = PoissonFrames(**settings).encode(contrast, 15, 1 * ms)
    image = Poisson(**settings).encode(contrast, 15, 1 * ms)
    assert frames.shape == (30, 7, 9, 1, 2)
    for column in range(7):
        assert np.array_equal(frames[:, column, :, 0], image[:, :, column])
    assert PoissonFrames().stimulus_shape((9, 7, 2)) == (7, 9, 1, 2)
    assert Poisson().stimulus_shape((9, 7, 2)) == (9, 7, 2)


def as_images(code: Code, encoded: np.ndarray) -> np.ndarray:
    return encoded[:, :, :, 0].swapaxes(1, 2) if code.over_time else encoded


@pytest.mark.parametrize("code", CODES)
def test_every_code_keeps_its_contract(code, contrast):
    encoded = code.encode(contrast, 15, 1 * ms)
    order = np.random.default_rng(2).permutation(len(contrast))
    silent = as_images(code, encoded) == (NEVER if code.stimulus == "steps" else 0)
    assert encoded.dtype == (np.uint16 if code.stimulus == "steps" else np.float32)
    assert np.array_equal(silent, contrast == 0)
    assert np.array_equal(code.encode(contrast[order], 15, 1 * ms), encoded[order])
    assert np.array_equal(code.encode(contrast.astype(float), 15, "1 ms"), encoded)
    assert count_blank(encoded) == 1
    assert encoded.shape[1:] == code.stimulus_shape((9, 7, 2))
    none = code.encode(contrast[:0], 15, 1 * ms)
    assert as_images(code, none).shape == (0, 9, 7, 2)


@pytest.mark.parametrize("code", CODES)
def test_every_code_treats_many_images_as_it_treats_one(code):
    contrast = np.random.default_rng(5).random((3000, 10, 10, 1), dtype=np.float32)
    encoded = code.encode(contrast, 15, 1 * ms)
    for i in (0, 2621, 2622, 2999):
        assert np.array_equal(
            code.encode(contrast[i : i + 1], 15, 1 * ms)[0], encoded[i]
        )


@pytest.mark.parametrize("code", [RankOrder(), Latency()])
def test_steps_stay_inside_the_longest_presentation(code):
    contrast = np.random.default_rng(3).random((1, 300, 300, 1), dtype=np.float32)
    steps = code.encode(contrast, 65534, 1 * ms)
    assert steps[contrast > 0].max() < 65534


@pytest.mark.parametrize(
    "code",
    [
        RankOrder(fill=0.8, max_fraction=0.1),
        Latency(normalize="fixed", full_contrast=0.3),
        Poisson(max_rate=0.2 * kHz),
        PoissonFrames(max_rate=1 * kHz, normalize="fixed"),
    ],
)
def test_codes_survive_a_table(code):
    assert from_dict(Code, code.to_dict()) == code


def test_count_blank_knows_steps_from_rates():
    assert count_blank(np.zeros((4, 2, 2, 1), np.float32)) == 4
    assert count_blank(np.zeros((4, 2, 2, 1), np.uint16)) == 0
    assert count_blank(np.full((4, 2, 2, 1), NEVER, np.uint16)) == 4
    assert count_blank(np.zeros((0, 2, 2, 1), np.float32)) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RankOrder(fill=0), "RankOrder.fill must be > 0, got 0"),
        (
            lambda: RankOrder(max_fraction=2),
            "RankOrder.max_fraction must be <= 1, got 2",
        ),
        (lambda: Latency(full_contrast=0), "Latency.full_contrast must be > 0, got 0"),
        (
            lambda: Latency(normalize="x"),
            "Latency.normalize must be one of 'image', 'f",
        ),
        (lambda: Poisson(max_rate=-1 * Hz), "Poisson.max_rate must be > 0, got -1 Hz"),
        (lambda: Poisson(max_rate=1 * ms), "Poisson.max_rate must have dimension 'Hz'"),
    ],
)
def test_codes_refuse_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("contrast", "message"),
    [
        (
            np.zeros((2, 3, 3), np.float32),
            r"contrast must be floats of shape .*\(2, 3, 3\); ",
        ),
        (
            np.zeros((2, 3, 3, 1), np.uint8),
            "contrast must be floats of .* got uint8 of",
        ),
        (np.full((1, 2, 2, 1), -0.5), "contrast must be finite and >= 0, got -0.5 to"),
        (np.full((1, 2, 2, 1), np.nan), "contrast must be finite and >= 0, got nan"),
        (np.full((1, 2, 2, 1), np.inf), "contrast must be finite and >= 0, got inf"),
    ],
)
@pytest.mark.parametrize("code", CODES)
def test_codes_refuse_contrasts(code, contrast, message):
    with pytest.raises(ValueError, match=message):
        code.encode(contrast, 15, 1 * ms)


@pytest.mark.parametrize(
    ("n_steps", "dt", "message"),
    [
        (0, 1 * ms, "n_steps must be >= 1, got 0"),
        (1.5, 1 * ms, "n_steps must be an integer, got 1.5"),
        (65535, 1 * ms, "n_steps must be <= 65534, got 65535; use a longer dt"),
        (15, 1 * mV, "dt must be a positive time like 1 ms, got 1 mV"),
        (15, 0 * ms, "dt must be a positive time like 1 ms, got 0 s"),
        (15, "soon", "dt must be a time like 1 ms, got 'soon'"),
    ],
)
def test_codes_refuse_times(n_steps, dt, message):
    with pytest.raises(ValueError, match=message):
        RankOrder().encode(np.zeros((1, 2, 2, 1), np.float32), n_steps, dt)


@pytest.mark.parametrize("code", [Poisson, PoissonFrames])
def test_poisson_refuses_more_than_one_spike_a_step(code):
    contrast = np.ones((1, 2, 2, 1), np.float32)
    message = f"^{code.__name__}.max_rate must be <= 1 / dt = 1 kHz, got 2 kHz; "
    with pytest.raises(ValueError, match=message):
        code(max_rate=2 * kHz).encode(contrast, 15, 1 * ms)
    assert code(max_rate=1 * kHz).encode(contrast, 70_000, 1 * ms).max() == 1000


def test_more_frames_than_steps_are_refused():
    contrast = np.ones((1, 2, 16, 1), np.float32)
    message = (
        "PoissonFrames shows each column of an image for at least one time step, got 16 "
        "columns and 15 steps; use a longer presentation, a shorter dt or fewer columns"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        PoissonFrames().encode(contrast, 15, 1 * ms)
    assert PoissonFrames().encode(contrast, 16, 1 * ms).shape == (1, 16, 2, 1, 1)
