"""Data sets of sounds: TI46, folders of one's own, made digits; one door to all."""

import io
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile
from PIL import Image

from stdpnet import load_dataset
from stdpnet.audio import Cochleagram
from stdpnet.datasets import (
    DamagedFileError,
    check,
    fetch,
    list_datasets,
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


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """No data anywhere, and a cache of our own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STDPNET_DATA", raising=False)


# -- TI46 -------------------------------------------------------------------------


@pytest.fixture
def ti46(tmp_path):
    """Two speakers, two digits and another word; two takes to train, one to test."""
    takes = {"TRAIN": ("SET0", "SET1"), "TEST": ("S1T0",)}
    for part, codes in takes.items():
        for number, speaker in enumerate(("F1", "M3")):
            folder = tmp_path / "TI20" / part / speaker
            folder.mkdir(parents=True)
            for word in ("00", "07", "GO"):
                for code in codes:
                    sound = encoded(
                        tone(number, 12500), 12500, "NIST", subtype="PCM_16"
                    )
                    (folder / f"{word}{speaker}{code}.WAV").write_bytes(sound)
    return tmp_path


def test_ti46_digits_in_sphere_files(ti46):
    recordings = load_recordings("ti46", root=ti46)
    assert (len(recordings), recordings.rate) == (12, 8000)
    assert set(map(len, recordings.waveforms)) == {1600}
    assert Counter(recordings.labels.tolist()) == {0: 6, 7: 6}
    assert set(recordings.speakers) == {"F1", "M3"}
    for name, is_test in zip(recordings.names, recordings.is_test, strict=True):
        assert ("/TEST/" in name) == is_test
    data = load_dataset("ti46", root=ti46, front=SMALL)
    assert (len(data.X_train), len(data.X_test)) == (8, 4)
    assert [c.status for c in check("ti46", root=ti46)] == ["present", "present"]
    own_rate = load_recordings("ti46", root=ti46, rate=12500)
    assert set(map(len, own_rate.waveforms)) == {2500}


def test_ti46_in_small_letters(ti46, tmp_path):
    for path in sorted((tmp_path / "TI20").rglob("*"), reverse=True):
        path.rename(path.with_name(path.name.lower()))
    (tmp_path / "TI20").rename(tmp_path / "ti20")
    assert len(load_recordings("ti46", root=tmp_path)) == 12


def test_ti46_is_never_downloaded(tmp_path):
    told = r"LDC93S9\) and is never downloaded; name the folder .*--data DIR"
    with pytest.raises(FileNotFoundError, match=rf"^ti46: no copy in .*{told}"):
        load_dataset("ti46", root=tmp_path)
    with pytest.raises(ValueError, match=rf"^ti46 cannot be downloaded\. .*{told}"):
        fetch("ti46")


def test_half_of_ti46(ti46):
    shutil.rmtree(ti46 / "TI20" / "TEST")
    with pytest.raises(
        FileNotFoundError, match=r"^ti46: no such file in .*: TEST\. TI46"
    ):
        load_recordings("ti46", root=ti46)
    assert [c.status for c in check("ti46", root=ti46)] == ["present", "missing"]


def test_ti46_without_digits(ti46):
    for path in (ti46 / "TI20" / "TEST").rglob("0*.WAV"):
        path.unlink()
    with pytest.raises(
        DamagedFileError, match=r"TEST must hold recordings named like F1/"
    ):
        load_recordings("ti46", root=ti46)
    assert [c.status for c in check("ti46", root=ti46)] == ["present", "damaged"]


# -- folders of one's own ---------------------------------------------------------


def write_folder(root, classes=("yes", "no"), n=6, kind="wav", rate=RATE, voices=()):
    for label, name in enumerate(classes):
        for number in range(n):
            folder = root / name / (voices[number % len(voices)] if voices else "")
            folder.mkdir(parents=True, exist_ok=True)
            sound = encoded(tone(40 * label + number, rate), rate, kind.upper())
            (folder / f"{number}.{kind}").write_bytes(sound)
    return root


@pytest.mark.parametrize(
    ("kind", "rate"), [("wav", 44100), ("flac", 16000), ("ogg", 8000)]
)
def test_a_folder_a_class(kind, rate, tmp_path):
    folder = write_folder(tmp_path / "words", kind=kind, rate=rate)
    data = load_dataset(folder, test_fraction=1 / 3, front=SMALL)
    assert (data.name, data.class_names) == ("words", ("no", "yes"))
    assert (data.X_train.shape, data.X_test.shape) == ((8, 10, 8), (4, 10, 8))
    assert list(np.bincount(data.y_test)) == [2, 2]
    recordings = load_recordings(folder)
    assert {len(wave) for wave in recordings.waveforms} == {1600}
    assert recordings.speakers == ()


def test_no_recording_is_in_both_parts(tmp_path):
    folder = write_folder(tmp_path / "words")
    for seed in range(3):
        recordings = load_recordings(folder, seed=seed)
        names = np.array(recordings.names)
        train, test = set(names[~recordings.is_test]), set(names[recordings.is_test])
        assert not train & test
        assert len(train | test) == 12
    again = load_recordings(folder, seed=2)
    assert again.names == recordings.names


def test_folders_of_train_and_test(tmp_path):
    write_folder(tmp_path / "words" / "train")
    write_folder(tmp_path / "words" / "test", classes=("yes",), n=2)
    recordings = load_recordings(tmp_path / "words")
    assert recordings.class_names == ("no", "yes")
    for name, is_test in zip(recordings.names, recordings.is_test, strict=True):
        assert ("/test/" in name) == is_test
    assert recordings.is_test.sum() == 2


def test_folders_of_speakers(tmp_path):
    folder = write_folder(tmp_path / "words", voices=("ada", "bob", "eve"))
    recordings = load_recordings(folder, split="speaker", test_fraction=0.3)
    voices = np.array(recordings.speakers)
    assert len(set(voices[recordings.is_test])) == 1
    assert not set(voices[recordings.is_test]) & set(voices[~recordings.is_test])


def _empty_class(folder):
    (folder / "maybe").mkdir()


def _damaged(folder):
    (folder / "no" / "0.wav").write_bytes(b"RIFF")


def _silent(folder):
    (folder / "no" / "0.wav").write_bytes(encoded(np.zeros(800)))


def _picture(folder):
    Image.new("L", (9, 9)).save(folder / "no" / "cover.png")


def _only_train(folder):
    folder.joinpath("no").rename(folder / "train")


def _one_each(folder):
    for path in folder.rglob("[1-9].wav"):
        path.unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _empty_class,
            r"maybe must hold sounds \(\.wav, \.flac, \.ogg\), got none; add",
        ),
        (_damaged, r"0\.wav must be (whole|a readable WAV)"),
        (_silent, r"0\.wav must hold sound, got only silence"),
        (
            _picture,
            r"words must hold either images or sounds, got both \(\.png, \.wav\)",
        ),
        (_only_train, r"words must have both train/ and test/, got no test/"),
        (_one_each, r"words: a split by class needs a class with at least 2"),
    ],
)
def test_bad_folders_are_named(change, message, tmp_path):
    folder = write_folder(tmp_path / "words")
    change(folder)
    with pytest.raises(ValueError, match=message) as error:
        load_dataset(folder)
    assert "\n" not in str(error.value)


def test_a_folder_without_files(tmp_path):
    (tmp_path / "words" / "yes").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"must hold images .* or sounds .*, got none"):
        load_dataset(tmp_path / "words")


def test_files_beside_the_classes(tmp_path):
    (tmp_path / "a.wav").write_bytes(encoded(tone(1)))
    with pytest.raises(
        ValueError, match="must hold one folder of sounds a class, got n"
    ):
        load_dataset(tmp_path)


# -- one door ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name_or_path": "fsd"}, "unknown data set 'fsd'.*Did you mean 'fsdd'"),
        ({"name_or_path": "mnist"}, "mnist must be sounds with a name, or a folder"),
        ({"split": "word"}, "split must be one of 'recording', 'speaker', got 'word'"),
        ({"rate": 7}, "rate must be a whole number of Hz from 1000"),
        ({"test_fraction": 1}, "test_fraction must lie between 0 and 1, got 1"),
    ],
)
def test_recordings_that_cannot_be_loaded(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_recordings(**{"name_or_path": "synthetic-digits", **arguments})


@pytest.mark.parametrize("arguments", [{"front": SMALL}, {"split": "speaker"}])
def test_images_take_no_front(arguments):
    with pytest.raises(
        ValueError, match=r"^front and split are for sounds, and digits"
    ):
        load_dataset("digits", **arguments)


def test_synthetic_digits_are_always_there():
    recordings = load_recordings("synthetic-digits")
    assert (int((~recordings.is_test).sum()), int(recordings.is_test.sum())) == (
        1000,
        300,
    )
    assert list(np.bincount(recordings.labels[recordings.is_test])) == [30] * 10
    assert [c.status for c in check("synthetic-digits")] == ["ok"]
    sources = {entry.name: entry.source for entry in list_datasets()}
    assert (sources["synthetic-digits"], sources["ti46"]) == ("embedded", None)
    with pytest.raises(ValueError, match="synthetic-digits is embedded; there is noth"):
        fetch("synthetic-digits")
