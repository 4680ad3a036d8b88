"""Features of more images than fit into memory, shard by shard, on any number of workers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stdpnet.analysis import Run
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.multimodal import MultimodalSTDP
from stdpnet.shards.parts import Parts
from stdpnet.shards.sources import Source
from stdpnet.training import load_banks
from stdpnet.training.scoring import features_of

#: Images of a shard, about; rounded to whole chunks of the estimators.
SHARD = 2000
Watcher = Callable[[int, int], None]


def shard_size(banks: dict[str, Learner], about: int = SHARD) -> int:
    """Return a number of images that is whole chunks of every bank.

    Seeds of random spikes belong to chunks: features are then those that `transform` of
    all images at once returns.
    """
    step = int(np.lcm.reduce([bank.chunk_size for bank in banks.values()]))
    return max(1, round(about / step)) * step


def write_features(
    run: Run,
    source: Source,
    out: Path,
    client: Any,
    *,
    labels: Source | None = None,
    size: int = SHARD,
    watch: Watcher | None = None,
) -> Path:
    """Write the features of all images of a source to an HDF5 file.

    Shards that are finished are kept beside it until all are: the same call goes on
    after an interruption.

    Parameters
    ----------
    run : Run
        A finished run; its banks stand side by side in the features.
    source : Source
        Images of the shape that the run learned from.
    out : Path
        File to write, replaced if it exists: ``features``, shape (n, n_features), and
        ``y`` if there are labels.
    client : distributed.Client
        Of the workers.
    labels : Source, optional
        Labels of the images, copied.
    size : int
        Images of a shard, about.
    watch : callable, optional
        Called with the images done and those in all.

    Raises
    ------
    ValueError
        If the images have another shape than those of the run.
    """
    banks = load_banks(run)
    check_source(run, banks, source)
    size = shard_size(banks, size)
    parts = Parts(out.with_name(f".{out.name}.parts"), identity(run, source, size))
    shards = source.shards(size)
    for done in parts.compute(client, features_of_shard, banks, shards):
        if watch is not None:
            watch(done, len(source))
    _join(parts, out, source, labels, size)
    parts.remove()
    return out


def check_source(run: Run, banks: dict[str, Learner], source: Source) -> None:
    """Raise ValueError for images of another shape than a run learned from."""
    shape = (*source.shape[1:], 1)[:3]
    for bank in banks.values():
        if isinstance(bank, MultimodalSTDP):
            raise ValueError(
                f"{run.path} learned from {' and '.join(bank.members_)} at once, and a file "
                "of images has one sense; in Python, MultimodalSTDP.transform takes all"
            )
        if len(source.shape) < 3 or shape != bank.image_shape_:
            raise ValueError(
                f"{source.path}: {source.key or 'the array'} has the shape {source.shape}, "
                f"but {run.path} learned from images of {bank.image_shape_}"
            )


def identity(run: Run, source: Source, size: int) -> dict[str, Any]:
    """Return what tells the shards of some images and a run from all others."""
    status = source.path.stat()
    return {
        "run": str(run.path.absolute()),
        "size": size,
        "source": str(source.path.absolute()),
        "key": source.key,
        "modified": status.st_mtime_ns,
    }


def features_of_shard(
    banks: dict[str, Learner], images: np.ndarray, first: int
) -> np.ndarray:
    """Return the features of images of which the first has this number, of all."""
    return features_of(banks, images, "features", first=first).counts


def _join(
    parts: Parts, out: Path, source: Source, labels: Source | None, size: int
) -> None:
    """Put all shards into one file, which appears when it is complete."""
    partial = out.with_name(f".{out.name}.partial")
    first = parts[0]
    with h5py.File(partial, "w") as file:
        features = file.create_dataset(
            "features",
            (len(source), first.shape[1]),
            first.dtype,
            chunks=(min(size, len(source)), min(first.shape[1], 1024)),
            compression="gzip",
            compression_opts=1,
        )
        for number, start in enumerate(range(0, len(source), size)):
            features[start : start + size] = parts[number]
        if labels is not None:
            file["y"] = np.concatenate(list(labels.shards(size)))
        file.attrs.update({"source": str(source.path), "key": source.key})
    partial.replace(out)
