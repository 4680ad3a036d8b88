"""The user's own arrays and image folders, good and bad."""

import h5py
import numpy as np
import pytest
from PIL import Image

from stdpnet.datasets import DamagedFileError, load_dataset

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, size=(40, 9, 12), dtype=np.uint8)
COLOUR = RNG.random((40, 8, 8, 3)).astype(np.float32)
LABELS = np.repeat([0, 1], 20)
PARTS = {
    "X_train": GREY[:30],
    "y_train": LABELS[:30],
    "X_test": GREY[30:],
    "y_test": LABELS[30:],
}


def save(path, arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for key, array in arrays.items():
                file[key] = array
    return path


@pytest.fixture(params=["data.npz", "data.h5", "data.hdf5"])
def path(request, tmp_path):
    return tmp_path / request.param


def test_given_parts_keep_their_order(path):
    data = load_dataset(save(path, PARTS))
    for key, array in PARTS.items():
        assert np.array_equal(getattr(data, key), array)
    assert (data.name, data.class_names, data.max_value) == ("data", ("0", "1"), 255)
    assert data.source == str(path)


def test_one_array_is_split_by_class(path):
    save(path, {"X": GREY, "y": LABELS})
    data = load_dataset(path, test_fraction=0.25, seed=4)
    assert list(np.bincount(data.y_test)) == [5, 5]
    together = np.concatenate([data.X_train, data.X_test])
    labels = np.concatenate([data.y_train, data.y_test])
    where = [np.flatnonzero((GREY == image).all((1, 2)))[0] for image in together]
    assert sorted(where) == list(range(40))
    assert np.array_equal(LABELS[where], labels)
    again = load_dataset(path, test_fraction=0.25, seed=4)
    assert np.array_equal(data.X_test, again.X_test)


def test_without_labels(path):
    data = load_dataset(save(path, {"X": COLOUR}))
    assert (data.y_train, data.y_test, data.class_names) == (None, None, ())
    assert (data.X_train.shape, data.X_test.shape) == ((32, 8, 8, 3), (8, 8, 8, 3))
    assert (data.X_train.dtype, data.max_value) == (np.float32, 1.0)


def test_floats_beyond_one_set_the_scale(path):
    assert load_dataset(save(path, {"X": COLOUR * 40})).max_value == pytest.approx(
        40 * COLOUR.max()
    )


def test_labels_are_renumbered(path):
    arrays = PARTS | {"y_train": PARTS["y_train"] * 7 + 2, "y_test": np.full(10, 9)}
    data = load_dataset(save(path, arrays))
    assert set(data.y_train) == {0, 1}
    assert set(data.y_test) == {1}
    assert data.class_names == ("2", "9")
    assert data.notes == ("labels 2, 9 were renumbered from 0",)


def test_labels_of_different_types_stay_integers(path):
    types = {"y_train": np.uint64, "y_test": np.int64}
    arrays = PARTS | {key: PARTS[key].astype(kind) for key, kind in types.items()}
    data = load_dataset(save(path, arrays))
    assert data.class_names == ("0", "1")
    assert data.notes == ()


def test_big_endian_arrays_become_native(path):
    data = load_dataset(save(path, {"X": COLOUR.astype(">f4")}))
    assert data.X_train.dtype == np.dtype("=f4")
    assert data.X_train.dtype.isnative


NAN = COLOUR.copy()
NAN[3, 0, 0, :2] = np.nan
NAN[5, 0, 0, 0] = -np.inf

BAD_ARRAYS = {
    "axes": ({"X": GREY[0]}, r"X must have shape \(n, height, width.*got \(9, 12\)"),
    "small": ({"X": GREY[:, :7]}, r"X must hold .* at least 8x8 pixels.*\(40, 7, 12\)"),
    "channels first": ({"X": COLOUR.transpose(0, 3, 1, 2)}, "channels last, got"),
    "no channels": ({"X": COLOUR[..., :0]}, r"got \(40, 8, 8, 0\)"),
    "no images": ({"X": GREY[:0]}, "X must hold at least one image"),
    "type": ({"X": GREY.astype(int)}, "X must be uint8 or float, got int64"),
    "text": ({"X": b"pixels"}, "X must be uint8 or float, got "),
    "number": ({"X": np.float32(3)}, r"X must have shape .*, got \(\)"),
    "nan": ({"X": NAN}, "X must be finite, got 2 NaN and 1 infinite values"),
    "length": (
        {"X": GREY, "y": LABELS[:39]},
        "X part must have one label an image, got 40 images and 39 labels",
    ),
    "float labels": ({"X": GREY, "y": LABELS + 0.5}, "y must hold integers, got float"),
    "label axes": (
        {"X": GREY, "y": LABELS[:, None]},
        r"y must have shape \(n,\), got \(40, 1\)",
    ),
    "key": (
        {"X_train": GREY, "Y_test": LABELS},
        r"unknown key 'Y_test'; known: X, y, .* Did you mean 'y_test'\?",
    ),
    "half": (
        {"X_train": GREY, "y_train": LABELS},
        "must hold X and optionally y, or .*got X_train, y_train",
    ),
    "both": ({"X": GREY, "X_train": GREY, "X_test": GREY}, "got X, X_test, X_train"),
    "nothing": ({}, "got nothing"),
    "unlike": (
        {"X_train": GREY, "X_test": COLOUR},
        "training and test images must be alike",
    ),
    "one image": ({"X": GREY[:1]}, "a split into training and test needs 2 images"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_named(case, path):
    arrays, message = BAD_ARRAYS[case]
    save(path, arrays)
    with pytest.raises(ValueError, match=message) as error:
        load_dataset(path)
    assert path.stem in str(error.value)
    assert "\n" not in str(error.value)


def test_python_objects_are_never_loaded(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, X=np.array([{"a": 1}], dtype=object))
    with pytest.raises(
        ValueError, match=r"objects\.npz must hold plain arrays, got Py"
    ):
        load_dataset(path)


def test_group_instead_of_an_array(tmp_path):
    path = tmp_path / "group.h5"
    with h5py.File(path, "w") as file:
        file["X/deeper"] = GREY
    with pytest.raises(ValueError, match="X must be an array, got a group"):
        load_dataset(path)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_truncated_files_are_named(path, keep):
    data = save(path, PARTS).read_bytes()
    n_bytes = keep if isinstance(keep, int) else int(len(data) * keep)
    path.write_bytes(data[:n_bytes])
    with pytest.raises(
        DamagedFileError, match=rf"data\{path.suffix} must be "
    ) as error:
        load_dataset(path)
    assert "\n" not in str(error.value)


def test_corrupt_member_of_an_npz(tmp_path):
    path = tmp_path / "data.npz"
    np.savez_compressed(path, X=GREY)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match=r"data\.npz must be a readable"):
        load_dataset(path)


def test_npy_under_the_name_of_an_npz(tmp_path):
    path = tmp_path / "data.npz"
    with path.open("wb") as stream:
        np.save(stream, GREY)
    with pytest.raises(DamagedFileError, match=r"must be an \.npz archive"):
        load_dataset(path)


def test_unknown_names_and_paths(tmp_path):
    with pytest.raises(ValueError, match=r"unknown data set 'digit'.*'digits'\?$"):
        load_dataset("digit")
    with pytest.raises(FileNotFoundError, match=r"^no such file or folder: .*gone.npz"):
        load_dataset(tmp_path / "gone.npz")
    (tmp_path / "table.csv").touch()
    with pytest.raises(ValueError, match=r"table\.csv must end in \.npz.*got \.csv"):
        load_dataset(tmp_path / "table.csv")


@pytest.mark.parametrize("fraction", [0, 1.5])
def test_test_fraction_is_checked_for_every_data_set(fraction):
    with pytest.raises(
        ValueError, match=r"^test_fraction must lie between 0 and 1, got"
    ):
        load_dataset("digits", test_fraction=fraction)


def write_images(root, images, classes=("cat", "ant"), suffix=".png"):
    for number, image in enumerate(images):
        folder = root / classes[number % len(classes)]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number:03}{suffix}")
    return root


def test_folder_of_grey_images(tmp_path):
    write_images(tmp_path / "pets", GREY)
    (tmp_path / "pets" / "cat" / "notes.txt").touch()
    (tmp_path / "pets" / ".cache").mkdir()
    data = load_dataset(tmp_path / "pets", test_fraction=0.25)
    assert (data.name, data.class_names) == ("pets", ("ant", "cat"))
    assert (data.X_train.shape, data.X_test.shape) == ((30, 9, 12), (10, 9, 12))
    for images, labels in ((data.X_train, data.y_train), (data.X_test, data.y_test)):
        for image, label in zip(images, labels, strict=True):
            number = np.flatnonzero((GREY == image).all((1, 2)))[0]
            assert label == (number + 1) % 2


def test_folder_with_train_and_test(tmp_path):
    colour = (COLOUR * 255).astype(np.uint8)
    write_images(tmp_path / "train", colour[:30])
    write_images(tmp_path / "test", colour[30:], suffix=".bmp")
    data = load_dataset(str(tmp_path))
    assert (data.X_train.shape, data.X_test.shape) == ((30, 8, 8, 3), (10, 8, 8, 3))
    assert data.max_value == 255
    found = {image.tobytes() for image in data.X_test}
    assert found == {image.tobytes() for image in colour[30:]}
    assert len(set(data.y_train[:8])) == 2


def _damaged(folder):
    path = folder / "cat" / "000.png"
    path.write_bytes(path.read_bytes()[:60])


def _other_size(folder):
    Image.fromarray(GREY[0, :8, :8]).save(folder / "cat" / "zzz.png")


def _colour_among_grey(folder):
    picture = np.zeros((9, 12, 3), np.uint8)
    Image.fromarray(picture).save(folder / "cat" / "zzz.png")


def _transparent(folder):
    picture = np.zeros((9, 12, 4), np.uint8)
    Image.fromarray(picture).save(folder / "cat" / "zzz.png")


def _only_train(folder):
    folder.joinpath("cat").rename(folder / "train")


def _emptied(folder):
    for path in folder.rglob("*.png"):
        path.unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_damaged, r"000\.png must be a readable image, got an error"),
        (
            _other_size,
            r"zzz\.png must have shape \(9, 12\) like .*001\.png, got \(8, 8\)",
        ),
        (_colour_among_grey, r"zzz\.png must have shape \(9, 12\) .*got \(9, 12, 3\)"),
        (_transparent, r"zzz\.png must be grey or RGB .*got mode RGBA; convert it"),
        (_only_train, r"pets must have both train/ and test/, got no test/"),
        (_emptied, r"pets must hold images \(\.png, .*got none"),
    ],
)
def test_bad_folders_are_named(change, message, tmp_path):
    folder = write_images(tmp_path / "pets", GREY[:6])
    change(folder)
    with pytest.raises(ValueError, match=message):
        load_dataset(folder)


def test_folder_without_classes(tmp_path):
    with pytest.raises(ValueError, match="must hold one folder of images a class"):
        load_dataset(tmp_path)
