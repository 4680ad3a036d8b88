"""What a sound is to a network: waveform, cochleagram, spikes of its channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stdpnet.audio.cochleagram import Cochleagram
from stdpnet.audio.waves import resample, sounding_part
from stdpnet.units import Hz, QuantityLike, as_quantity

#: Length of the time steps in which a channel spikes once at most, seconds.
_STEP = 0.001
#: Length of the slices of a picture, seconds.
_SLICE = 0.010


@dataclass(frozen=True, eq=False, kw_only=True)
class SoundNumbers:
    """A sound, the image of it, and spikes drawn from the image.

    Parameters
    ----------
    name : str
        What the sound is called.
    wave : ndarray of float32, shape (n_samples,)
        The whole sound, at `rate`.
    rate : int
        Sampling rate, Hz.
    begin, end : float
        Where the image lies in the sound, seconds.
    image : ndarray of float32, shape (n_channels, n_slices)
        The cochleagram, lowest channel first.
    frequencies : ndarray of float64, shape (n_channels,)
        Centres of the channels, Hz.
    spike_times : ndarray of float64, shape (n_spikes,)
        Seconds, from the begin of the sound.
    spike_channels : ndarray of int64, shape (n_spikes,)
        Channel of each spike.
    """

    name: str
    wave: np.ndarray
    rate: int
    begin: float
    end: float
    image: np.ndarray
    frequencies: np.ndarray
    spike_times: np.ndarray
    spike_channels: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers without the waveform, for JSON."""
        return {
            "name": self.name,
            "rate_hz": self.rate,
            "seconds": len(self.wave) / self.rate,
            "begin_seconds": self.begin,
            "end_seconds": self.end,
            "frequencies_hz": self.frequencies,
            "image": self.image,
            "spike_times_seconds": self.spike_times,
            "spike_channels": self.spike_channels,
        }


def measure_sound(
    wave: np.ndarray,
    rate: int,
    *,
    name: str = "sound",
    front: Cochleagram | None = None,
    max_rate: QuantityLike = 250 * Hz,
    seed: int = 0,
) -> SoundNumbers:
    """Compute what `draw_sound` shows.

    Parameters
    ----------
    wave : ndarray of float32, shape (n_samples,)
        The sound.
    rate : int
        Its sampling rate, Hz.
    name : str
        What to call it.
    front : Cochleagram, optional
        Default is that of the data sets with a slice every 10 ms, so that the
        picture is as fine as the ear.
    max_rate : Quantity, frequency
        Rate of the Poisson spikes where the image is 1.
    seed : int
        Seed of the spikes.

    Returns
    -------
    SoundNumbers

    Raises
    ------
    ValueError
        If the sound is silent, too short or not finite, or a parameter is wrong.
    """
    spike_rate = as_quantity(max_rate)
    if spike_rate.dimension != Hz.dimension or not 0 < spike_rate.value * _STEP <= 1:
        raise ValueError(
            f"max_rate must be a frequency above 0 and at most 1 kHz, got {spike_rate}"
        )
    front = front or fine_front(wave, rate)
    image = front.image(wave, rate)
    whole = resample(np.asarray(wave, np.float32), rate, front.sampling_rate)
    part = sounding_part(whole, front.sampling_rate, front.silence)
    begin = part.start / front.sampling_rate
    end = begin + len(front.prepared(wave, rate)) / front.sampling_rate
    times, channels = _spikes(image, end - begin, spike_rate.value, seed)
    return SoundNumbers(
        name=name,
        wave=whole,
        rate=front.sampling_rate,
        begin=begin,
        end=end,
        image=image,
        frequencies=front.frequencies,
        spike_times=times + begin,
        spike_channels=channels,
    )


def fine_front(
    wave: np.ndarray, rate: int, front: Cochleagram | None = None
) -> Cochleagram:
    """Return a front end (default ``Cochleagram()``) with a slice every 10 ms."""
    coarse = replace(front or Cochleagram(), n_slices=1)
    seconds = len(coarse.prepared(wave, rate)) / coarse.sampling_rate
    return replace(coarse, n_slices=max(1, round(seconds / _SLICE)))


def _spikes(
    image: np.ndarray, seconds: float, rate: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw times (seconds) and channels of Poisson spikes, in order of time."""
    n_steps = max(1, round(seconds / _STEP))
    slices = np.arange(n_steps) * image.shape[1] // n_steps
    probability = image[:, slices].T * rate * _STEP
    rng = np.random.default_rng(seed)
    steps, channels = np.nonzero(rng.random(probability.shape) < probability)
    return (steps + 0.5) * seconds / n_steps, channels
