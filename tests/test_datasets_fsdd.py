"""FSDD: archives read in memory, and downloads verified by what is inside."""

import hashlib
import io
import os
import threading
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stdpnet import catalog, load_dataset
from stdpnet.audio import Cochleagram, MelCepstrum, SoundError
from stdpnet.datasets import (
    DamagedFileError,
    DataWarning,
    archives,
    check,
    fetch,
    list_datasets,
    load_card,
    load_recordings,
)

RATE = 8000
SMALL = Cochleagram(n_channels=10, n_slices=8)


def tone(number, rate=RATE):
    """A fifth of a second of a tone of its own."""
    time = np.arange(rate // 5) / rate
    return 0.5 * np.sin(2 * np.pi * (200 + 7 * number) * time)


def encoded(samples, rate=RATE, kind="WAV", **options):
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind, **options)
    return stream.getvalue()


SHARED = os.environ.get("STDPNET_DATA", "")


@pytest.fixture
def shared_fsdd():
    """The folder with the real data sets; the test is skipped without FSDD."""
    if not (Path(SHARED) / "fsdd" / "recordings.zip").is_file():
        pytest.skip("no fsdd/ in STDPNET_DATA")
    return SHARED


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """No data anywhere, and a cache of our own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STDPNET_DATA", raising=False)


#: Two speakers, two digits, seven recordings of each: five for testing.
SOUNDS = {
    f"{digit}_{speaker}_{index}.wav": encoded(tone(100 * digit + 10 * s + index))
    for digit in (3, 8)
    for s, speaker in enumerate(("ada", "bob"))
    for index in range(7)
}


def archive(
    sounds=SOUNDS, prefix="free-spoken-digit-dataset-1.0.10/recordings/", **more
):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("free-spoken-digit-dataset-1.0.10/README.md", "digits")
        for name, content in (sounds | more).items():
            file.writestr(f"{prefix}{name}", content)
    return stream.getvalue()


def reference_digest(sounds):
    parts = [
        name.encode() + b"\0" + str(len(sounds[name])).encode() + b"\0" + sounds[name]
        for name in sorted(sounds)
    ]
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.fixture
def small_fsdd(tmp_path, monkeypatch):
    """A catalogue whose FSDD is `SOUNDS`."""
    text = catalog.card_path("fsdd").read_text()
    text = text.replace(
        load_card("fsdd").files[0].content_sha256, reference_digest(SOUNDS)
    )
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "fsdd.toml").write_text(text)
    monkeypatch.setattr(catalog, "catalog_root", lambda: tmp_path)
    (tmp_path / "fsdd").mkdir()
    return tmp_path


def put(folder, layout):
    if layout == "folder":
        (folder / "recordings").mkdir()
        for name, content in SOUNDS.items():
            (folder / "recordings" / name).write_bytes(content)
    elif layout == "recordings.zip":
        (folder / layout).write_bytes(archive(prefix="recordings/"))
    else:
        (folder / layout).write_bytes(archive())


@pytest.mark.parametrize("layout", ["folder", "recordings.zip", "v1.0.10.zip"])
def test_fsdd_in_its_three_forms(layout, small_fsdd):
    put(small_fsdd / "fsdd", layout)
    recordings = load_recordings("fsdd", root=small_fsdd)
    assert (len(recordings), recordings.notes, recordings.rate) == (28, (), 8000)
    assert set(recordings.speakers) == {"ada", "bob"}
    for k, name in enumerate(recordings.names):
        digit, speaker, index = name.removesuffix(".wav").split("_")
        assert recordings.labels[k] == int(digit)
        assert recordings.speakers[k] == speaker
        assert recordings.is_test[k] == (int(index) < 5)
        expected = tone(100 * int(digit) + 10 * (speaker == "bob") + int(index))
        np.testing.assert_allclose(recordings.waveforms[k], expected, atol=1e-4)
    assert len(set(recordings.labels[:8])) == 2, "digits must be mixed"
    (report,) = check("fsdd", root=small_fsdd)
    assert report.status == "ok"
    (listing,) = list_datasets(root=small_fsdd)
    assert listing.source == str(small_fsdd / "fsdd")


def test_fsdd_as_images(small_fsdd):
    put(small_fsdd / "fsdd", "recordings.zip")
    data = load_dataset("fsdd", root=small_fsdd)
    assert (data.X_train.shape, data.X_test.shape) == ((8, 40, 16), (20, 40, 16))
    assert (data.X_train.dtype, data.max_value) == (np.float32, 1.0)
    other = load_dataset("fsdd", root=small_fsdd, front=MelCepstrum(rate="16 kHz"))
    assert other.X_train.shape == (8, 24, 16)


def test_fsdd_by_speaker(small_fsdd):
    put(small_fsdd / "fsdd", "recordings.zip")
    recordings = load_recordings("fsdd", root=small_fsdd, split="speaker")
    heard = {
        (speaker, bool(is_test))
        for speaker, is_test in zip(
            recordings.speakers, recordings.is_test, strict=True
        )
    }
    assert len(heard) == 2
    data = load_dataset("fsdd", root=small_fsdd, split="speaker", front=SMALL)
    assert (len(data.X_train), len(data.X_test)) == (14, 14)


def test_other_recordings_are_used_with_a_warning(small_fsdd):
    more = archive(**{"1_eve_9.wav": encoded(tone(0))})
    (small_fsdd / "fsdd" / "v1.0.10.zip").write_bytes(more)
    with pytest.warns(DataWarning, match=r"not the original bytes: v1\.0\.10\.zip"):
        assert len(load_recordings("fsdd", root=small_fsdd)) == 29
    (report,) = check("fsdd", root=small_fsdd)
    assert report.status == "differs"


def test_names_in_an_archive_write_nothing(small_fsdd):
    evil = {"../../recordings/3_ada_6.wav": encoded(tone(1))}
    kept = {k: v for k, v in SOUNDS.items() if k != "3_ada_6.wav"}
    (small_fsdd / "fsdd" / "recordings.zip").write_bytes(
        archive(kept, prefix="recordings/", **evil)
    )
    before = sorted(small_fsdd.rglob("*"))
    with pytest.warns(DataWarning):
        assert len(load_recordings("fsdd", root=small_fsdd)) == 28
    assert sorted(small_fsdd.rglob("*")) == before


def _cut(content):
    return content[:-200]


def _corrupt(content):
    data = bytearray(content)
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a whole zip archive, got an error"),
        (b"<html>moved</html>", "must be a whole zip archive, got an error"),
        (_cut(archive()), "must be a whole zip archive, got an error"),
        (_corrupt(archive()), "must be a whole zip archive, got an error"),
        (
            archive(**{"seven.wav": b""}),
            r"must hold recordings named like 7_jackson_32\.wav, got seven\.wav",
        ),
        (
            archive(**{"a/recordings/3_ada_6.wav": b""}),
            "must hold each recording once, got 29 files with 28 names",
        ),
    ],
)
def test_archives_that_cannot_be_used(content, message, small_fsdd):
    path = small_fsdd / "fsdd" / "v1.0.10.zip"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=rf"^{path} {message}") as error:
        load_recordings("fsdd", root=small_fsdd)
    assert "\n" not in str(error.value)
    (report,) = check("fsdd", root=small_fsdd)
    assert report.status == "damaged"


@pytest.mark.parametrize(
    ("limit", "value", "what"),
    [
        ("MAX_MEMBERS", 27, "27 files, got 28"),
        ("MAX_MEMBER_BYTES", 99, "99 bytes a file, got 3244"),
        ("MAX_BYTES", 999, "999 bytes of sound, got 90832"),
    ],
)
def test_absurd_sizes_are_refused(limit, value, what, small_fsdd, monkeypatch):
    put(small_fsdd / "fsdd", "recordings.zip")
    monkeypatch.setattr(archives, limit, value)
    with pytest.raises(DamagedFileError, match=f"must hold at most {what}; replace"):
        load_recordings("fsdd", root=small_fsdd)


def test_a_damaged_recording_is_named(small_fsdd):
    more = {"1_eve_9.wav": encoded(tone(0))[:-50]}
    path = small_fsdd / "fsdd" / "recordings.zip"
    path.write_bytes(archive(prefix="recordings/", **more))
    with pytest.raises(SoundError, match=rf"^{path}: 1_eve_9\.wav must be whole"):
        load_recordings("fsdd", root=small_fsdd)
    assert check("fsdd", root=small_fsdd)[0].status == "damaged"


def test_only_test_recordings(small_fsdd):
    few = {"3_ada_0.wav": SOUNDS["3_ada_0.wav"]}
    (small_fsdd / "fsdd" / "recordings.zip").write_bytes(archive(few, "recordings/"))
    with pytest.raises(DamagedFileError, match=r"for testing, got 0 and 1; replace it"):
        load_recordings("fsdd", root=small_fsdd)


def test_no_fsdd_says_what_to_do(small_fsdd):
    with pytest.raises(
        FileNotFoundError, match=r"^fsdd: no copy in .*data fetch fsdd'"
    ):
        load_dataset("fsdd", root=small_fsdd, download=False)
    assert [c.status for c in check("fsdd", root=small_fsdd)] == ["missing"]


def test_real_fsdd(shared_fsdd):
    recordings = load_recordings("fsdd", root=shared_fsdd, download=False)
    assert int(recordings.is_test.sum()) == 300
    assert list(np.bincount(recordings.labels)) == [300] * 10
    assert set(Counter(recordings.speakers).values()) == {500}
    assert round(recordings.seconds, 1) == 1312.3
    assert min(map(len, recordings.waveforms)) == 1148


@pytest.mark.slow
def test_neighbours_tell_the_digits_of_fsdd(shared_fsdd):
    data = load_dataset("fsdd", root=shared_fsdd, download=False)
    train, test = (x.reshape(len(x), -1) for x in (data.X_train, data.X_test))
    train = train / np.linalg.norm(train, axis=1, keepdims=True)
    nearest = data.y_train[(test @ train.T).argmax(axis=1)]
    assert (nearest == data.y_test).mean() == pytest.approx(0.967, abs=0.01)


# -- downloads --------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Serve ``server.content`` under the name of the archive."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(small_fsdd, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.content = [], archive()
    card = small_fsdd / "datasets" / "fsdd.toml"
    address = f'url = "http://127.0.0.1:{server.server_port}/"'
    lines = card.read_text().splitlines()
    lines = [address if line.startswith("url") else line for line in lines]
    card.write_text("\n".join(lines))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetch_takes_any_archive_of_the_same_recordings(server, tmp_path):
    shuffled = dict(sorted(SOUNDS.items(), reverse=True))
    server.content = archive(shuffled, prefix="repository-abc/recordings/")
    folder = fetch("fsdd", progress=False)
    assert folder == tmp_path / "home" / "stdpnet" / "data" / "fsdd"
    assert [path.name for path in folder.iterdir()] == ["v1.0.10.zip"]
    assert len(load_recordings("fsdd", download=False)) == 28
    fetch("fsdd", progress=False)
    assert server.asked == ["/v1.0.10.zip"]


@pytest.mark.parametrize(
    "content",
    [archive({"3_ada_6.wav": SOUNDS["3_ada_6.wav"]}), b"<html>moved</html>"],
    ids=["other sounds", "no archive"],
)
def test_fetch_keeps_nothing_else(content, server, tmp_path):
    server.content = content
    with pytest.raises(
        ValueError, match=r"must have content_sha256 .*nothing was kept"
    ):
        fetch("fsdd", root=tmp_path / "mine", progress=False)
    assert list((tmp_path / "mine" / "fsdd").iterdir()) == []


def test_fetch_leaves_another_archive_alone(server, small_fsdd):
    path = small_fsdd / "fsdd" / "v1.0.10.zip"
    path.write_bytes(archive(**{"1_eve_9.wav": encoded(tone(0))}))
    with pytest.raises(FileExistsError, match=r"v1\.0\.10\.zip exists and is not the"):
        fetch("fsdd", root=small_fsdd, progress=False)
