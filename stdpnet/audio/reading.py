"""Sound files to waveforms."""

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.audio.waves import checked_rate, checked_wave, resample
from stdpnet.audio.wholeness import missing_part
from stdpnet.extras import require

SUFFIXES = (".wav", ".flac", ".ogg")
#: Longest sound that is read, an hour and a half at 48 kHz: more is a mistake.
MAX_SAMPLES = 2**28
#: A FLAC file of unknown length says so with the largest number there is.
_UNKNOWN = 2**62


class SoundError(ValueError):
    """A sound that is damaged, empty, silent or no sound at all."""


def read_sound(
    source: str | os.PathLike[str] | bytes,
    *,
    rate: float | None = None,
    name: str = "sound",
) -> tuple[np.ndarray, int]:
    """Read a sound file: WAV, FLAC, OGG or NIST SPHERE.

    Parameters
    ----------
    source : path or bytes
        The file, or its content.
    rate : float, optional
        Wanted sampling rate, Hz; default is that of the file.
    name : str
        What to call content without a file in messages.

    Returns
    -------
    wave : ndarray of float32, shape (n_samples,)
        Channels are averaged; full scale is 1.
    rate : int
        Sampling rate, Hz.

    Raises
    ------
    SoundError
        If the file is empty, damaged, truncated, no sound, silent, longer than
        2**28 samples, or has samples that are no numbers.
    FileNotFoundError
        If there is no such file.
    MissingExtraError
        If the package ``soundfile`` is not installed.
    """
    require("audio", "soundfile")
    wanted = None if rate is None else checked_rate("rate", rate)
    where, data = _content(source, name)
    channels, own_rate = _decoded(where, data)
    try:
        wave = checked_wave(where, channels.mean(axis=1))
        if wanted is not None:
            wave = checked_wave(where, resample(wave, own_rate, wanted))
    except ValueError as error:
        raise SoundError(str(error)) from None
    return wave, wanted or own_rate


def _content(source: Any, name: str) -> tuple[str, bytes]:
    if isinstance(source, bytes):
        return name, source
    path = Path(source).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    return str(path), path.read_bytes()


def _decoded(where: str, data: bytes) -> tuple[np.ndarray, int]:
    """Return float32 samples of shape (n_samples, n_channels) and their rate."""
    import soundfile

    if not data:
        raise SoundError(f"{where} must hold sound, got an empty file; replace it")
    try:
        with soundfile.SoundFile(BytesIO(data)) as file:
            _check_length(where, file.frames * file.channels)
            samples = file.read(dtype="float32", always_2d=True)
            promised, rate = file.frames, file.samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise _no_sound(where, data, error) from None
    missing = missing_part(data)
    if not missing and len(samples) < promised < _UNKNOWN:
        missing = f"{len(samples)} of {promised} samples"
    if missing:
        raise _truncated(where, missing)
    try:
        return samples, checked_rate(f"{where}: sampling rate", rate)
    except ValueError as error:
        raise SoundError(str(error)) from None


def _check_length(where: str, n_samples: int) -> None:
    if MAX_SAMPLES < n_samples < _UNKNOWN:
        raise SoundError(
            f"{where} must have at most {MAX_SAMPLES} samples, got {n_samples}; cut it"
        )


def _truncated(where: str, missing: str) -> SoundError:
    return SoundError(f"{where} must be whole, got {missing}; replace the file")


def _no_sound(where: str, data: bytes, error: Exception) -> SoundError:
    known = (b"RIFF", b"fLaC", b"OggS", b"NIST")
    if data[:4] in known and missing_part(data):
        return _truncated(where, missing_part(data))
    reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
    return SoundError(
        f"{where} must be a readable WAV, FLAC or OGG file, got an error: {reason}; "
        "convert or remove it"
    )
