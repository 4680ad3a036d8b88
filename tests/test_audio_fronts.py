"""Front ends against closed forms and ten-line references."""

import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.signal import gammatone, lfilter, sosfilt

from stdpnet.audio import (
    Cochleagram,
    Front,
    MelCepstrum,
    erb_space,
    gammatone_sections,
    sounding_part,
)
from stdpnet.audio import gammatone as gammatone_module
from stdpnet.audio.gammatone import erb, filtered
from stdpnet.audio.waves import fit_length, slice_means
from stdpnet.config import from_dict
from stdpnet.units import Hz, kHz, ms, second

RATE = 8000
FRONTS = [Cochleagram(), MelCepstrum()]


@pytest.fixture
def wave(rng):
    """Half a second of a glide in noise, without silence."""
    time = np.arange(4000) / RATE
    glide = np.sin(2 * np.pi * (300 * time + 1200 * time**2))
    return (0.4 * glide + 0.05 * rng.standard_normal(4000)).astype(np.float32)


# -- gammatone filters ------------------------------------------------------------


def response(sections, frequency, rate):
    z = np.exp(2j * np.pi * np.asarray(frequency, float)[..., None] / rate)
    powers = z[..., None] ** -np.arange(3)
    return (
        (powers * sections[:, :3]).sum(-1) / (powers * sections[:, 3:]).sum(-1)
    ).prod(-1)


@pytest.mark.parametrize("frequency", [100, 440, 1500, 3600])
def test_gain_has_its_peak_at_the_centre_and_the_width_of_an_ear(frequency):
    rate = 16000
    sections = gammatone_sections(frequency, rate)
    near = np.linspace(frequency * 0.5, frequency * 1.5, 20_001)
    gain = np.abs(response(sections, near, rate))
    assert np.abs(response(sections, [frequency], rate))[0] == pytest.approx(1)
    assert near[gain.argmax()] == pytest.approx(frequency, rel=0.01)
    passed = near[gain >= gain.max() / np.sqrt(2)]
    # Of a filter of order four, two-sided: 2 b sqrt(2 ** (1 / 4) - 1).
    width = 2 * 1.019 * erb(frequency) * np.sqrt(2**0.25 - 1)
    assert np.ptp(passed) == pytest.approx(width, rel=0.02)


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("frequency", [100, 500, 1500])
def test_impulse_response_is_a_gammatone(frequency, rate):
    time = np.arange(rate // 4) / rate
    envelope = time**3 * np.exp(-2 * np.pi * 1.019 * erb(frequency) * time)
    phases = 2 * np.pi * frequency * time
    basis = np.stack([envelope * np.cos(phases), envelope * np.sin(phases)], axis=1)
    output = sosfilt(gammatone_sections(frequency, rate), time == 0)
    fitted = basis @ np.linalg.lstsq(basis, output, rcond=None)[0]
    assert np.linalg.norm(output - fitted) < 0.1 * np.linalg.norm(output)


@pytest.mark.parametrize("frequency", [100, 1000, 3600])
def test_sections_are_the_filter_of_scipy(frequency, wave):
    expected = lfilter(*gammatone(frequency, "iir", fs=RATE), wave.astype(float))
    output = sosfilt(gammatone_sections(frequency, RATE), wave)
    np.testing.assert_allclose(output, expected, atol=2e-5)


def test_sections_stay_stable_where_the_fraction_of_scipy_is_not():
    impulse = np.eye(1, 44100)[0]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fraction = lfilter(*gammatone(100, "iir", fs=44100), impulse)
    output = sosfilt(gammatone_sections(100, 44100), impulse)
    assert not np.abs(fraction[-100:]).max() < 1
    assert np.abs(output[-100:]).max() < 1e-12


def test_filters_of_short_and_of_long_sounds_are_the_same(wave, monkeypatch):
    centres = erb_space(100, 3600, 7)
    (short,) = filtered(wave, centres, RATE)
    monkeypatch.setattr(gammatone_module, "_LONGEST", 0)
    long = np.concatenate(list(filtered(wave, centres, RATE)))
    assert short.shape == long.shape == (7, 4000)
    np.testing.assert_allclose(short, long, atol=1e-6)


def test_the_filters_of_brian2hears_are_the_same(wave):
    hears = pytest.importorskip("brian2hears")
    sound = hears.Sound(wave.astype(float), samplerate=RATE * hears.Hz)
    centres = erb_space(100, 3600, 12)
    theirs = hears.Gammatone(sound, centres * hears.Hz).process()
    (ours,) = filtered(wave, centres, RATE)
    for channel in range(12):
        assert np.corrcoef(ours[channel], theirs[:, channel])[0, 1] > 0.9999


def test_centres_are_equally_far_apart_on_the_scale_of_the_ear():
    centres = erb_space(100, 3600, 40)
    assert centres[[0, -1]] == pytest.approx([100, 3600])
    # The scale is the integral of one over the bandwidth.
    fine = np.linspace(100, 3600, 200_001)
    steps = (1 / erb(fine[:-1]) + 1 / erb(fine[1:])) / 2 * np.diff(fine)
    scale = np.interp(centres, fine, np.concatenate([[0], np.cumsum(steps)]))
    np.testing.assert_allclose(np.diff(scale), scale[-1] / 39, rtol=1e-4)


# -- waves ------------------------------------------------------------------------


def test_silence_at_both_ends_is_cut_in_frames_of_10_ms(wave):
    quiet = np.zeros(1000, np.float32)
    padded = np.concatenate([quiet, wave, quiet])
    part = sounding_part(padded, RATE)
    assert (part.start, part.stop) == (960, 5040)
    assert sounding_part(padded, RATE, silence=0) == slice(0, 6000)
    assert sounding_part(quiet, RATE) == slice(0, 1000)


def test_silence_within_a_sound_is_kept(wave):
    gap = np.concatenate([wave, np.zeros(2000, np.float32), wave])
    assert sounding_part(gap, RATE) == slice(0, 10_000)


@pytest.mark.parametrize(("level", "kept"), [(-30, 2000), (-40, 1600)])
def test_what_is_silence_is_relative_to_the_loudest_frame(level, kept):
    tone = np.sin(2 * np.pi * 1000 * np.arange(2000) / RATE)
    tone[1600:] *= 10 ** (level / 20)
    assert sounding_part(1e-3 * tone, RATE, silence=35) == slice(0, kept)


@pytest.mark.parametrize("n_slices", [1, 7, 16, 100])
def test_slices_divide_time_equally(n_slices, rng):
    values = rng.random((3, 100))
    means = slice_means(values, n_slices)
    edges = [100 * k // n_slices for k in range(n_slices + 1)]
    for k, (begin, end) in enumerate(pairwise(edges)):
        np.testing.assert_allclose(means[:, k], values[:, begin:end].mean(axis=1))


def test_fit_length_cuts_or_pads():
    assert list(fit_length(np.array([1.0, 2.0]), 4)) == [1, 2, 0, 0]
    assert list(fit_length(np.array([1.0, 2.0]), 1)) == [1]


# -- cochleagram ------------------------------------------------------------------


def test_cochleagram_is_what_its_formula_says(wave):
    front = Cochleagram(silence=0)
    means = []
    for frequency in erb_space(100, 3600, 40):
        output = lfilter(*gammatone(frequency, "iir", fs=RATE), wave.astype(float))
        parts = np.split(np.maximum(output, 0), 16)
        means.append([part.mean() for part in parts])
    levels = np.log(np.array(means) / np.max(means)) + 43.4 / 20 * np.log(10)
    levels = np.maximum(levels, 0)
    sharp = np.maximum(levels - gaussian_filter(levels, (3, 0)), 0)
    np.testing.assert_allclose(front.image(wave, RATE), sharp / sharp.max(), atol=2e-5)


@pytest.mark.parametrize("frequency", [200, 700, 2500])
def test_a_tone_is_brightest_in_its_own_channel(frequency):
    front = Cochleagram()
    tone = np.sin(2 * np.pi * frequency * np.arange(4000) / RATE)
    image = front.image(tone, RATE)
    nearest = np.abs(front.frequencies - frequency).argmin()
    assert (np.abs(image[:, 2:].argmax(axis=0) - nearest) <= 1).all()


def test_without_inhibition_the_image_is_the_levels(wave):
    sharp, plain = Cochleagram(), Cochleagram(inhibition=0)
    assert plain.image(wave, RATE).mean() > 2 * sharp.image(wave, RATE).mean()


# -- mel cepstrum -----------------------------------------------------------------


def reference_cepstrum(wave, n_filters=26, n_coefficients=12, length=200):
    """MFCC by sums: one window a slice, DFT, triangles, logarithm, DCT, lifter."""
    n_fft, image = 512, np.empty((2 * n_coefficients, 50))
    mel = np.linspace(*(2595 * np.log10(1 + np.array([100, 3600]) / 700)), 28)
    edges = 700 * (10 ** (mel / 2595) - 1)
    k, t = np.arange(n_fft // 2 + 1), np.arange(length)
    energies = np.empty((n_filters, 50))
    padded = np.concatenate([np.zeros(length), wave, np.zeros(length)])
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * t / (length - 1))
    for s in range(50):
        begin = length + (40 + 80 * s) - length // 2
        dft = np.exp(-2j * np.pi * np.outer(k, t) / n_fft)
        power = np.abs(dft @ (padded[begin : begin + length] * hamming)) ** 2
        for f in range(n_filters):
            triangle = np.interp(k * RATE / n_fft, edges[f : f + 3], [0, 1, 0])
            energies[f, s] = triangle @ power
    logs = np.log(np.maximum(energies / energies.max(), 1e-6) / 1e-6)
    for c in range(1, n_coefficients + 1):
        angles = np.pi * c * (2 * np.arange(n_filters) + 1) / (2 * n_filters)
        value = np.sqrt(2 / n_filters) * np.cos(angles) @ logs
        value *= 1 + 11 * np.sin(np.pi * c / 22)
        image[c - 1] = np.maximum(value, 0)
        image[n_coefficients + c - 1] = np.maximum(-value, 0)
    return image / image.max()


def test_cepstrum_matches_sums(wave):
    front = MelCepstrum(n_slices=50, silence=0)
    image = front.image(wave, RATE)
    np.testing.assert_allclose(image, reference_cepstrum(wave), atol=2e-5)


def test_several_windows_of_a_slice_are_averaged_as_powers(wave):
    fine = MelCepstrum(n_slices=50, silence=0)._powers(wave)
    coarse = MelCepstrum(n_slices=10, silence=0)._powers(wave)
    np.testing.assert_allclose(coarse, fine.reshape(-1, 10, 5).mean(axis=2))


def test_no_coefficient_has_both_signs(wave):
    image = MelCepstrum(n_coefficients=9).image(wave, RATE)
    assert image.shape == (18, 16)
    assert (image[:9] * image[9:]).max() == 0


def test_the_lifter_is_a_sine(wave):
    front = MelCepstrum()
    lifted, plain = (f.image(wave, RATE) for f in (front, replace(front, lifter=0)))
    ratios = lifted.sum(axis=1)[:12] / plain.sum(axis=1)[:12]
    expected = 1 + 11 * np.sin(np.pi * np.arange(1, 13) / 22)
    np.testing.assert_allclose(ratios / ratios[0], expected / expected[0], rtol=1e-4)


# -- all front ends ---------------------------------------------------------------


@pytest.mark.parametrize("front", FRONTS, ids=lambda front: type(front).__name__)
class TestEveryFront:
    def test_range_shape_and_type(self, front, wave):
        image = front.image(wave, RATE)
        assert image.shape == front.image_shape
        assert image.dtype == np.float32
        assert (image.min(), image.max()) == (0, 1)

    def test_loudness_does_not_matter(self, front, wave):
        quiet = front.image(wave * np.float32(2**-10), RATE)
        np.testing.assert_allclose(quiet, front.image(wave, RATE), atol=1e-5)

    def test_silence_around_a_sound_does_not_matter(self, front, wave):
        padded = np.pad(wave, (800, 1600))
        shown = front.image(padded, RATE)
        np.testing.assert_allclose(shown, front.image(wave, RATE), atol=2e-2)

    def test_many_are_the_same_as_one_by_one(self, front, wave):
        waves = [wave, wave[:2000], wave[1000:]]
        images = front.images(waves, RATE)
        for image, one in zip(images, waves, strict=True):
            assert np.array_equal(image, front.image(one, RATE))

    def test_other_rates_are_resampled(self, front, wave):
        from scipy.signal import resample_poly

        fast = resample_poly(wave, 4, 1).astype(np.float32)
        shown = front.image(fast, 4 * RATE)
        assert np.abs(shown - front.image(wave, RATE)).mean() < 0.02

    def test_padding_leaves_the_rest_dark(self, front, wave):
        padded = replace(front, fit="pad", duration=1 * second)
        image = padded.image(wave, RATE)
        assert image[:, :8].max() == 1
        assert image[:, 10:].max() == 0

    def test_cutting_is_the_beginning(self, front, wave):
        cut = replace(front, fit="pad", duration=250 * ms, silence=0)
        begin = replace(front, silence=0).image(wave[:2000], RATE)
        np.testing.assert_array_equal(cut.image(wave, RATE), begin)

    def test_round_trip(self, front):
        assert from_dict(Front, front.to_dict()) == front

    @pytest.mark.parametrize(
        ("sound", "message"),
        [
            (np.zeros(4000), "must hold sound, got only silence"),
            (np.ones(0), "must hold sound, got no samples"),
            (np.ones((4000, 2)), r"must be floats of shape \(n_samples,\), got float"),
            (np.ones(4000, int), r"must be floats .* divide integers by full scale"),
            (np.array([1.0, np.inf] * 50), "must be finite, got 50 samples"),
            (np.ones(15), "must last at least 16 samples at 8 kHz .*, got 15"),
        ],
    )
    def test_bad_sounds_are_named(self, front, sound, message, wave):
        with pytest.raises(ValueError, match=f"^sound {message}"):
            front.image(sound, RATE)
        with pytest.raises(ValueError, match=f"^b: sound {message}"):
            front.images([wave, sound], RATE, names=["a", "b"])


def test_a_sound_that_is_the_same_in_all_channels_gives_a_dark_image():
    front = Cochleagram(n_channels=1, high_frequency=200 * Hz)
    image = front.image(np.ones(4000), RATE)
    assert not image.any()


@pytest.mark.parametrize(
    ("cls", "changes", "message"),
    [
        (
            Cochleagram,
            {"fit": "cut"},
            r"fit must be one of 'stretch', 'pad', got 'cut'",
        ),
        (Cochleagram, {"rate": "8000.5 Hz"}, "rate must be a whole number of Hz"),
        (
            Cochleagram,
            {"high_frequency": 4 * kHz},
            r"high_frequency must be < half of rate \(8 kHz\), got 4 kHz; raise rate",
        ),
        (
            MelCepstrum,
            {"low_frequency": "3600 Hz"},
            r"high_frequency must be > low_frequency \(3.6 kHz\), got 3.6 kHz",
        ),
        (
            MelCepstrum,
            {"n_coefficients": 26},
            r"n_coefficients must be < n_filters \(26\), got 26",
        ),
        (
            MelCepstrum,
            {"n_filters": 200},
            "n_filters must leave a frequency to every filter, got 200 of which",
        ),
    ],
)
def test_parameters_are_checked(cls, changes, message):
    with pytest.raises(ValueError, match=rf"^{cls.__name__}\.{message}"):
        cls(**changes)
