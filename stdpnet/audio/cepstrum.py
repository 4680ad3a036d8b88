"""Mel-frequency cepstral coefficients, the usual front end of speech recognition."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stdpnet.audio.cochleagram import check_band
from stdpnet.audio.front import Front, levels_above_floor
from stdpnet.audio.waves import slice_means
from stdpnet.config import number, quantity
from stdpnet.units import Hz, Quantity, ms


@dataclass(frozen=True, kw_only=True)
class MelCepstrum(Front):
    r"""Cepstral coefficients of a mel filter bank (MFCC), each sign in rows of its own.

    Power spectra of windows, averaged in each slice, pass triangular filters whose
    edges are equally spaced in :math:`2595 \log_{10}(1 + f / 700)`. The discrete
    cosine transform (type II, orthonormal) of the logarithms gives coefficients
    :math:`c_1, c_2, \ldots`; :math:`c_0`, the loudness, is left out. They are
    liftered, so that all are about equally large:

    .. math::
        c_k \left(1 + \frac{L}{2} \sin\frac{\pi k}{L}\right)

    Images must be positive, so rows ``0 .. n_coefficients - 1`` hold the positive
    parts of :math:`c_1, c_2, \ldots` and the rows after them the negative parts.

    Parameters
    ----------
    n_coefficients : int
        Coefficients, fewer than `n_filters`; the image is twice as high.
    n_filters : int
        Triangular filters.
    low_frequency, high_frequency : Quantity, frequency
        Lower edge of the first filter and upper edge of the last, at most half of
        `rate`.
    window, step : Quantity, time
        Length of the Hamming windows, and the largest distance of their centres.
    lifter : float
        The constant :math:`L`; 0 leaves the coefficients as they are.
    dynamic_range : float
        Powers so far below the largest of the sound count as nothing, dB.
    rate, n_slices, fit, duration, silence
        See `Front`.

    References
    ----------
    Davis and Mermelstein (1980), doi:10.1109/TASSP.1980.1163420. Mel scale and
    lifter as in HTK (Young et al., The HTK Book, 2006, section 5.4).
    """

    n_coefficients: int = number(12, low=1, integer=True, doc="coefficients kept")
    n_filters: int = number(26, low=2, integer=True, doc="triangular filters")
    low_frequency: Quantity = quantity(100 * Hz, low=0, doc="lower edge")
    high_frequency: Quantity = quantity(3600 * Hz, above=0, doc="upper edge")
    window: Quantity = quantity(25 * ms, above=0, high=1, doc="length of a window")
    step: Quantity = quantity(10 * ms, above=0, high=1, doc="distance of windows")
    lifter: float = number(22.0, low=0, doc="constant of the lifter; 0 is off")
    dynamic_range: float = number(60.0, above=0, high=200, doc="powers kept, dB")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_band(self, self.low_frequency, self.high_frequency)
        if self.n_coefficients >= self.n_filters:
            raise ValueError(
                f"MelCepstrum.n_coefficients must be < n_filters ({self.n_filters}), "
                f"got {self.n_coefficients}"
            )
        empty = int(np.count_nonzero(self._bank.sum(axis=1) == 0))
        if empty:
            raise ValueError(
                f"MelCepstrum.n_filters must leave a frequency to every filter, got "
                f"{self.n_filters} of which {empty} are empty; lengthen window"
            )

    @property
    def n_rows(self) -> int:
        """``2 * n_coefficients``."""
        return 2 * self.n_coefficients

    @property
    def _window_length(self) -> int:
        return max(2, round(self.window.value * self.rate.value))

    @property
    def _bank(self) -> np.ndarray:
        """Weights of the filters, shape (n_filters, n_frequencies)."""
        low, high = self.low_frequency.value, self.high_frequency.value
        n_fft = _fft_length(self._window_length)
        return _mel_bank(self.n_filters, low, high, n_fft, self.sampling_rate)

    def _rows(self, wave: np.ndarray) -> np.ndarray:
        from scipy.fft import dct

        floor = 10 ** (-self.dynamic_range / 10)
        levels = levels_above_floor(self._bank @ self._powers(wave), floor)
        order = np.arange(1, self.n_coefficients + 1)
        cepstrum = dct(levels, axis=0, norm="ortho")[order]
        if self.lifter > 0:
            lift = 1 + self.lifter / 2 * np.sin(np.pi * order / self.lifter)
            cepstrum *= lift[:, np.newaxis]
        return np.maximum(np.concatenate([cepstrum, -cepstrum]), 0)

    def _powers(self, wave: np.ndarray) -> np.ndarray:
        """Return mean power spectra, shape (n_frequencies, n_slices)."""
        length = self._window_length
        step = self.step.value * self.rate.value
        n_windows = self.n_slices * math.ceil(len(wave) / self.n_slices / step)
        centres = (np.arange(n_windows) + 0.5) * len(wave) / n_windows
        # The first and the last window reach beyond the sound.
        starts = np.floor(centres + length / 2).astype(int)
        padded = np.pad(wave.astype(np.float64), length)
        frames = padded[starts[:, np.newaxis] + np.arange(length)] * np.hamming(length)
        spectra = np.abs(np.fft.rfft(frames, _fft_length(length))) ** 2
        return slice_means(spectra.T, self.n_slices)


def _fft_length(window: int) -> int:
    return int(2 ** math.ceil(math.log2(window) + 1))


@lru_cache(maxsize=8)
def _mel_bank(n: int, low: float, high: float, n_fft: int, rate: int) -> np.ndarray:
    """Return triangles with peak 1 over the frequencies of a spectrum."""
    ends = 2595 * np.log10(1 + np.array([low, high]) / 700)
    edges = 700 * (10 ** (np.linspace(ends[0], ends[1], n + 2) / 2595) - 1)
    frequencies = np.arange(n_fft // 2 + 1) * rate / n_fft
    left, centre, right = (edges[i : n + i, np.newaxis] for i in range(3))
    rising = (frequencies - left) / (centre - left)
    falling = (right - frequencies) / (right - centre)
    bank = np.maximum(np.minimum(rising, falling), 0)
    bank.flags.writeable = False
    return bank
