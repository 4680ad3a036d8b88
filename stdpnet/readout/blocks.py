"""Products with a feature matrix that is never converted to float as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from joblib import effective_n_jobs
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Result = TypeVar("Result")

# Measured on 20,000 x 6272 counts, two cores: batches of 6 to 12 MB, which stay in
# the cache, make a pass 5 to 25 % faster than batches of 50 MB.
BATCH_BYTES = 8 * 2**20
# Partial sums are added lane by lane, so results do not depend on `n_jobs`.
N_LANES = 8
# Measured: a sparse pass costs 10 ns per non-zero count on one core, a dense one
# 4 ns per count on two; below this density sparse is at least twice as fast.
SPARSE_DENSITY = 0.12


@dataclass(frozen=True)
class Block:
    """Some rows of a slice of the source, and their place in this view."""

    start: int
    stop: int
    rows: np.ndarray | None
    position: slice


@dataclass(frozen=True)
class FeatureStatistics:
    """Per feature of the transformed matrix: maximum of |x|, mean, sd; and density."""

    maximum: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    minimum: float
    density: float


@dataclass(frozen=True)
class FeatureBlocks:
    """Rows of a feature matrix, read, cast and multiplied batch by batch.

    Parameters
    ----------
    source : ndarray, memmap or h5py.Dataset, shape (n_rows, n_features)
        Features; only slices of rows are ever read.
    blocks : tuple of Block
        Batches of rows that make up this view.
    n_samples : int
        Number of rows in the view.
    sqrt : bool
        Use the square roots of the features.
    n_jobs : int
        Number of threads.
    cached : tuple of csr_array, optional
        The blocks as sparse matrices, in place of the source.
    """

    source: Any
    blocks: tuple[Block, ...]
    n_samples: int
    sqrt: bool
    n_jobs: int
    cached: tuple[Any, ...] | None = None

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.source.shape[1])

    @property
    def dtype(self) -> np.dtype:
        """Float type of the products: float32 holds counts of 16 bits exactly."""
        small = np.can_cast(self.source.dtype, np.float32, "safe")
        return np.dtype(np.float32 if small else np.float64)

    def read(self, index: int) -> np.ndarray:
        """Return the rows of one block as they are stored."""
        block = self.blocks[index]
        raw = np.asarray(self.source[block.start : block.stop])
        return raw if block.rows is None else raw[block.rows]

    def dense(self, index: int, keep: np.ndarray | None = None) -> np.ndarray:
        """Return the rows of one block (or those in `keep`) as floats."""
        raw = self.read(index)
        batch = (raw if keep is None else raw[keep]).astype(self.dtype)
        if self.sqrt:
            # The square root of a negative number is a NaN that `statistics` shows.
            with np.errstate(invalid="ignore"):
                np.sqrt(batch, out=batch)
        return batch

    def matrix(self, index: int, keep: np.ndarray | None = None) -> Any:
        """Return the rows of one block, sparse if they are cached."""
        if self.cached is None:
            return self.dense(index, keep)
        return self.cached[index] if keep is None else self.cached[index][keep]

    def every(self, step: int) -> FeatureBlocks:
        """Return a view on every `step`-th block."""
        chosen, position = [], 0
        for block in self.blocks[::step]:
            length = block.position.stop - block.position.start
            place = slice(position, position + length)
            chosen.append(replace(block, position=place))
            position += length
        cached = None if self.cached is None else self.cached[::step]
        return replace(self, blocks=tuple(chosen), n_samples=position, cached=cached)

    def rows(self, step: int) -> np.ndarray:
        """Return the row numbers, in this view, of ``every(step)``."""
        places = [block.position for block in self.blocks[::step]]
        return np.concatenate([np.arange(p.start, p.stop) for p in places])

    def statistics(self) -> FeatureStatistics:
        """Measure range, spread and density in one pass."""
        pieces = self._map(self._piece_statistics)
        low, high, total, squares, nonzero = pieces[0]
        for piece in pieces[1:]:
            low, high = np.minimum(low, piece[0]), np.maximum(high, piece[1])
            total, squares = total + piece[2], squares + piece[3]
            nonzero += piece[4]
        mean = total / self.n_samples
        variance = np.maximum(squares / self.n_samples - mean**2, 0)
        density = nonzero / (self.n_samples * self.n_features)
        maximum = np.maximum(np.abs(low), np.abs(high))
        return FeatureStatistics(
            maximum, mean, np.sqrt(variance), float(low.min()), density
        )

    def _piece_statistics(self, indices: range) -> Any:
        pieces = []
        for index in indices:
            x = self.dense(index)
            total = x.sum(axis=0, dtype=np.float64)
            squares = np.einsum("ij,ij->j", x, x).astype(np.float64)
            pieces.append(
                (x.min(axis=0), x.max(axis=0), total, squares, np.count_nonzero(x))
            )
        low = np.min([p[0] for p in pieces], axis=0)
        high = np.max([p[1] for p in pieces], axis=0)
        total, squares, nonzero = (sum(p[k] for p in pieces) for k in (2, 3, 4))
        return low, high, total, squares, nonzero

    def cache_sparse(self, density: float, memory_bytes: int) -> FeatureBlocks:
        """Keep a sparse copy if it is the faster one and fits in memory."""
        entry_bytes = self.dtype.itemsize + np.dtype(np.int32).itemsize
        n_bytes = entry_bytes * density * self.n_samples * self.n_features
        if density > SPARSE_DENSITY or n_bytes > memory_bytes:
            return self
        return replace(
            self, cached=tuple(self._sparse(k) for k in range(len(self.blocks)))
        )

    def _sparse(self, index: int) -> Any:
        raw = self.read(index)
        filled = raw != 0
        pointers = np.zeros(len(raw) + 1, np.int32)
        np.cumsum(filled.sum(axis=1), out=pointers[1:])
        values = raw[filled].astype(self.dtype)
        columns = filled.nonzero()[1].astype(np.int32)
        values = np.sqrt(values, out=values) if self.sqrt else values
        return sp.csr_array((values, columns, pointers), shape=raw.shape)

    def forward(self, weights: np.ndarray) -> np.ndarray:
        """Return features @ weights, shape (n_samples, n_columns)."""
        weights = np.ascontiguousarray(weights, self.dtype)
        products = np.empty((self.n_samples, weights.shape[1]), self.dtype)

        def work(indices: range) -> None:
            for k in indices:
                products[self.blocks[k].position] = self.matrix(k) @ weights

        self._map(work)
        return products

    def backward(self, residuals: np.ndarray) -> np.ndarray:
        """Return features.T @ residuals in float64, shape (n_features, n_columns)."""
        residuals = np.ascontiguousarray(residuals, self.dtype)
        return self._sum(
            residuals.shape[1],
            lambda k: self.matrix(k).T @ residuals[self.blocks[k].position],
        )

    def curvature(
        self, direction: np.ndarray, offset: np.ndarray, active: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return X.T @ (active * (X @ direction + offset)) and its column of ones.

        Parameters
        ----------
        direction : ndarray, shape (n_features, n_columns)
        offset : ndarray, shape (n_columns,)
        active : ndarray of bool, shape (n_samples, n_columns)
            Rows without any active column are skipped.

        Returns
        -------
        ndarray, shape (n_features, n_columns); ndarray, shape (n_columns,)
            The product, and the sums of ``active * (X @ direction + offset)``.
        """
        direction = np.ascontiguousarray(direction, self.dtype)
        offset = offset.astype(self.dtype)
        sums = np.zeros((len(self.blocks), len(offset)))

        def product(k: int) -> np.ndarray:
            mask = active[self.blocks[k].position]
            keep = np.flatnonzero(mask.any(axis=1))
            # Picking rows costs a copy, so few left out are not worth it.
            rows = keep if len(keep) < 0.67 * len(mask) else None
            batch = self.matrix(k, rows)
            response = batch @ direction + offset
            response *= mask if rows is None else mask[rows]
            sums[k] = response.sum(axis=0)
            return batch.T @ response

        return self._sum(len(offset), product), sums.sum(axis=0)

    def _sum(self, n_columns: int, product: Callable[[int], Any]) -> np.ndarray:
        def work(indices: range) -> np.ndarray:
            total = np.zeros((self.n_features, n_columns))
            for k in indices:
                total += product(k)
            return total

        return np.sum(self._map(work), axis=0)

    def _map(self, work: Callable[[range], Result]) -> list[Result]:
        n_blocks = len(self.blocks)
        lanes = [range(k, n_blocks, N_LANES) for k in range(min(N_LANES, n_blocks))]
        with _threads(self.n_jobs) as run:
            return list(run(work, lanes))


@contextmanager
def _threads(n_jobs: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """Yield a `map` over threads, each with a single-threaded BLAS."""
    with threadpool_limits(1, "blas"):
        if n_jobs == 1:
            yield map
            return
        with ThreadPoolExecutor(n_jobs) as pool:
            yield pool.map


def feature_blocks(
    source: Any,
    *,
    rows: np.ndarray | None = None,
    sqrt: bool = False,
    batch_bytes: int = BATCH_BYTES,
    n_jobs: int | None = None,
) -> FeatureBlocks:
    """Cut a feature matrix into batches of rows.

    Parameters
    ----------
    source : ndarray, memmap or h5py.Dataset, shape (n_rows, n_features)
    rows : ndarray of int, sorted, optional
        Rows to use; default is all.
    sqrt : bool
        Use the square roots of the features.
    batch_bytes : int
        Memory of one batch as floats, in bytes, for each thread.
    n_jobs : int, optional
        Number of threads, as in joblib.

    Returns
    -------
    FeatureBlocks

    Raises
    ------
    ValueError
        If there are no features.
    """
    if 0 in source.shape:
        raise ValueError(
            "features must have at least one row and one column, got shape "
            f"{source.shape}"
        )
    threads = effective_n_jobs(n_jobs)
    view = FeatureBlocks(source, (), 0, sqrt, threads)
    length = max(1, batch_bytes // (view.dtype.itemsize * view.n_features))
    blocks, position = [], 0
    for start in range(0, source.shape[0], length):
        stop = min(start + length, source.shape[0])
        inside = _rows_inside(rows, start, stop)
        size = stop - start if inside is None else len(inside)
        if size:
            blocks.append(Block(start, stop, inside, slice(position, position + size)))
            position += size
    return replace(view, blocks=tuple(blocks), n_samples=position)


def _rows_inside(rows: np.ndarray | None, start: int, stop: int) -> np.ndarray | None:
    if rows is None:
        return None
    first, last = np.searchsorted(rows, [start, stop])
    return None if last - first == stop - start else rows[first:last] - start
