"""Published formats: IDX written by a ten-line writer, and the real files."""

import gzip
import lzma
import os
import shutil
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest

from stdpnet.catalog import card_names
from stdpnet.datasets import (
    DamagedFileError,
    DataWarning,
    check,
    list_datasets,
    load_card,
    load_dataset,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, size=(30, 28, 28), dtype=np.uint8)
LABELS = (np.arange(30) % 10).astype(np.uint8)
TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"


def idx_bytes(array, *, kind=8):
    header = struct.pack(">BBBB", 0, 0, kind, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(path, array, **options):
    path.write_bytes(gzip.compress(idx_bytes(array, **options), mtime=0))


def write_mnist(folder, n_test=10):
    folder.mkdir(parents=True)
    write_idx(folder / TRAIN_IMAGES, IMAGES)
    write_idx(folder / TRAIN_LABELS, LABELS)
    write_idx(folder / "t10k-images-idx3-ubyte.gz", IMAGES[:n_test])
    write_idx(folder / TEST_LABELS, LABELS[:n_test])
    return folder


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """No data anywhere, and a cache of our own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STDPNET_DATA", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def shared():
    folder = os.environ.get("STDPNET_DATA")
    if not folder:
        pytest.skip("STDPNET_DATA is not set: no real data sets")
    return Path(folder).resolve()


def test_idx_round_trip_with_one_warning(tmp_path):
    write_mnist(tmp_path / "mnist")
    with pytest.warns(DataWarning, match=r"^mnist: not the original bytes: ") as caught:
        data = load_dataset("mnist", root=tmp_path)
    assert len(caught) == 1
    assert np.array_equal(data.X_train, IMAGES)
    assert np.array_equal(data.y_train, LABELS)
    assert data.y_train.dtype == np.int64
    assert np.array_equal(data.X_test, IMAGES[:10])
    assert (data.max_value, data.class_names[3]) == (255, "3")


@pytest.mark.filterwarnings("ignore::stdpnet.datasets.DataWarning")
def test_search_order(tmp_path, monkeypatch):
    for n_test, folder in enumerate(["home/stdpnet/data", "variable", "root"], start=1):
        write_mnist(tmp_path / folder / "mnist", n_test)

    assert len(load_dataset("mnist").X_test) == 1
    monkeypatch.setenv("STDPNET_DATA", str(tmp_path / "variable"))
    assert len(load_dataset("mnist").X_test) == 2
    data = load_dataset("mnist", root=tmp_path / "root")
    assert len(data.X_test) == 3
    assert data.source == str(tmp_path / "root" / "mnist")


@pytest.mark.filterwarnings("ignore::stdpnet.datasets.DataWarning")
def test_root_may_hold_the_files_directly(tmp_path):
    folder = write_mnist(tmp_path / "anything")
    assert len(load_dataset("mnist", root=folder).X_train) == 30


def test_missing_data_says_what_to_do(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=r"^mnist: no copy in .*Run 'stdpnet data fetch mnist'.*--data DIR or \$STD",
    ):
        load_dataset("mnist", root=tmp_path, download=False)


def test_incomplete_copy_names_the_file(tmp_path):
    (write_mnist(tmp_path / "mnist") / TEST_LABELS).unlink()
    with pytest.raises(
        FileNotFoundError, match=rf"mnist: no such file in .*: {TEST_LABELS}\. Run"
    ):
        load_dataset("mnist", root=tmp_path, download=False)


def test_root_that_does_not_exist(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"^data folder must be .* got .*nope"):
        load_dataset("mnist", root=tmp_path / "nope")
    monkeypatch.setenv("STDPNET_DATA", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match=r"^\$STDPNET_DATA must be .*gone"):
        load_dataset("mnist")


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def _not_gzip(path):
    path.write_bytes(b"<html>moved</html>")


def _labels_instead(path):
    write_idx(path, LABELS)


def _float_type(path):
    write_idx(path, IMAGES, kind=13)


def _wrong_length(path):
    path.write_bytes(gzip.compress(idx_bytes(IMAGES)[:-5]))


def _wrong_size(path):
    write_idx(path, IMAGES[:, :20, :20])


def _empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, "must be a whole .gz file, got a truncated one"),
        (_empty, "must be a whole .gz file, got a truncated one"),
        (_not_gzip, "must be a valid .gz file, got an error"),
        (_labels_instead, r"must be IDX with 3 axes \(magic 0x00000803\), got 0x0+801"),
        (_float_type, "must be IDX with 3 axes .*, got 0x00000d03"),
        (_wrong_length, r"must hold 23520 values as its header .*, got 23515"),
        (_wrong_size, r"must hold images of shape \(28, 28\), got \(20, 20\)"),
    ],
)
def test_damaged_images_are_named(damage, message, tmp_path):
    path = write_mnist(tmp_path / "mnist") / TRAIN_IMAGES
    damage(path)
    with pytest.raises(DamagedFileError, match=rf"{TRAIN_IMAGES} {message}"):
        load_dataset("mnist", root=tmp_path, download=False)
    report = {c.name: c for c in check("mnist", root=tmp_path)}
    assert report[TRAIN_IMAGES].status == "damaged"
    assert TRAIN_IMAGES in report[TRAIN_IMAGES].message
    assert report[TRAIN_LABELS].status == "differs"


def test_label_out_of_range_is_named(tmp_path):
    labels = LABELS.copy()
    labels[7] = 12
    write_idx(write_mnist(tmp_path / "mnist") / TRAIN_LABELS, labels)
    with pytest.raises(
        DamagedFileError, match=rf"{TRAIN_LABELS}: labels .* 0\.\.9, got 12 at record 7"
    ):
        load_dataset("mnist", root=tmp_path)


def test_numbers_of_images_and_labels_must_agree(tmp_path):
    write_idx(write_mnist(tmp_path / "mnist") / TRAIN_LABELS, LABELS[:29])
    with pytest.raises(ValueError, match="got 30 images and 29 labels"):
        load_dataset("mnist", root=tmp_path)


def test_several_gzip_streams_in_a_row(tmp_path):
    path = write_mnist(tmp_path / "mnist") / TRAIN_IMAGES
    data = idx_bytes(IMAGES)
    path.write_bytes(gzip.compress(data[:999]) + gzip.compress(data[999:]))
    with pytest.warns(DataWarning, match="not the original"):
        assert np.array_equal(load_dataset("mnist", root=tmp_path).X_train, IMAGES)


def test_check_reports_missing_files(tmp_path):
    (write_mnist(tmp_path / "mnist") / TEST_LABELS).unlink()
    statuses = {c.name: c.status for c in check("mnist", root=tmp_path)}
    assert statuses.pop(TEST_LABELS) == "missing"
    assert set(statuses.values()) == {"differs"}
    assert {c.status for c in check("fashion-mnist")} == {"missing"}


def test_digits_are_always_there():
    data = load_dataset("digits", seed=9)
    again = load_dataset("digits", seed=0, test_fraction=0.5)
    assert (len(data.X_train), len(data.X_test)) == (1438, 359)
    assert np.array_equal(data.y_test, again.y_test)
    assert (data.X_train.dtype, data.X_train.max(), data.max_value) == ("uint8", 16, 16)
    # Class counts as scikit-learn and UCI document them.
    counts = np.bincount(data.y_train) + np.bincount(data.y_test)
    assert list(counts) == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.abs(np.bincount(data.y_test) - counts / 5).max() < 1
    assert [c.status for c in check("digits")] == ["ok"]


def test_list_says_where_data_are(tmp_path):
    write_mnist(tmp_path / "mnist")
    sources = {item.name: item.source for item in list_datasets(root=tmp_path)}
    assert set(sources) == set(card_names())
    assert sources["digits"] == "embedded"
    assert sources["mnist"] == str(tmp_path / "mnist")
    assert sources["fashion-mnist"] is None


@pytest.fixture
def real_mnist(shared):
    if not (shared / "mnist" / TRAIN_IMAGES).is_file():
        pytest.skip("no mnist/ in STDPNET_DATA")
    return shared


def test_real_mnist_is_the_original(real_mnist):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load_dataset("mnist", root=real_mnist, download=False)
    assert (data.X_train.shape, data.X_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert list(np.bincount(data.y_train)) == train
    assert list(np.bincount(data.y_test)) == test
    assert {c.status for c in check("mnist", root=real_mnist)} == {"ok"}


def test_files_of_another_data_set_are_refused(real_mnist, tmp_path):
    shutil.copytree(real_mnist / "mnist", tmp_path / "fashion-mnist")
    with pytest.raises(
        DamagedFileError, match=r"must be a file of fashion-mnist, got that of mnist"
    ):
        load_dataset("fashion-mnist", root=tmp_path, download=False)
    with pytest.raises(FileNotFoundError, match="fashion-mnist: no copy"):
        load_dataset("fashion-mnist", root=real_mnist / "mnist", download=False)


def test_real_cifar_batch(shared):
    path = shared / "cifar10" / "cifar-10-batches-bin" / "test_batch.bin.xz"
    if not path.is_file():
        pytest.skip(f"no {path.name} in STDPNET_DATA")
    from stdpnet.datasets.cifar import decode_batch

    images, labels = decode_batch("test", lzma.decompress(path.read_bytes()))
    assert list(np.bincount(labels)) == [1000] * 10
    assert images.shape == (10000, 32, 32, 3)


@pytest.mark.slow
def test_real_cifar10(shared):
    if not (shared / "cifar10" / "jpeg_filled_records.txt").is_file():
        pytest.skip("STDPNET_DATA has no list of replaced CIFAR-10 records")
    with pytest.warns(DataWarning, match="104 of 60000 records come from a JPEG copy"):
        data = load_dataset("cifar10", root=shared, download=False)
    card = load_card("cifar10")
    assert data.X_train.shape == (card.n_train, *card.image_shape)
    assert data.X_test.shape == (card.n_test, *card.image_shape)
    assert list(np.bincount(data.y_train)) == [5000] * 10
    assert list(np.bincount(data.y_test)) == [1000] * 10
    # Published channel statistics of the training set.
    mean = data.X_train.mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=5e-5)
    assert (len(data.irregular_train), len(data.irregular_test)) == (81, 23)
    assert set(data.y_train[data.irregular_train]) <= {7, 8}
