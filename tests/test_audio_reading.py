"""Sound files: what is read, and what is refused in one line."""

import struct
from io import BytesIO

import numpy as np
import pytest
import soundfile

from stdpnet import extras
from stdpnet.audio import SoundError, read_sound
from stdpnet.audio import reading as reading_module
from stdpnet.extras import MissingExtraError

RATE = 8000
TIME = np.arange(4000) / RATE
TONE = (0.5 * np.sin(2 * np.pi * 440 * TIME)).astype(np.float32)


def encoded(samples, rate=RATE, kind="WAV", subtype=None):
    stream = BytesIO()
    soundfile.write(stream, samples, rate, format=kind, subtype=subtype)
    return stream.getvalue()


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("kind", "subtype", "tolerance"),
    [
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "FLOAT", 0),
        ("FLAC", "PCM_16", 1e-4),
        ("NIST", "PCM_16", 1e-4),
        ("OGG", "VORBIS", 0.05),
    ],
)
def test_formats(kind, subtype, tolerance, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(encoded(TONE, kind=kind, subtype=subtype))
    wave, rate = read_sound(path)
    assert (rate, wave.dtype, wave.shape) == (RATE, np.float32, TONE.shape)
    np.testing.assert_allclose(wave, TONE, atol=tolerance)


def test_stereo_is_averaged():
    stereo = np.stack([TONE, 0.5 * TONE], axis=1)
    wave, _ = read_sound(encoded(stereo, subtype="FLOAT"))
    np.testing.assert_allclose(wave, 0.75 * TONE, atol=1e-7)


@pytest.mark.parametrize("rate", [11025, 44100, 48000])
def test_other_rates_are_resampled(rate):
    time = np.arange(rate) / rate
    low, high = np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 5000 * time)
    wave, new_rate = read_sound(encoded(0.4 * (low + high), rate), rate=RATE)
    assert (new_rate, len(wave)) == (RATE, RATE)
    spectrum = np.abs(np.fft.rfft(wave)) / (len(wave) / 2)
    assert spectrum[440] == pytest.approx(0.4, rel=0.01)
    # 5 kHz cannot be told at 8 kHz, and must not come back as 3 kHz.
    assert np.delete(spectrum, np.arange(435, 446)).max() < 0.005


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^no such file: .*gone\.wav$"):
        read_sound(tmp_path / "gone.wav")


@pytest.mark.parametrize("rate", [0, 8000.5, float("nan"), 1e9, "8 kHz"])
def test_wanted_rate_is_checked(rate):
    with pytest.raises(ValueError, match=r"^rate must be a whole number of Hz from"):
        read_sound(encoded(TONE), rate=rate)


NOT_FINITE = np.where(TIME == TIME[7], np.nan, TONE).astype(np.float32)
BAD = {
    "empty file": (b"", "must hold sound, got an empty file"),
    "no samples": (encoded(TONE[:0]), "must hold sound, got no samples"),
    "silent": (encoded(np.zeros(900)), "must hold sound, got only silence"),
    "opposite": (
        encoded(np.stack([TONE, -TONE], axis=1), subtype="FLOAT"),
        "must hold sound, got only silence",
    ),
    "nan": (
        encoded(NOT_FINITE, subtype="FLOAT"),
        "must be finite, got 1 samples that are NaN or infinite",
    ),
    "text": (b"no sound at all" * 9, "must be a readable WAV, FLAC or OGG file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), "must be a readable WAV"),
    "slow": (encoded(TONE, 500), "sampling rate must be a whole number of Hz"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line(case, tmp_path):
    data, message = BAD[case]
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    with pytest.raises(SoundError, match=rf"^{path}:? {message}") as error:
        read_sound(path)
    one_line(error)
    with pytest.raises(SoundError, match=rf"^my sound:? {message}"):
        read_sound(data, name="my sound")


@pytest.mark.parametrize("keep", [0.3, 0.8, 0.99])
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "NIST"])
def test_truncated_files(kind, keep, rng):
    noise = 0.3 * rng.standard_normal(20_000)
    data = encoded(np.clip(noise, -0.99, 0.99), kind=kind)
    data = data[: int(len(data) * keep)]
    with pytest.raises(SoundError, match=r"^sound must be (whole|a readable)") as error:
        read_sound(data)
    one_line(error)


@pytest.mark.parametrize("keep", [3, 11, 20, 43])
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "NIST"])
def test_headers_that_end_early(kind, keep):
    with pytest.raises(SoundError, match=r"^sound must be (whole|a readable)"):
        read_sound(encoded(TONE, kind=kind)[:keep])


def test_odd_chunks_before_the_sound_are_passed_over():
    data = encoded(TONE)
    extra = b"note" + struct.pack("<I", 3) + b"abc\0"
    data = data[:12] + extra + data[12:]
    data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    np.testing.assert_allclose(read_sound(data)[0], TONE, atol=1e-4)


def test_a_length_that_the_writer_did_not_know_is_no_damage():
    data = bytearray(encoded(TONE, subtype="PCM_16"))
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = b"\xff" * 4
    np.testing.assert_allclose(read_sound(bytes(data))[0], TONE, atol=1e-4)


def test_absurd_lengths_are_not_read(monkeypatch):
    monkeypatch.setattr(reading_module, "MAX_SAMPLES", 1000)
    with pytest.raises(SoundError, match="must have at most 1000 samples, got 4000"):
        read_sound(encoded(TONE))


def test_without_the_package(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"needs soundfile; .*stdpnet\[audio\]"):
        read_sound(encoded(TONE))
