"""Waveforms: checks, sampling rate, silence at the ends, equal slices of time."""

import math

import numpy as np

#: Length of the frames that are either sound or silence, seconds.
FRAME = 0.010


def checked_wave(where: str, wave: np.ndarray) -> np.ndarray:
    """Return a waveform as float32 if it is one and holds sound.

    Parameters
    ----------
    where : str
        Subject of the error messages, such as the name of a file.
    wave : array-like of float, shape (n_samples,)
        One channel.

    Returns
    -------
    ndarray of float32, shape (n_samples,)

    Raises
    ------
    ValueError
        If there are several channels, no samples, NaN, infinity or only zeros.
    """
    wave = np.asarray(wave)
    if wave.ndim != 1 or wave.dtype.kind != "f":
        raise ValueError(
            f"{where} must be floats of shape (n_samples,), got {wave.dtype} of shape "
            f"{wave.shape}; average the channels and divide integers by full scale"
        )
    if wave.size == 0:
        raise ValueError(f"{where} must hold sound, got no samples; leave it out")
    n_bad = int(np.count_nonzero(~np.isfinite(wave)))
    if n_bad:
        raise ValueError(
            f"{where} must be finite, got {n_bad} samples that are NaN or infinite; "
            "record or convert it again"
        )
    if not wave.any():
        raise ValueError(f"{where} must hold sound, got only silence; leave it out")
    return np.ascontiguousarray(wave, np.float32)


def checked_rate(name: str, rate: float) -> int:
    """Return a sampling rate as a whole number of samples a second.

    Raises
    ------
    ValueError
        If it is none, or not between 1,000 and 1,000,000.
    """
    is_number = isinstance(rate, (int, float, np.number))
    if not is_number or rate != rate or not 1000 <= rate <= 1e6 or rate != int(rate):
        raise ValueError(
            f"{name} must be a whole number of Hz from 1000 to 1000000, got {rate!r}"
        )
    return int(rate)


def resample(wave: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Return a waveform at another sampling rate.

    Parameters
    ----------
    wave : ndarray of float32, shape (n_samples,)
        The waveform.
    rate, wanted : int
        Its sampling rate and the wanted one, Hz.

    Returns
    -------
    ndarray of float32, shape (ceil(n_samples * wanted / rate),)
        Frequencies above half the lower rate are filtered out.
    """
    if rate == wanted:
        return wave
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    changed: np.ndarray = resample_poly(wave, wanted // common, rate // common)
    return changed.astype(np.float32, copy=False)


def sounding_part(wave: np.ndarray, rate: int, silence: float = 35.0) -> slice:
    """Return where the sound begins and ends, without the silence around it.

    Parameters
    ----------
    wave : ndarray of float, shape (n_samples,)
        The waveform.
    rate : int
        Sampling rate, Hz.
    silence : float
        Frames of 10 ms whose mean power is so much below that of the loudest
        frame are silence, dB; 0 takes none for silence.

    Returns
    -------
    slice
        Samples from the first frame that sounds to the last; silence between
        them is part of the sound.
    """
    if silence == 0:
        return slice(0, len(wave))
    length = max(1, round(FRAME * rate))
    starts = np.arange(0, len(wave), length)
    energy = np.add.reduceat(wave.astype(np.float64) ** 2, starts)
    power = energy / np.diff(np.append(starts, len(wave)))
    sounds = np.flatnonzero(power > power.max() * 10 ** (-silence / 10))
    if sounds.size == 0:  # a silent waveform
        return slice(0, len(wave))
    return slice(
        int(starts[sounds[0]]), min(int(starts[sounds[-1]]) + length, len(wave))
    )


def fit_length(wave: np.ndarray, n_samples: int) -> np.ndarray:
    """Return a waveform cut at the end, or followed by zeros, to `n_samples`."""
    return np.pad(wave[:n_samples], (0, max(0, n_samples - len(wave))))


def slice_means(values: np.ndarray, n_slices: int) -> np.ndarray:
    """Return the means of equal slices of time.

    Parameters
    ----------
    values : ndarray of float, shape (n_channels, n_samples)
        At least `n_slices` samples.
    n_slices : int
        Number of slices; their lengths differ by a sample at most.

    Returns
    -------
    ndarray of float64, shape (n_channels, n_slices)
    """
    edges = np.linspace(0, values.shape[1], n_slices + 1).astype(int)
    sums = np.add.reduceat(values, edges[:-1], axis=1, dtype=np.float64)
    means: np.ndarray = sums / np.diff(edges)
    return means
