"""CIFAR-10 in every form it may have, from batches made by a formula."""

import gzip
import hashlib
import io
import lzma
import shutil
import tarfile

import numpy as np
import pytest

from stdpnet import catalog
from stdpnet.datasets import DamagedFileError, DataWarning, check, load_dataset

NAMES = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
ARCHIVE = "cifar-10-binary.tar.gz"
LIST = "jpeg_filled_records.txt"


def batch_bytes(number):
    """Record i has the label (i + number) % 10; record 7 has countable pixels."""
    records = np.zeros((10000, 3073), np.uint8)
    records[:, 0] = (np.arange(10000) + number) % 10
    records[7, 1:] = np.arange(3072) % 251
    return records.tobytes()


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar") / "cifar-10-batches-bin"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(batch_bytes(number))
    return folder


@pytest.fixture
def root(originals, tmp_path, monkeypatch):
    """A root with plain batches, as links to save time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STDPNET_DATA", raising=False)
    folder = tmp_path / "cifar10" / originals.name
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / name).symlink_to(originals / name)
    return tmp_path


def _load(root):
    return load_dataset("cifar10", root=root, download=False)


def _check_content(data):
    assert data.X_train.shape == (50000, 32, 32, 3)
    assert data.X_test.shape == (10000, 32, 32, 3)
    expected = np.concatenate([(np.arange(10000) + k) % 10 for k in range(5)])
    assert np.array_equal(data.y_train, expected)
    assert np.array_equal(data.y_test, (np.arange(10000) + 5) % 10)
    row, column, channel = np.indices((32, 32, 3))
    picture = (1024 * channel + 32 * row + column) % 251
    for images, record in ((data.X_train, 10007), (data.X_test, 7)):
        assert np.array_equal(images[record], picture)
        assert images[record + 1].max() == 0


def test_plain_batches_give_no_warning(root):
    _check_content(_load(root))
    assert {c.status for c in check("cifar10", root=root)} == {"present"}


def test_compressed_batches_beside_plain_ones(root, originals):
    folder = root / "cifar10" / originals.name
    for name, compress in (("data_batch_2.bin", gzip), ("test_batch.bin", lzma)):
        suffix = {gzip: ".gz", lzma: ".xz"}[compress]
        preset = {"compresslevel": 1} if compress is gzip else {"preset": 0}
        data = compress.compress((originals / name).read_bytes(), **preset)
        (folder / name).unlink()
        (folder / f"{name}{suffix}").write_bytes(data)
    _check_content(_load(root))


def test_batches_directly_in_the_root(originals, root):
    assert _load(originals).source == str(originals)


def _write_archive(path, folder, names=NAMES):
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name in names:
            archive.add(folder / name, f"cifar-10-batches-bin/{name}")


def _card_with_digest_of(path, root, monkeypatch):
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    text = catalog.card_path("cifar10").read_text()
    (root / "datasets").mkdir()
    card = root / "datasets" / "cifar10.toml"
    card.write_text(text.replace("c32a1d4ab5d03f1284b67883e8d87530", digest))
    monkeypatch.setattr(catalog, "catalog_root", lambda: root)


def test_archive_with_the_right_digest_gives_no_warning(root, originals, monkeypatch):
    shutil.rmtree(root / "cifar10" / originals.name)
    path = root / "cifar10" / ARCHIVE
    _write_archive(path, originals)
    _card_with_digest_of(path, root, monkeypatch)
    _check_content(_load(root))
    assert [(c.name, c.status) for c in check("cifar10", root=root)] == [
        (ARCHIVE, "ok")
    ]


def test_damaged_archives_are_named(root, originals):
    shutil.rmtree(root / "cifar10" / originals.name)
    path = root / "cifar10" / ARCHIVE
    _write_archive(path, originals, NAMES[:1])
    with pytest.raises(DamagedFileError, match=rf"{ARCHIVE} must hold 6 batches, got"):
        _load(root)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DamagedFileError, match=rf"{ARCHIVE} must be a whole .tar.gz"):
        _load(root)
    assert [c.status for c in check("cifar10", root=root)] == ["damaged"]


def test_archive_with_a_short_batch(root, originals):
    shutil.rmtree(root / "cifar10" / originals.name)
    path = root / "cifar10" / ARCHIVE
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"12345"))
    with pytest.raises(
        DamagedFileError, match=r"test_batch.bin must hold 30730000 bytes, got 5"
    ):
        _load(root)


def _replace(root, originals, data):
    path = root / "cifar10" / originals.name / "data_batch_3.bin"
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize("extra", [-1, 1])
def test_batch_of_a_wrong_length(root, originals, extra):
    data = batch_bytes(2)
    _replace(root, originals, data[:-1] if extra < 0 else data + b"x")
    with pytest.raises(
        DamagedFileError, match=r"data_batch_3\.bin must hold .*30730000 bytes, got"
    ):
        _load(root)


def test_batch_with_a_wrong_label(root, originals):
    data = bytearray(batch_bytes(2))
    data[3073 * 4] = 10
    _replace(root, originals, bytes(data))
    with pytest.raises(
        DamagedFileError, match=r"data_batch_3\.bin: labels .*, got 10 at record 4"
    ):
        _load(root)
    statuses = [c.status for c in check("cifar10", root=root)]
    assert statuses == ["present", "present", "damaged", *["present"] * 3]


def test_missing_batch_is_named(root, originals):
    (root / "cifar10" / originals.name / "data_batch_3.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"no such file .*: data_batch_3\.bin"):
        _load(root)


def test_replaced_records_are_listed(root):
    lines = ["# a comment", "data_batch_3.bin 7 9", "test_batch.bin 12 7"]
    (root / "cifar10" / LIST).write_text("\n".join(lines))
    with pytest.warns(DataWarning, match="not the original bytes: 2 of 60000 records"):
        data = _load(root)
    assert list(data.irregular_train) == [20007]
    assert list(data.irregular_test) == [12]
    statuses = [c.status for c in check("cifar10", root=root)]
    assert statuses == [
        "present",
        "present",
        "differs",
        "present",
        "present",
        "differs",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("data_batch_3.bin 7 8", "data_batch_3.bin 7 must have label 9 .*, got 8"),
        ("data_batch_3.bin 10000 9", "line 1 must be a batch, a record 0..9999"),
        ("data_batch_3.bin seven 9", "line 1 must be .*, got 'data_batch_3.bin seven"),
        ("data_batch_9.bin 7 9", "line 1: unknown batch 'data_batch_9.bin'"),
    ],
)
def test_bad_list_is_named(line, message, root):
    (root / "cifar10" / LIST).write_text(line)
    with pytest.raises(DamagedFileError, match=rf"{LIST}: {message}"):
        _load(root)
