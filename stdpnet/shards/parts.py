"""What workers make of shards, kept until all are there."""

import io
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.cluster import given
from stdpnet.runs import write_atomically

#: Shards that are read ahead for each worker.
AHEAD = 2

#: Makes an array of what all shards share, images, and the number of the first of them.
Compute = Callable[[Any, np.ndarray, int], np.ndarray]


class Parts:
    """A folder with an array for each shard that is finished.

    Parameters
    ----------
    folder : Path
        Is made; what is there of something else goes.
    identity : mapping
        Plain values that tell what the arrays are of.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        mark, text = folder / "of.json", json.dumps(identity, sort_keys=True)
        if folder.is_dir() and not (mark.is_file() and mark.read_text() == text):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(mark, text.encode())

    def __getitem__(self, number: int) -> np.ndarray:
        return np.asarray(np.load(self._file(number), mmap_mode="r"))

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npy"

    def compute(
        self, client: Any, compute: Compute, shared: Any, shards: Iterable[np.ndarray]
    ) -> Iterator[int]:
        """Have the arrays that are missing made by workers; yield the images done."""
        shared = given(client, shared)
        n_workers = max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)
        waiting: deque[tuple[int, int, Any]] = deque()
        first = 0
        for number, images in enumerate(shards):
            future = None
            if not self._file(number).exists():
                future = client.submit(compute, shared, images, first, pure=False)
            first += len(images)
            waiting.append((number, first, future))
            while len(waiting) > AHEAD * n_workers:
                yield self._keep(*waiting.popleft())
        while waiting:
            yield self._keep(*waiting.popleft())

    def _keep(self, number: int, done: int, future: Any) -> int:
        if future is not None:
            content = io.BytesIO()
            np.save(content, future.result())
            future.release()
            write_atomically(self._file(number), content.getbuffer())
        return done

    def joined(self) -> np.ndarray:
        """Return all arrays as one, when they are there."""
        files = sorted(self.folder.glob("*.npy"))
        return np.concatenate([np.load(file) for file in files])

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder)
