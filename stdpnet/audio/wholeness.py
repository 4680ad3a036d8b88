"""Find files that were cut off: the library that reads them often says nothing."""

import struct

#: What writers put for a length that they do not know yet.
_UNKNOWN = (0, 0xFFFFFFFF)
_LAST_PAGE = 4


def missing_part(data: bytes) -> str:
    """Say what a sound file promises and does not hold.

    Parameters
    ----------
    data : bytes
        Content of the file: WAV (RIFF), NIST SPHERE or Ogg. FLAC counts its own
        samples, so nothing is said of it here.

    Returns
    -------
    str
        Such as ``"400 of 8000 bytes of sound"``; empty if nothing is missing.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _missing_in_wav(data)
    if data[:7] == b"NIST_1A":
        return _missing_in_sphere(data)
    return _missing_in_ogg(data) if data[:4] == b"OggS" else ""


def _missing_in_wav(data: bytes) -> str:
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"data":
            return "" if size in _UNKNOWN else _difference(size, len(data) - at)
        at += size + size % 2  # chunks begin at even places
    return "no sound after the header"


def _missing_in_sphere(data: bytes) -> str:
    lines = data[:1024].decode("ascii", errors="replace").splitlines()
    words = [line.split() for line in lines]
    fields = {word[0]: word[2] for word in words if len(word) == 3}
    try:
        header = int(lines[1])
        n_samples = int(fields["sample_count"])
        width = int(fields["sample_n_bytes"]) * int(fields.get("channel_count", "1"))
    except (KeyError, ValueError, IndexError):
        return ""  # the reader of the samples says what is wrong
    return _difference(n_samples * width, len(data) - header)


def _missing_in_ogg(data: bytes) -> str:
    at, flags = 0, 0
    while data[at : at + 4] == b"OggS" and at + 27 <= len(data):
        flags, n_segments = data[at + 5], data[at + 26]
        lengths = data[at + 27 : at + 27 + n_segments]
        at += 27 + n_segments + sum(lengths)
    return "" if flags & _LAST_PAGE and at <= len(data) else "no last page"


def _difference(promised: int, held: int) -> str:
    return f"{held} of {promised} bytes of sound" if held < promised else ""
