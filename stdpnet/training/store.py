"""Features of a run on disk: computed part by part, never in memory as a whole."""

import json
import shutil
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stdpnet.estimators.learning import added
from stdpnet.estimators.show import track
from stdpnet.runs import writing_hdf5
from stdpnet.training.scoring import Features, features_of

#: Images of a part, about; rounded to whole chunks of the estimators.
PART = 2000
#: Bytes of a compressed piece of the file, about.
PIECE = 2**20


class FeatureStore:
    """A folder with features of a run, as files that appear when they are complete.

    Parts that are finished are kept until all are: what is interrupted goes on.

    Parameters
    ----------
    folder : Path
        Made when it is needed. For each set of images a file ``NAME.h5``: ``counts``,
        shape (n, n_features), and ``spikes``, shape (n, n_maps).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def features(
        self, name: str, banks: dict[str, Any], images: np.ndarray, text: str
    ) -> Features:
        """Return features whose counts stay on disk; compute what is missing."""
        path = self.folder / f"{name}.h5"
        if not path.exists():
            parts = self.folder / f".{name}.parts"
            for _ in self._compute(parts, banks, images, text):
                pass
            _join(sorted(parts.glob("*.h5")), path)
            shutil.rmtree(parts)
        return self.kept(name)

    def kept(self, name: str) -> Features:
        """Return features of a file that is complete."""
        file = h5py.File(self.folder / f"{name}.h5", "r")
        events = json.loads(file.attrs["events"])
        return Features(file["counts"], file["spikes"][()], events)

    def _compute(
        self, parts: Path, banks: dict[str, Any], images: np.ndarray, text: str
    ) -> Iterator[int]:
        parts.mkdir(parents=True, exist_ok=True)
        tops = [bank.top_ for bank in banks.values()]
        chunk = int(np.lcm.reduce([top.chunk_size for top in tops]))
        size = chunk * max(1, round(PART / chunk))
        starts = range(0, len(images), size)
        visible = any(top.verbose for top in tops)
        for start in track(starts, len(starts), f"{text}, parts", visible):
            path = parts / f"{start:09d}.h5"
            if not path.exists():
                shown = images[start : start + size]
                _write(path, features_of(banks, shown, "", first=start, visible=False))
            yield start


def _write(path: Path, found: Features) -> None:
    with writing_hdf5(path) as file:
        file["counts"], file["spikes"] = found.counts, found.spikes
        file.attrs["events"] = json.dumps(found.events)


def _join(parts: list[Path], path: Path) -> None:
    """Put all parts into one file, which appears when it is complete."""
    partial, events = path.with_name(f".{path.name}.partial"), []
    with h5py.File(partial, "w") as file:
        start = 0
        for part in parts:
            with h5py.File(part) as of:
                for name in ("counts", "spikes"):
                    _append(file, name, of[name][()], start)
                start += len(of["counts"])
                events.append(json.loads(of.attrs["events"]))
        file.attrs["events"] = json.dumps(
            {bank: reduce(added, (one[bank] for one in events)) for bank in events[0]}
        )
    partial.replace(path)


def _append(file: h5py.File, name: str, rows: np.ndarray, start: int) -> None:
    if name not in file:
        width = rows.shape[1]
        piece = max(1, min(len(rows), PIECE // (width * rows.itemsize)))
        file.create_dataset(
            name,
            (0, width),
            rows.dtype,
            maxshape=(None, width),
            chunks=(piece, width),
            compression="gzip",
            compression_opts=1,
        )
    file[name].resize(start + len(rows), axis=0)
    file[name][start:] = rows
