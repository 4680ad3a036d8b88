"""Every geometry: which neurons a projection joins, and over which weights.

A projection says where the targets of a source neuron are; it knows nothing
of the learning rule. Arrays are channels last: a population of shape
(height, width, n_maps) has its neurons in the order
``(y * width + x) * n_maps + map``.
"""

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from stdpnet.config import Parameters, choice, flag, number

#: (height, width, number of maps or channels) of a population.
Shape = tuple[int, int, int]


def _side(image: int, kernel: int, stride: int, padding: int) -> int:
    return (image + 2 * padding - kernel) // stride + 1


@dataclass(frozen=True, kw_only=True)
class Geometry(Parameters):
    """Base of all geometries."""

    kind: ClassVar[str] = "geometry"

    def target_shape(self, source: Shape, n_maps: int) -> Shape:
        """Return the shape of a target population with so many maps."""
        raise NotImplementedError

    def fitting_shape(self, source: Shape, target: Shape) -> Shape:
        """Return the shape that a target like this must have."""
        return self.target_shape(source, target[2])


@dataclass(frozen=True, kw_only=True)
class Convolution(Geometry):
    """Join every position of the source to the maps around it, by shared kernels.

    Parameters
    ----------
    height, width : int
        Size of the kernel.
    stride : int
        Distance of neighbouring target positions, in source positions.
    padding : int
        Rows and columns beyond each border where kernels may reach; nothing
        spikes there.

    Notes
    -----
    Kernels have the shape (height, width, channels, n_maps). A dense projection
    is the convolution whose kernel covers the whole source: `Convolution.dense`.
    """

    height: int = number(5, low=1, integer=True)
    width: int = number(5, low=1, integer=True)
    stride: int = number(1, low=1, integer=True)
    padding: int = number(0, low=0, integer=True)

    @classmethod
    def dense(cls, source: Shape) -> "Convolution":
        """Return the convolution that joins every source neuron to every map."""
        return cls(height=source[0], width=source[1])

    def kernel_shape(self, source: Shape, target: Shape) -> tuple[int, ...]:
        """Return the shape (height, width, channels, n_maps) of the kernels."""
        return (self.height, self.width, source[2], target[2])

    def target_shape(self, source: Shape, n_maps: int) -> Shape:
        """Return the shape of the target population.

        Raises
        ------
        ValueError
            If the kernel does not fit into the padded source.
        """
        height = _side(source[0], self.height, self.stride, self.padding)
        width = _side(source[1], self.width, self.stride, self.padding)
        if height < 1 or width < 1:
            raise ValueError(
                f"a kernel of {self.height} x {self.width} does not fit into "
                f"{source[0]} x {source[1]} with padding {self.padding}; use a smaller "
                "kernel or more padding"
            )
        return (height, width, n_maps)

    def edges(self, source: Shape, target: Shape) -> "Edges":
        """List every synapse, as the reference implementation needs it."""
        y, x, m, ky, kx, c = np.indices(
            (*target, self.height, self.width, source[2]), dtype=np.int32
        ).reshape(6, -1)
        sy = y * self.stride - self.padding + ky
        sx = x * self.stride - self.padding + kx
        inside = (sy >= 0) & (sy < source[0]) & (sx >= 0) & (sx < source[1])
        pre = (sy * source[1] + sx) * source[2] + c
        post = (y * target[1] + x) * target[2] + m
        weight = ((ky * self.width + kx) * source[2] + c) * target[2] + m
        return Edges(pre[inside], post[inside], weight[inside])


@dataclass(frozen=True, kw_only=True)
class SparseConvolution(Convolution):
    """A convolution, or a dense projection, of which only some weights are left.

    For networks that do not learn any more. Weights have the shape (n_synapses,), in
    the order of a kernel's array; which ones they are is part of the state (`sparse`).

    Parameters
    ----------
    height, width, stride, padding : int
        As in `Convolution`.
    n_synapses : int
        Number of weights that are left, of all kernels.
    """

    n_synapses: int = number(1, low=1, integer=True)

    def kernel_shape(self, source: Shape, target: Shape) -> tuple[int, ...]:
        """Return the shape of the weights that are left."""
        return (self.n_synapses,)

    def structure(self, source: Shape) -> dict[str, int]:
        """Return the sizes of the arrays that say which weights are left."""
        return {
            "offsets": self.height * self.width * source[2] + 1,
            "maps": self.n_synapses,
        }


def sparse(w: np.ndarray) -> dict[str, np.ndarray]:
    """Return the weights that are not zero, and which they are.

    Parameters
    ----------
    w : ndarray, shape (height, width, channels, n_maps)
        Weights of a `Convolution`.

    Returns
    -------
    dict of ndarray
        ``"w"`` and ``"maps"``, shape (n_synapses,): weights, row by row of the last
        axis, and the maps they belong to; ``"offsets"``: where each row begins.
    """
    rows = w.reshape(-1, w.shape[-1])
    taps, maps = np.nonzero(rows)
    offsets = np.searchsorted(taps, np.arange(len(rows) + 1))
    return {
        "w": rows[taps, maps],
        "offsets": offsets.astype(np.int32),
        "maps": maps.astype(np.int32),
    }


@dataclass(frozen=True, kw_only=True)
class SumPooling(Geometry):
    """Add up what each map does in a window.

    In a `Counter`, and in a `Projection`: all its connections have the same weight, one
    number, and it does not learn.

    Parameters
    ----------
    size : int
        Side of the square window.
    stride : int, optional
        Distance of neighbouring windows; default: `size`, so that they do not
        overlap.
    padding : int
        Rows and columns beyond each border that windows may cover.

    Notes
    -----
    The last window of a row is cut off at the border rather than dropped; none
    lies outside.

    Raises
    ------
    ValueError
        If the padding is not smaller than the window.
    """

    size: int = number(2, low=1, integer=True)
    stride: int = number(None, low=1, integer=True)
    padding: int = number(0, low=0, integer=True)

    def __post_init__(self) -> None:
        if self.stride is None:
            object.__setattr__(self, "stride", self.size)
        super().__post_init__()
        if self.padding >= self.size:
            raise ValueError(
                f"SumPooling.padding must be < size {self.size}, got {self.padding}"
            )

    def kernel_shape(self, source: Shape, target: Shape) -> tuple[int, ...]:
        """Return the shape of the one weight."""
        return (1, 1, 1)

    def target_shape(self, source: Shape, n_maps: int | None = None) -> Shape:
        """Return the shape of the pooled population."""
        return (self._windows(source[0]), self._windows(source[1]), source[2])

    def _windows(self, side: int) -> int:
        cover = -(-(side + 2 * self.padding - self.size) // self.stride) + 1
        touch = -(-(side + self.padding) // self.stride)
        return max(1, min(cover, touch))

    def edges(self, source: Shape, target: Shape) -> "Edges":
        """List every connection, as the reference implementation needs it."""
        y, x, m, dy, dx = np.indices(
            (*target, self.size, self.size), dtype=np.int32
        ).reshape(5, -1)
        sy = y * self.stride - self.padding + dy
        sx = x * self.stride - self.padding + dx
        inside = (sy >= 0) & (sy < source[0]) & (sx >= 0) & (sx < source[1])
        pre = (sy * source[1] + sx) * source[2] + m
        post = (y * target[1] + x) * target[2] + m
        return Edges(pre[inside], post[inside], np.zeros(inside.sum(), np.int32))


@dataclass(frozen=True, kw_only=True)
class OneToOne(Geometry):
    """Join each source neuron to the target neuron of the same index.

    Weights, where there are any, have the shape of the source.
    """

    def kernel_shape(self, source: Shape, target: Shape) -> tuple[int, ...]:
        """Return the shape of the weights."""
        return source

    def target_shape(self, source: Shape, n_maps: int | None = None) -> Shape:
        """Return the shape of the target population."""
        return source

    def edges(self, source: Shape, target: Shape) -> "Edges":
        """List every connection, as the reference implementation needs it."""
        index = np.arange(np.prod(source), dtype=np.int32)
        return Edges(index, index, index)


@dataclass(frozen=True, kw_only=True)
class AllToAll(Geometry):
    """Join each source neuron to every target neuron, each pair by its own weight.

    For populations with positions: nothing is shared among them, unlike in a
    `Convolution`. Weights have the shape (n_source, n_target), neurons in the order of
    their populations.
    """

    def kernel_shape(self, source: Shape, target: Shape) -> tuple[int, ...]:
        """Return the shape of the weights."""
        return (prod(source), prod(target))

    def fitting_shape(self, source: Shape, target: Shape) -> Shape:
        """Return the shape of the target, as every one fits."""
        return target

    def edges(self, source: Shape, target: Shape) -> "Edges":
        """List every connection, as the reference implementation needs it."""
        sizes = self.kernel_shape(source, target)
        pre, post = np.indices(sizes, dtype=np.int32).reshape(2, -1)
        return Edges(pre, post, np.arange(prod(sizes), dtype=np.int32))


@dataclass(frozen=True, kw_only=True)
class AllToOthers(Geometry):
    """Join each source neuron to all target neurons but that of the same index.

    For lateral inhibition. All connections have the same weight, one number, and it
    does not learn; a spike costs one addition for each target, and nothing is stored.
    """

    def kernel_shape(self, source: Shape, target: Shape) -> tuple[int, ...]:
        """Return the shape of the one weight."""
        return (1, 1, 1)

    def target_shape(self, source: Shape, n_maps: int | None = None) -> Shape:
        """Return the shape of the target population."""
        return source

    def edges(self, source: Shape, target: Shape) -> "Edges":
        """List every connection, as the reference implementation needs it."""
        n = int(np.prod(source))
        pre, post = (~np.eye(n, dtype=bool)).nonzero()
        return Edges(
            pre.astype(np.int32), post.astype(np.int32), np.zeros(len(pre), np.int32)
        )


@dataclass(frozen=True, kw_only=True)
class WinnerTakeAll(Geometry):
    """Silence the rivals of a neuron that spiked, until the next presentation.

    Rivals are all neurons at the same position, or within `radius` of it, and
    with `within_map` also all neurons of the same map. A position is silent
    after `winners` spikes of rivals. A winner stays silent in any case: every
    neuron spikes at most once per presentation.

    Parameters
    ----------
    radius : int
        Largest distance (in rows and in columns) of a rival position. Zero:
        the same position only.
    within_map : bool
        Whether a map may win once per presentation only.
    ties : {"all", "highest", "ranked", "strongest"}
        What happens when several rivals cross the threshold in the same step.
        "all": each of them spikes, the silence comes after. "highest": a
        neuron spikes only if no rival that crosses in this step has a higher
        potential (of equal ones the first in the order of maps, then of
        positions, wins). "strongest": the same with the potential relative to
        the neuron's threshold (`NeuronModel.strength`). "ranked": as many of them
        spike as the position has winners left, the strongest first; with one winner
        the same as "strongest". For rivals of the same position only.
    winners : int
        Number of spikes after which a position is silent. A run-time
        parameter: changing it compiles nothing.

    References
    ----------
    Pointwise inhibition and winners: Kheradpisheh et al. (2018),
    doi:10.1016/j.neunet.2017.12.005, as in SpykeTorch.
    """

    radius: int = number(0, low=0, integer=True)
    within_map: bool = flag()
    ties: str = choice("all", of=("all", "highest", "ranked", "strongest"))
    winners: int = number(1, low=1, integer=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ties == "ranked" and (self.radius > 0 or self.within_map):
            raise ValueError(
                "WinnerTakeAll.ties 'ranked' is for rivals of the same position, got "
                f"radius={self.radius} and within_map={self.within_map}; use 'strongest'"
            )

    def edges(self, source: Shape, target: Shape) -> "Edges":
        """List (neuron, silenced position) pairs for the reference implementation."""
        height, width, n_maps = source
        y, x, m = np.indices(source, dtype=np.int32).reshape(3, -1)
        pre, post = [], []
        for dy in range(-self.radius, self.radius + 1):
            for dx in range(-self.radius, self.radius + 1):
                sy, sx = y + dy, x + dx
                inside = (sy >= 0) & (sy < height) & (sx >= 0) & (sx < width)
                pre.append(((y * width + x) * n_maps + m)[inside])
                post.append((sy * width + sx)[inside])
        return Edges(np.concatenate(pre), np.concatenate(post), None)


@dataclass(frozen=True)
class Edges:
    """Explicit connections: arrays of shape (n_synapses,)."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray | None

    def __iter__(self) -> Any:
        return iter((self.pre, self.post, self.weight))
