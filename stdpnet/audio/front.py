"""Front ends: what makes images of sounds."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from stdpnet.audio.progress import track
from stdpnet.audio.waves import (
    checked_rate,
    checked_wave,
    fit_length,
    resample,
    sounding_part,
)
from stdpnet.config import Parameters, choice, number, quantity
from stdpnet.units import Quantity, kHz, second

#: Differences of levels that are none, natural units.
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Front(Parameters, ABC, abstract=True):
    """Base of the front ends: a sound becomes an image of channels and slices of time.

    A sound is resampled to `rate`, the silence at its ends is cut off, it is
    stretched or padded, analysed, and divided by its largest value. So neither
    loudness nor, when stretched, speed of speech matters.

    Parameters
    ----------
    rate : Quantity, frequency
        Sampling rate of the analysis.
    n_slices : int
        Width of the image.
    fit : {"stretch", "pad"}
        ``stretch``: the slices divide each sound equally, so they are longer in a
        long one. ``pad``: they divide `duration`, to which sounds are cut or
        filled with silence.
    duration : Quantity, time
        Length of all sounds with ``pad``.
    silence : float
        Frames of 10 ms at the ends of a sound that are so much weaker than its
        loudest frame are cut off, dB; 0 keeps all.
    """

    kind: ClassVar[str] = "front"

    rate: Quantity = quantity(8 * kHz, low=1000, high=1e6, doc="sampling rate")
    n_slices: int = number(16, low=1, integer=True, doc="slices of time")
    fit: str = choice(
        "stretch", of=("stretch", "pad"), doc="how lengths are made equal"
    )
    duration: Quantity = quantity(1 * second, above=0, high=600, doc="length of all")
    silence: float = number(35.0, low=0, doc="what is silence, dB below the loudest")

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_rate(f"{type(self).__name__}.rate", self.rate.value)

    @property
    def sampling_rate(self) -> int:
        """Samples a second."""
        return int(self.rate.value)

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Height of the image."""

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.n_rows, self.n_slices

    def image(self, wave: np.ndarray, rate: int) -> np.ndarray:
        """Make an image of a sound.

        Parameters
        ----------
        wave : ndarray of float, shape (n_samples,)
            The sound.
        rate : int
            Its sampling rate, Hz.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_slices)
            From 0 to 1; the largest value is 1, unless all channels are alike.

        Raises
        ------
        ValueError
            If the sound is silent, not finite or shorter than the image is wide.
        """
        part = self.prepared(wave, rate)
        rows = self._rows(part)
        largest = rows.max()
        # Of a sound that is the same in all channels only rounding is left.
        image: np.ndarray = rows / largest if largest > _ROUNDING else 0 * rows
        return image.astype(np.float32)

    def prepared(self, wave: np.ndarray, rate: int) -> np.ndarray:
        """Return the part of a sound that is analysed, at the rate of the front end.

        Parameters
        ----------
        wave : ndarray of float, shape (n_samples,)
            The sound.
        rate : int
            Its sampling rate, Hz.

        Returns
        -------
        ndarray of float32, shape (n_analysed,)

        Raises
        ------
        ValueError
            See `image`.
        """
        wave = checked_wave("sound", wave)
        wave = resample(wave, checked_rate("rate", rate), self.sampling_rate)
        part = wave[sounding_part(wave, self.sampling_rate, self.silence)]
        if self.fit == "pad":
            part = fit_length(part, round(self.duration.value * self.sampling_rate))
        if len(part) < self.n_slices:
            raise ValueError(
                f"sound must last at least {self.n_slices} samples at {self.rate} to "
                f"fill the slices, got {len(part)}; take fewer slices or leave it out"
            )
        return part

    def images(
        self,
        waves: Sequence[np.ndarray],
        rate: int,
        *,
        names: Sequence[str] = (),
    ) -> np.ndarray:
        """Make images of many sounds.

        Progress is shown on standard error if that is a terminal and it takes
        longer than two seconds.

        Parameters
        ----------
        waves : sequence of ndarray, shape (n_samples,)
            The sounds.
        rate : int
            Their sampling rate, Hz.
        names : sequence of str
            What to call them in messages; default are numbers.

        Returns
        -------
        ndarray of float32, shape (n, n_rows, n_slices)
            From 0 to 1.

        Raises
        ------
        ValueError
            If a sound cannot be used, with its name.
        """
        names = names or [f"sound {row}" for row in range(len(waves))]
        sounds = list(zip(waves, names, strict=True))
        images = np.empty((len(waves), *self.image_shape), np.float32)
        for row, (wave, name) in enumerate(track(sounds, "Sounds to images")):
            try:
                images[row] = self.image(wave, rate)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return images

    @abstractmethod
    def _rows(self, wave: np.ndarray) -> np.ndarray:
        """Return values >= 0 of shape (n_rows, n_slices) of a prepared waveform."""


def levels_above_floor(means: np.ndarray, floor: float) -> np.ndarray:
    """Return how far values lie above a floor, which is relative to the largest.

    Parameters
    ----------
    means : ndarray of float, shape (n_channels, n_slices)
        Values >= 0.
    floor : float
        Share of the largest value that counts as nothing, between 0 and 1.

    Returns
    -------
    ndarray of float64, shape (n_channels, n_slices)
        Natural logarithms, 0 at the floor and below it.
    """
    largest = means.max()
    if largest <= 0:
        return np.zeros_like(means)
    levels: np.ndarray = np.log(np.maximum(means / largest, floor) / floor)
    return levels
