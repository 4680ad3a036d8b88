"""Recordings, noise, synthetic digits: arrays in, arrays out."""

import io
import sys
from dataclasses import replace

import numpy as np
import pytest

from stdpnet.audio import (
    Cochleagram,
    MelCepstrum,
    add_noise,
    progress,
    synthetic_digits,
)
from stdpnet.datasets import from_recordings


@pytest.fixture(scope="module")
def digits():
    return synthetic_digits(120, seed=3)


def nearest(images, labels, is_test):
    """Accuracy of the nearest training image by angle."""
    flat = images.reshape(len(images), -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    closest = (flat[is_test] @ flat[~is_test].T).argmax(axis=1)
    return (labels[~is_test][closest] == labels[is_test]).mean()


# -- noise ------------------------------------------------------------------------


def decibels(signal, noise):
    return 10 * np.log10(np.sum(signal**2, dtype=float) / np.sum(noise**2, dtype=float))


@pytest.mark.parametrize("kind", ["white", "babble"])
@pytest.mark.parametrize("snr", [-10, 0, 12.5, 40])
def test_the_ratio_is_exact(kind, snr, rng):
    wave = rng.standard_normal(3000).astype(np.float32)
    others = [rng.standard_normal(n) for n in (700, 5000)]
    noisy = add_noise(wave, snr, rng=rng, kind=kind, others=others)
    assert noisy.dtype == np.float32
    assert decibels(wave, noisy.astype(float) - wave) == pytest.approx(snr, abs=1e-3)


def test_white_noise_has_no_colour(rng):
    tone = np.sin(np.arange(2**14) / 3)
    noise = add_noise(tone, 0, rng=rng) - tone
    power = np.abs(np.fft.rfft(noise)) ** 2
    bands = power[1:].reshape(8, -1).mean(axis=1)
    assert bands.max() / bands.min() < 1.3


def test_babble_is_the_sum_of_the_others(rng):
    wave = rng.standard_normal(500)
    voices = [np.sin(np.arange(900) * step) for step in (0.1, 0.9)]
    noise = add_noise(wave, 5, rng=rng, kind="babble", others=voices) - wave
    spectrum = np.abs(np.fft.rfft(noise * np.hanning(500)))
    for step in (0.1, 0.9):
        near = round(step * 500 / (2 * np.pi))
        assert spectrum[near - 2 : near + 3].max() > 0.3 * spectrum.max()
    far = np.delete(spectrum, [*range(15), *range(60, 85)])
    assert far.max() < 0.05 * spectrum.max()


def test_noise_leaves_the_sound_as_it_was(rng):
    wave = rng.standard_normal(100)
    before = wave.copy()
    add_noise(wave, 0, rng=rng)
    assert np.array_equal(wave, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"snr": np.inf}, "snr must be a finite number of dB, got inf"),
        ({"kind": "pink"}, "kind must be one of 'white', 'babble', got 'pink'"),
        ({"kind": "babble"}, "others must hold recordings to babble, got none"),
        (
            {"kind": "babble", "others": [np.zeros(9)]},
            r"others\[0\] must hold sound, got only silence",
        ),
        ({"wave": np.zeros(9)}, "wave must hold sound, got only silence"),
    ],
)
def test_noise_that_cannot_be_made(arguments, message, rng):
    given = {"wave": np.ones(50), "snr": 0, **arguments}
    with pytest.raises(ValueError, match=f"^{message}"):
        add_noise(given.pop("wave"), given.pop("snr"), rng=rng, **given)


# -- recordings -------------------------------------------------------------------


def test_recordings_show_their_size(digits):
    assert repr(digits).startswith(
        "Recordings('synthetic-digits', 90 for training and 30 for testing, "
    )
    assert repr(digits).endswith("at 8000 Hz, 10 classes, 6 speakers)")
    assert digits.seconds == sum(map(len, digits.waveforms)) / 8000


def test_images_become_a_data_set(digits):
    front = Cochleagram(n_channels=20, n_slices=10)
    data = from_recordings(digits, front)
    images = digits.images(front)
    assert (data.X_train.shape, data.X_test.shape) == ((90, 20, 10), (30, 20, 10))
    assert data.X_train.dtype == np.float32
    assert data.max_value == 1
    np.testing.assert_array_equal(data.X_test, images[digits.is_test])
    np.testing.assert_array_equal(data.y_train, digits.labels[~digits.is_test])
    assert from_recordings(digits).image_shape == (40, 16)


def test_split_by_speaker_keeps_speakers_apart(digits):
    for seed in range(4):
        split = digits.split_by_speaker(test_fraction=0.4, seed=seed)
        voices = np.array(split.speakers)
        train, test = set(voices[~split.is_test]), set(voices[split.is_test])
        assert len(test) == 2
        assert not train & test
    again = digits.split_by_speaker(test_fraction=0.4, seed=3)
    assert np.array_equal(split.is_test, again.is_test)


@pytest.mark.parametrize(
    ("part", "n_changed"), [("test", 30), ("train", 90), ("all", 120)]
)
@pytest.mark.parametrize("kind", ["white", "babble"])
def test_noise_comes_to_one_part(digits, part, n_changed, kind):
    noisy = digits.with_noise(7, kind=kind, part=part, seed=1)
    pairs = list(zip(digits.waveforms, noisy.waveforms, strict=True))
    changed = np.array([a is not b for a, b in pairs])
    assert changed.sum() == n_changed
    assert part == "all" or (changed == (digits.is_test == (part == "test"))).all()
    clean, loud = next((a, b) for a, b in pairs if a is not b)
    assert decibels(clean, loud.astype(float) - clean) == pytest.approx(7, abs=1e-2)
    again = digits.with_noise(7, kind=kind, part=part, seed=1)
    assert all(map(np.array_equal, noisy.waveforms, again.waveforms))


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda d: replace(d, labels=d.labels[1:]), "labels must have one entry a rec"),
        (
            lambda d: replace(d, names=("a",)),
            "names must have one entry a recording, got 1 for 120",
        ),
        (lambda d: replace(d, rate=0), "rate must be a whole number of Hz"),
        (
            lambda d: replace(d, is_test=np.zeros(120, bool)),
            "must have recordings for training and for testing, got 120 and 0",
        ),
        (
            lambda d: replace(d, speakers=()).split_by_speaker(),
            "a split by speaker needs at least 2 known speakers, got 0",
        ),
        (
            lambda d: d.split_by_speaker(test_fraction=1),
            "test_fraction must lie between 0 and 1, got 1",
        ),
        (
            lambda d: d.with_noise(0, part="some"),
            "part must be one of 'train', 'test', 'all', got",
        ),
        (lambda d: d.with_noise(0, n_voices=0), r"n_voices must lie in 1\.\.89, got 0"),
    ],
)
def test_recordings_that_do_not_fit(digits, work, message):
    with pytest.raises(ValueError, match=message) as error:
        work(digits)
    assert "\n" not in str(error.value)


def test_a_recording_that_cannot_be_used_is_named(digits):
    waves = (digits.waveforms[0][:10], *digits.waveforms[1:])
    short = replace(digits, waveforms=waves, names=tuple(map(str, range(120))))
    with pytest.raises(ValueError, match=r"^0: sound must last at least 16 samples"):
        short.images(Cochleagram())


# -- synthetic digits -------------------------------------------------------------


def test_the_same_seed_makes_the_same_sounds(digits):
    again, other = synthetic_digits(120, seed=3), synthetic_digits(120, seed=4)
    assert all(map(np.array_equal, digits.waveforms, again.waveforms))
    assert not np.array_equal(digits.waveforms[0], other.waveforms[0])


def test_synthetic_digits_are_sounds_of_their_own(digits):
    lengths = np.array([len(wave) for wave in digits.waveforms]) / 8000
    peaks = np.array([np.abs(wave).max() for wave in digits.waveforms])
    assert 0.28 <= lengths.min() < 0.32
    assert 0.46 < lengths.max() <= 0.5
    assert peaks.min() < 0.3
    assert 0.7 < peaks.max() <= 0.9
    assert list(np.bincount(digits.labels)) == [12] * 10
    assert list(np.bincount(digits.labels[digits.is_test])) == [3] * 10


def test_a_higher_voice_has_a_higher_pitch(digits):
    """By the first peak of the autocorrelation of the middle of a word."""
    pitches = {}
    for wave, voice in zip(digits.waveforms, digits.speakers, strict=True):
        middle = wave[len(wave) // 3 : len(wave) // 3 + 800].astype(float)
        correlation = np.correlate(middle, middle, "full")[799:]
        lag = 30 + correlation[30:110].argmax()
        pitches.setdefault(voice, []).append(8000 / lag)
    medians = [np.median(pitches[f"voice {k}"]) for k in range(6)]
    assert medians[0] < medians[2] < medians[5]
    assert medians[0] == pytest.approx(95, rel=0.15)


@pytest.mark.parametrize("front", [Cochleagram(), MelCepstrum()])
def test_digits_can_be_told_apart_but_not_by_chance(front):
    digits = synthetic_digits(300, seed=0)
    images = digits.images(front)
    assert nearest(images, digits.labels, digits.is_test) > 0.7
    shuffled = np.random.default_rng(0).permutation(digits.labels)
    assert nearest(images, shuffled, digits.is_test) < 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 19}, "n must be >= 20, two recordings of each digit, got 19"),
        ({"test_fraction": 0}, "test_fraction must lie between 0 and 1, got 0"),
    ],
)
def test_digits_that_cannot_be_made(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        synthetic_digits(**arguments)


# -- progress ---------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("patience", "shown"), [(-1, True), (60, False)])
def test_a_bar_appears_on_a_terminal_after_a_while(patience, shown, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", patience)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(progress.track([1, 2, 3], "Sounds to images")) == [1, 2, 3]
    assert ("Sounds to images" in sys.stderr.getvalue()) == shown


def test_a_log_shows_no_bar(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", -1)
    assert list(progress.track([1, 2], "x")) == [1, 2]
    assert capsys.readouterr().err == ""
