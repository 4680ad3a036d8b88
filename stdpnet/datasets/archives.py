"""Sounds in a zip archive or an unpacked folder, by their base names.

Nothing is unpacked to disk: the names in an archive are its author's, not ours.
"""

import hashlib
import re
import zipfile
import zlib
from pathlib import Path

from stdpnet.datasets.files import DamagedFileError

#: More than these is no archive of short recordings, whatever its header says.
MAX_MEMBERS = 20_000
MAX_MEMBER_BYTES = 2**23
MAX_BYTES = 2**28


def read_sounds(path: Path) -> dict[str, bytes]:
    """Return the WAV files of an archive's folder ``recordings``, or of a folder.

    Parameters
    ----------
    path : pathlib.Path
        Zip archive, or folder that holds the files directly.

    Returns
    -------
    dict of str to bytes
        Contents by base name, sorted.

    Raises
    ------
    DamagedFileError
        If the archive is none, cut off, encrypted or absurdly large, or two of its
        files have the same name.
    """
    if path.is_dir():
        return {file.name: file.read_bytes() for file in sorted(path.glob("*.wav"))}
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            return {name: archive.read(members[name]) for name in sorted(members)}
    except DamagedFileError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,  # encrypted, or compressed in a way that Python does not know
    ) as error:
        raise DamagedFileError(
            f"{path} must be a whole zip archive, got an error: {error}; "
            "replace the file"
        ) from None


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = [
        info
        for info in archive.infolist()
        if re.search(r"(^|/)recordings/[^/]+\.wav$", info.filename)
    ]
    total = sum(info.file_size for info in infos)
    largest = max((info.file_size for info in infos), default=0)
    for what, got, limit in (
        ("files", len(infos), MAX_MEMBERS),
        ("bytes a file", largest, MAX_MEMBER_BYTES),
        ("bytes of sound", total, MAX_BYTES),
    ):
        if got > limit:
            raise DamagedFileError(
                f"{path} must hold at most {limit} {what}, got {got}; replace the file"
            )
    members = {info.filename.rpartition("/")[2]: info for info in infos}
    if len(members) < len(infos):
        raise DamagedFileError(
            f"{path} must hold each recording once, got {len(infos)} files with "
            f"{len(members)} names; replace the file"
        )
    return members


def content_digest(sounds: dict[str, bytes]) -> str:
    """Return a sha256 of names and contents, whatever archive they came in.

    Parameters
    ----------
    sounds : dict of str to bytes
        As from `read_sounds`.

    Returns
    -------
    str
        Of base name, zero byte, length in decimal, zero byte and content of each
        file in the order of the names; hexadecimal.
    """
    digest = hashlib.sha256()
    for name in sorted(sounds):
        digest.update(f"{name}\0{len(sounds[name])}\0".encode())
        digest.update(sounds[name])
    return digest.hexdigest()
