"""Recordings to data sets of images."""

import numpy as np

from stdpnet.audio.cochleagram import Cochleagram
from stdpnet.audio.front import Front
from stdpnet.audio.recordings import Recordings
from stdpnet.datasets.dataset import Dataset


def from_recordings(recordings: Recordings, front: Front | None = None) -> Dataset:
    """Make a data set of images of recordings.

    Parameters
    ----------
    recordings : Recordings
        As from `load_recordings`; noise and another split can be put in between.
    front : Front, optional
        What makes images of sounds; default is ``Cochleagram()``.

    Returns
    -------
    Dataset
        `X_train` and `X_test` of float32, shape (n, n_rows, n_slices), from 0 to 1.

    Raises
    ------
    ValueError
        If a recording cannot be used, with its name.
    """
    images = recordings.images(front or Cochleagram())
    train, test = (np.flatnonzero(recordings.is_test == part) for part in (False, True))
    return Dataset(
        name=recordings.name,
        X_train=images[train],
        y_train=recordings.labels[train],
        X_test=images[test],
        y_test=recordings.labels[test],
        class_names=recordings.class_names,
        max_value=1.0,
        notes=recordings.notes,
        source=recordings.source,
    )


def default_rate() -> int:
    """Return the sampling rate of the default front end, Hz."""
    return Cochleagram().sampling_rate


def mixed(n: int, seed: int = 0) -> np.ndarray:
    """Return ``0 .. n - 1`` in an order that is the same every time.

    Files come sorted by class, and classes would be learned one after another.
    """
    return np.random.default_rng(seed).permutation(n)
