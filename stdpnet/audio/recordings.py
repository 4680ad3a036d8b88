"""Recordings with their labels, speakers and split, before they become images."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from stdpnet.audio.front import Front
from stdpnet.audio.noise import add_noise
from stdpnet.audio.waves import checked_rate

PARTS = ("train", "test", "all")


@dataclass(frozen=True, eq=False, kw_only=True)
class Recordings:
    """Labelled sounds, each of which is for training or for testing.

    Parameters
    ----------
    name : str
        What to call them.
    waveforms : tuple of ndarray of float32, shape (n_samples,)
        One channel each; full scale is 1.
    rate : int
        Sampling rate of all, Hz.
    labels : ndarray of int64, shape (n,)
        Classes ``0 .. n_classes - 1``.
    class_names : tuple of str
        What the labels stand for.
    is_test : ndarray of bool, shape (n,)
        True for the test set.
    speakers : tuple of str
        Who speaks in each; empty if that is not known.
    names : tuple of str
        What to call each in messages, such as its file; empty for numbers.
    notes : tuple of str
        What a reader of the results should know about these data.
    source : str
        Where they were read from.

    Raises
    ------
    ValueError
        If the parts do not fit each other, or training or test set is empty.
    """

    name: str
    waveforms: tuple[np.ndarray, ...]
    rate: int
    labels: np.ndarray
    class_names: tuple[str, ...]
    is_test: np.ndarray
    speakers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        checked_rate(f"{self.name}: rate", self.rate)
        n = len(self.waveforms)
        for part in ("labels", "is_test", "speakers", "names"):
            n_part = len(getattr(self, part))
            optional = part in ("speakers", "names") and n_part == 0
            if n_part != n and not optional:
                raise ValueError(
                    f"{self.name}: {part} must have one entry a recording, got "
                    f"{n_part} for {n} recordings"
                )
        n_test = int(np.count_nonzero(self.is_test))
        if n_test == 0 or n_test == n:
            raise ValueError(
                f"{self.name} must have recordings for training and for testing, got "
                f"{n - n_test} and {n_test}"
            )

    def __len__(self) -> int:
        return len(self.waveforms)

    def __repr__(self) -> str:
        n_test = int(np.count_nonzero(self.is_test))
        return (
            f"Recordings({self.name!r}, {len(self) - n_test} for training and {n_test} "
            f"for testing, {self.seconds:.0f} s at {self.rate} Hz, "
            f"{len(self.class_names)} classes, {len(set(self.speakers))} speakers)"
        )

    @property
    def seconds(self) -> float:
        """Length of all recordings together."""
        return sum(len(wave) for wave in self.waveforms) / self.rate

    def images(self, front: Front) -> np.ndarray:
        """Make an image of each recording, in their order.

        Parameters
        ----------
        front : Front
            Such as ``Cochleagram()``.

        Returns
        -------
        ndarray of float32, shape (n, n_rows, n_slices)
            From 0 to 1.

        Raises
        ------
        ValueError
            If a recording cannot be used, with its name.
        """
        return front.images(self.waveforms, self.rate, names=self.names)

    def split_by_speaker(self, *, test_fraction: float = 0.2, seed: int = 0) -> Self:
        """Return the same recordings, tested on speakers who are not heard before.

        Parameters
        ----------
        test_fraction : float
            Share of the speakers of the test set, who are drawn at random: at
            least one, and one is kept for training.
        seed : int
            Seed of the draw.

        Returns
        -------
        Recordings

        Raises
        ------
        ValueError
            If speakers are not known or only one, or the share is out of range.
        """
        voices = sorted(set(self.speakers))
        if len(voices) < 2:
            raise ValueError(
                f"{self.name}: a split by speaker needs at least 2 known speakers, got "
                f"{len(voices)}; split by recording"
            )
        if not 0 < test_fraction < 1:
            raise ValueError(
                f"test_fraction must lie between 0 and 1, got {test_fraction}"
            )
        n_test = min(max(round(len(voices) * test_fraction), 1), len(voices) - 1)
        drawn = np.random.default_rng(seed).permutation(voices)[:n_test]
        return replace(self, is_test=np.isin(self.speakers, drawn))

    def with_noise(
        self,
        snr: float,
        *,
        kind: str = "white",
        part: str = "test",
        n_voices: int = 6,
        seed: int = 0,
    ) -> Self:
        """Return the same recordings with noise of their own (see `add_noise`).

        Parameters
        ----------
        snr : float
            Signal-to-noise ratio of each recording, dB.
        kind : {"white", "babble"}
            Gaussian noise, or other recordings of the training set.
        part : {"test", "train", "all"}
            Which recordings get noise.
        n_voices : int
            Recordings that babble at the same time.
        seed : int
            Seed of the noise.

        Returns
        -------
        Recordings

        Raises
        ------
        ValueError
            If a parameter is out of range.
        """
        if part not in PARTS:
            known = ", ".join(repr(p) for p in PARTS)
            raise ValueError(f"part must be one of {known}, got {part!r}")
        training = np.flatnonzero(~self.is_test)
        if not 1 <= n_voices < len(training):
            raise ValueError(
                f"n_voices must lie in 1..{len(training) - 1}, got {n_voices}"
            )
        gets_noise = (
            self.is_test == (part == "test") if part != "all" else self.is_test | True
        )
        waves = list(self.waveforms)
        for number in np.flatnonzero(gets_noise):
            # A generator each: the noise of one does not depend on the others.
            rng = np.random.default_rng([seed, int(number)])
            voices = rng.choice(training[training != number], n_voices, replace=False)
            others = [self.waveforms[voice] for voice in voices]
            waves[number] = add_noise(
                waves[number], snr, rng=rng, kind=kind, others=others
            )
        return replace(self, waveforms=tuple(waves))
