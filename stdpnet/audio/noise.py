"""Noise at a stated signal-to-noise ratio."""

from collections.abc import Sequence

import numpy as np

from stdpnet.audio.waves import checked_wave

KINDS = ("white", "babble")


def add_noise(
    wave: np.ndarray,
    snr: float,
    *,
    rng: np.random.Generator,
    kind: str = "white",
    others: Sequence[np.ndarray] = (),
) -> np.ndarray:
    r"""Return a waveform with noise.

    The noise :math:`n` is scaled so that with the waveform :math:`x`

    .. math::
        10 \log_{10} \frac{\sum_t x_t^2}{\sum_t n_t^2} = \mathrm{SNR}

    Parameters
    ----------
    wave : ndarray of float, shape (n_samples,)
        The sound, left as it is.
    snr : float
        Signal-to-noise ratio, dB.
    rng : numpy.random.Generator
        Source of randomness.
    kind : {"white", "babble"}
        Gaussian noise, or the sum of `others`.
    others : sequence of ndarray, shape (n_other_samples,)
        Recordings whose sum is babble, at the same sampling rate. Each counts with
        the same power, begins at a random sample and goes round as often as needed.

    Returns
    -------
    ndarray of float32, shape (n_samples,)

    Raises
    ------
    ValueError
        If a parameter cannot be used, a waveform is silent, or babble is asked for
        without others.
    """
    wave = checked_wave("wave", wave)
    if not np.isfinite(snr):
        raise ValueError(f"snr must be a finite number of dB, got {snr}")
    if kind not in KINDS:
        known = ", ".join(repr(k) for k in KINDS)
        raise ValueError(f"kind must be one of {known}, got {kind!r}")
    if kind == "babble":
        noise = _babble(others, len(wave), rng)
    else:
        noise = rng.standard_normal(len(wave))
    signal_power = np.mean(wave.astype(np.float64) ** 2)
    wanted = signal_power / 10 ** (snr / 10)
    noise *= np.sqrt(wanted / np.mean(noise**2))
    return (wave + noise).astype(np.float32)


def _babble(
    others: Sequence[np.ndarray], n_samples: int, rng: np.random.Generator
) -> np.ndarray:
    if len(others) == 0:
        raise ValueError("others must hold recordings to babble, got none")
    total = np.zeros(n_samples)
    for number, other in enumerate(others):
        voice = checked_wave(f"others[{number}]", other).astype(np.float64)
        where = np.arange(n_samples) + rng.integers(len(voice))
        total += voice[where % len(voice)] / np.sqrt(np.mean(voice**2))
    return total
