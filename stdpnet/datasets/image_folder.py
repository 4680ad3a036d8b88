"""Reader of the user's own images, one folder a class."""

from pathlib import Path

import numpy as np

from stdpnet.datasets.checks import check_images, full_scale
from stdpnet.datasets.dataset import Dataset
from stdpnet.datasets.files import DamagedFileError
from stdpnet.datasets.splitting import split_indices

SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".webp",
    ".pgm",
    ".ppm",
)
_MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}
_PARTS = ("train", "test")

Labelled = tuple[np.ndarray, np.ndarray]


def load_image_folder(path: Path, *, test_fraction: float, seed: int) -> Dataset:
    """Load a data set from a folder of images per class.

    The class folders lie in `path` itself, and are then split, or in its
    subfolders `train` and `test`. Classes are numbered in the order of their
    names. Images come in random order, because a folder has none of its own
    and sorted classes would be learned one after another.

    Parameters
    ----------
    path : pathlib.Path
        Folder of folders with grey or RGB images of one size.
    test_fraction : float
        Share of the test set, if there is a split to make.
    seed : int
        Seed of the split and of the order.

    Returns
    -------
    Dataset
        X of shape (n, height, width) for grey images, with a last axis of
        three channels for colour.

    Raises
    ------
    ValueError
        If a file is damaged or unlike the first one, or there are no images.
    """
    if any((path / part).is_dir() for part in _PARTS):
        train, test, names = _load_parts(path, seed)
    else:
        names = _class_names([path])
        images, labels = _read_classes(path, names)
        indices = split_indices(
            len(images), labels, test_fraction=test_fraction, seed=seed
        )
        train, test = ((images[i], labels[i]) for i in indices)
    return Dataset(
        name=path.resolve().name,
        X_train=train[0],
        y_train=train[1],
        X_test=test[0],
        y_test=test[1],
        class_names=names,
        max_value=full_scale(train[0]),
        source=str(path.absolute()),
    )


def _load_parts(path: Path, seed: int) -> tuple[Labelled, Labelled, tuple[str, ...]]:
    roots = [path / part for part in _PARTS]
    for root in roots:
        if not root.is_dir():
            raise ValueError(
                f"{path} must have both train/ and test/, got no {root.name}/; "
                "add it, or put the class folders into one folder"
            )
    names = _class_names(roots)
    rng = np.random.default_rng(seed)
    train, test = (_shuffle(_read_classes(root, names), rng) for root in roots)
    return train, test, names


def _shuffle(part: Labelled, rng: np.random.Generator) -> Labelled:
    order = rng.permutation(len(part[0]))
    return part[0][order], part[1][order]


def _class_names(roots: list[Path]) -> tuple[str, ...]:
    names = {
        folder.name
        for root in roots
        for folder in root.iterdir()
        if folder.is_dir() and not folder.name.startswith(".")
    }
    if not names:
        raise ValueError(f"{roots[0]} must hold one folder of images a class, got none")
    return tuple(sorted(names))


def _image_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def _read_classes(root: Path, names: tuple[str, ...]) -> Labelled:
    paths = [_image_paths(root / name) for name in names]
    images: list[np.ndarray] = []
    first: Path | None = None
    for path in (path for of_class in paths for path in of_class):
        first = first or path
        images.append(_read_image(path))
        if images[-1].shape != images[0].shape:
            raise ValueError(
                f"{path} must have shape {images[0].shape} like {first}, "
                f"got {images[-1].shape}; resize or convert it"
            )
    if not images:
        raise ValueError(
            f"{root} must hold images ({', '.join(SUFFIXES)}) or sounds in its class "
            "folders, got none"
        )
    labels = np.repeat(np.arange(len(names)), [len(of_class) for of_class in paths])
    return check_images(str(root), np.stack(images)), labels.astype(np.int64)


def _read_image(path: Path) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode not in _MODES:
                raise ValueError(
                    f"{path} must be grey or RGB with 8 bits a channel, "
                    f"got mode {image.mode}; convert it"
                )
            return np.asarray(image.convert(_MODES[image.mode]))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DamagedFileError(
            f"{path} must be a readable image, got an error: {error}; "
            "replace or remove it"
        ) from None
