"""Sounds like spoken digits, made from a few numbers: for demos and tests."""

from collections.abc import Sequence

import numpy as np

from stdpnet.audio.recordings import Recordings

RATE = 8000
CLASSES = tuple("0123456789")

#: Of each digit: where its formants F1, F2, F3 are (Hz) at times spread equally over it,
#: and its hisses as (begin, end, frequency in Hz), times as shares of its length.
#: Vowels after Peterson and Barney (1952), doi:10.1121/1.1906875, table II, men.
_SOUNDS: tuple[
    tuple[tuple[tuple[int, int, int], ...], tuple[tuple[float, float, int], ...]], ...
] = (
    (
        ((300, 2200, 2900), (490, 1350, 1690), (570, 840, 2410), (350, 850, 2300)),
        ((0.0, 0.14, 3400),),
    ),
    (((300, 650, 2200), (640, 1190, 2390), (640, 1190, 2390), (300, 1500, 2500)), ()),
    (((300, 1600, 2500), (300, 1300, 2240), (300, 870, 2240)), ((0.0, 0.1, 2900),)),
    (((320, 1300, 1700), (300, 1700, 2200), (270, 2290, 3010)), ((0.0, 0.2, 2200),)),
    (((400, 800, 2300), (570, 840, 2410), (490, 1100, 1700)), ((0.0, 0.2, 1500),)),
    (
        ((600, 1050, 2400), (730, 1090, 2440), (390, 1990, 2550), (300, 1300, 2400)),
        ((0.0, 0.15, 1500),),
    ),
    (((390, 1990, 2550), (390, 2000, 2550)), ((0.0, 0.3, 3300), (0.65, 1.0, 3300))),
    (
        ((500, 1750, 2450), (530, 1840, 2480), (300, 1200, 2300), (400, 1500, 2500)),
        ((0.0, 0.22, 3300),),
    ),
    (((530, 1840, 2480), (350, 2200, 2750), (300, 2200, 2800)), ((0.86, 1.0, 2900),)),
    (((300, 1500, 2500), (730, 1090, 2440), (390, 1990, 2550), (300, 1600, 2600)), ()),
)
_WIDTHS = np.array([90.0, 110.0, 170.0])
_STRENGTHS = np.array([1.0, 0.6, 0.35])
_SPEAKERS = 6
_FRAMES_A_SECOND = 200


def synthetic_digits(
    n: int = 1300, *, seed: int = 0, test_fraction: float = 0.25
) -> Recordings:
    """Make recordings of digits that nobody spoke.

    A digit is a glide between a few places of three formants, with hisses where
    the word has them. Six voices differ in pitch and in the length of the vocal
    tract; each recording has a pitch, a duration, a loudness and formants of its
    own, and noise of 10 to 30 dB below it.

    Parameters
    ----------
    n : int
        Number of recordings; classes are equally frequent, to within one.
    seed : int
        Seed of everything.
    test_fraction : float
        Share of the test set.

    Returns
    -------
    Recordings
        At 8 kHz, in random order, with speakers ``"voice 0" .. "voice 5"``.

    Raises
    ------
    ValueError
        If `n` is below 20, or the share leaves nothing to learn from or to test on.
    """
    if n < 20:
        raise ValueError(f"n must be >= 20, two recordings of each digit, got {n}")
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1, got {test_fraction}")
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % len(CLASSES))
    voices = rng.integers(_SPEAKERS, size=n)
    # As many of each class for testing as their share is.
    ranks = np.argsort(np.argsort(labels, kind="stable"), kind="stable")
    is_test = np.floor((ranks + 1) * test_fraction) > np.floor(ranks * test_fraction)
    waves = [
        _spoken(int(digit), int(voice), np.random.default_rng([seed, number]))
        for number, (digit, voice) in enumerate(zip(labels, voices, strict=True))
    ]
    return Recordings(
        name="synthetic-digits",
        waveforms=tuple(waves),
        rate=RATE,
        labels=labels.astype(np.int64),
        class_names=CLASSES,
        is_test=is_test,
        speakers=tuple(f"voice {voice}" for voice in voices),
        source="stdpnet.audio.synthetic_digits",
    )


def _spoken(digit: int, voice: int, rng: np.random.Generator) -> np.ndarray:
    """Return one recording, float32, shape (n_samples,)."""
    seconds = rng.uniform(0.28, 0.5)
    n = int(seconds * RATE)
    glide, hisses = _SOUNDS[digit]
    # A short vocal tract goes with a high voice.
    tract = 0.92 + 0.035 * voice
    pitch = (95 + 25 * voice) * np.exp(rng.normal(0, 0.06))
    scatter = np.exp(rng.normal(0, 0.1, size=(len(glide), 3)))
    wave = _voiced(np.array(glide) * scatter * tract, pitch, n, rng)
    wave *= _loudness(n, hisses)
    wave /= np.sqrt(np.mean(wave**2))
    for begin, end, frequency in hisses:
        wave += 0.5 * _hiss(begin, end, frequency * tract**0.5, n, rng)
    wave += 10 ** (-rng.uniform(10, 30) / 20) * rng.standard_normal(n)
    wave *= rng.uniform(0.1, 0.9) / np.abs(wave).max()
    return wave.astype(np.float32)


def _voiced(
    formants: np.ndarray, pitch: float, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the sum of the harmonics of a voice whose formants glide."""
    n_frames = max(8, n * _FRAMES_A_SECOND // RATE)
    # Some linger at the beginning of a word, some at its end.
    bend = np.exp(rng.normal(0, 0.4))
    places = np.linspace(0, 1, n_frames) ** bend * (len(formants) - 1)
    tracks = np.stack(
        [np.interp(places, np.arange(len(formants)), f) for f in formants.T], axis=1
    )
    # Pitch falls towards the end of a word.
    f0 = pitch * np.linspace(1.08, rng.uniform(0.8, 0.95), n_frames)
    harmonics = np.arange(1, int(3900 / f0.max()) + 1)
    frequencies = harmonics[:, np.newaxis] * f0
    distance = (frequencies[..., np.newaxis] - tracks) / _WIDTHS
    gains = (_STRENGTHS / (1 + distance**2)).sum(axis=-1) / np.sqrt(frequencies / 500)
    times, frames = np.arange(n), np.linspace(0, n - 1, n_frames)
    phase = 2 * np.pi * np.cumsum(np.interp(times, frames, f0)) / RATE
    wave = np.zeros(n)
    for harmonic, gain in zip(harmonics, gains, strict=True):
        shift = rng.uniform(0, 2 * np.pi)
        wave += np.interp(times, frames, gain) * np.cos(harmonic * phase + shift)
    return wave


def _loudness(n: int, hisses: Sequence[tuple[float, float, int]]) -> np.ndarray:
    """Return the envelope of the voice, which is weak during a hiss."""
    times = np.linspace(0, 1, n)
    envelope = np.minimum(np.minimum(times / 0.1, (1 - times) / 0.25), 1)
    for begin, end, _ in hisses:
        envelope[(times >= begin) & (times <= end)] *= 0.1
    smooth = np.hanning(int(0.02 * RATE))
    return np.convolve(envelope, smooth / smooth.sum(), mode="same")


def _hiss(
    begin: float, end: float, frequency: float, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Return noise around a frequency with a rounded envelope."""
    first, last = int(begin * n), max(int(end * n), int(begin * n) + 40)
    last = min(last, n)
    spectrum = np.fft.rfft(rng.standard_normal(last - first))
    bins = np.fft.rfftfreq(last - first, 1 / RATE)
    noise = np.fft.irfft(spectrum / (1 + ((bins - frequency) / 500) ** 2), last - first)
    noise *= np.hanning(last - first)
    wave = np.zeros(n)
    wave[first:last] = noise / max(np.sqrt(np.mean(noise**2)), 1e-12)
    return wave
