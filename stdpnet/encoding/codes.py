"""Codes: contrasts to what the network's inputs do, spike steps or rates."""

import math
import operator
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from stdpnet.config import Parameters, choice, number, quantity
from stdpnet.encoding.images import blocks
from stdpnet.models.network import NEVER
from stdpnet.units import Hz, Quantity, QuantityLike, as_quantity, ms

_MAX_STEPS = NEVER - 1


@dataclass(frozen=True, kw_only=True)
class Code(Parameters, ABC, abstract=True):
    """Base of the codes: when, or how often, an input of given contrast spikes."""

    kind: ClassVar[str] = "code"
    #: "steps": one spike an input at most, in a given step; "rates": Poisson.
    stimulus: ClassVar[str]
    dtype: ClassVar[Any]
    #: Whether the columns of an image are frames, shown one after the other.
    over_time: ClassVar[bool] = False

    def stimulus_shape(self, shape: tuple[int, int, int]) -> tuple[int, ...]:
        """Return the shape of what contrasts of one image become.

        Parameters
        ----------
        shape : (int, int, int)
            Height, width and channels of the contrasts.

        Returns
        -------
        tuple of int
            Height, width and channels of the inputs; before them the number of frames
            if the code is `over_time`.
        """
        height, width, channels = shape
        return (width, height, 1, channels) if self.over_time else tuple(shape)

    def check_frames(self, shape: tuple[int, int, int], n_steps: int) -> None:
        """Raise ValueError if contrasts of a shape have more frames than there are steps."""
        if self.over_time and shape[1] > n_steps:
            raise ValueError(
                f"{type(self).__name__} shows each column of an image for at least one "
                f"time step, got {shape[1]} columns and {n_steps} steps; use a longer "
                "presentation, a shorter dt or fewer columns"
            )

    def encode(
        self, contrast: np.ndarray, n_steps: int, dt: QuantityLike
    ) -> np.ndarray:
        """Encode contrasts, each image for itself.

        Parameters
        ----------
        contrast : ndarray of float, shape (n, height, width, channels)
            Finite, zero or positive. Zero never spikes.
        n_steps : int
            Length of a presentation, time steps.
        dt : Quantity, time
            Length of a time step.

        Returns
        -------
        ndarray, shape (n, height, width, channels)
            Steps of the spikes, uint16, from 0 to ``n_steps - 1``, or `NEVER`;
            or rates, float32, in Hz. See `stimulus`. The shape is (n, width, height, 1,
            channels) if the code is `over_time`.

        Raises
        ------
        ValueError
            If contrasts have the wrong shape or sign or are not finite, or
            `n_steps` or `dt` cannot be used, or are too few for the frames.
        """
        contrast = _checked_contrast(contrast)
        n_steps, dt = _checked_n_steps(n_steps), _checked_dt(dt)
        self._check_time(n_steps, dt)
        self.check_frames(contrast.shape[1:], n_steps)
        encoded = np.empty(contrast.shape, dtype=self.dtype)
        flat = contrast.reshape(len(contrast), math.prod(contrast.shape[1:]))
        flat_encoded = encoded.reshape(flat.shape)
        for block in blocks(*flat.shape):
            flat_encoded[block] = self._encode(flat[block], n_steps)
        if self.over_time:
            return np.moveaxis(encoded, 2, 1)[:, :, :, np.newaxis]
        return encoded

    def _check_time(self, n_steps: int, dt: Quantity) -> None:
        """Raise ValueError if the code cannot work with these steps."""
        if n_steps > _MAX_STEPS:
            raise ValueError(
                f"n_steps must be <= {_MAX_STEPS}, got {n_steps}; use a longer dt"
            )

    @abstractmethod
    def _encode(self, contrast: np.ndarray, n_steps: int) -> np.ndarray:
        """Encode float32 contrasts of shape (n, inputs)."""


@dataclass(frozen=True, kw_only=True)
class RankOrder(Code):
    r"""One spike for each positive contrast, strongest first.

    The :math:`m` positive contrasts of an image are sorted, strongest first, and
    the one of rank :math:`r = 0, 1, \ldots` spikes in step

    .. math::
        \lfloor r \, n / m \rfloor

    of :math:`n`, so every step has the same number of spikes, or one less. Only
    the order matters: brightness and contrast of the whole image do not.

    Parameters
    ----------
    fill : float
        Fraction of the steps that are used, from the first on; the rest leaves
        time for late responses.
    max_fraction : float
        Largest fraction of the inputs that may spike; the weakest contrasts
        beyond it stay silent.

    Notes
    -----
    Equal contrasts are ordered by position: row, then column, then channel.

    References
    ----------
    Thorpe and Gautrais (1998), doi:10.1007/978-1-4615-4831-7_19. Equal numbers
    of spikes a step as in SpykeTorch (Mozafari et al., 2019,
    doi:10.3389/fnins.2019.00625), which drops the remainder of the division.
    """

    stimulus: ClassVar[str] = "steps"
    dtype: ClassVar[Any] = np.uint16

    fill: float = number(1.0, above=0, high=1, doc="fraction of the steps used")
    max_fraction: float = number(
        1.0, above=0, high=1, doc="largest fraction of inputs that spike"
    )

    def _encode(self, contrast: np.ndarray, n_steps: int) -> np.ndarray:
        n_used = max(1, round(self.fill * n_steps))
        most = math.ceil(self.max_fraction * contrast.shape[1])
        n_active = np.count_nonzero(contrast, axis=1)
        order = _strongest_first(contrast, n_active)
        first = np.cumsum(n_active) - n_active
        rank = np.arange(len(order)) - np.repeat(first, n_active)
        n_spikes = np.repeat(np.minimum(n_active, most), n_active)
        steps = np.full(contrast.size, NEVER, dtype=np.uint16)
        steps[order] = np.where(rank < n_spikes, rank * n_used // n_spikes, NEVER)
        return steps.reshape(contrast.shape)


def _strongest_first(contrast: np.ndarray, n_active: np.ndarray) -> np.ndarray:
    """Return flat indices of the positive contrasts, image by image, in order.

    The bits of positive floats sort like the floats. Complemented and with the
    index below them they are integer keys, whose sort is several times faster
    than an argsort and leaves equal contrasts in order of position.
    """
    index = np.flatnonzero(contrast).astype(np.uint64)
    bits = ~contrast.reshape(-1)[index].view(np.uint32)
    keys = bits.astype(np.uint64) << np.uint64(32) | index
    inside = np.arange(n_active.max(initial=0)) < n_active[:, np.newaxis]
    rows = np.full(inside.shape, np.iinfo(np.uint64).max, dtype=np.uint64)
    rows[inside] = keys
    rows.sort(axis=1)
    order: np.ndarray = rows[inside] & np.uint64(2**32 - 1)
    return order.astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Latency(Code):
    r"""One spike for each positive contrast, earlier in proportion to its strength.

    .. math::
        \left\lfloor \left(1 - c / c_{max}\right) n \right\rfloor

    is the step, of :math:`n`, in which an input of contrast :math:`c > 0` spikes,
    at most :math:`n - 1`. The strongest spikes in step 0.

    Parameters
    ----------
    normalize : {"image", "fixed"}
        :math:`c_{max}` is the largest contrast of the image, or `full_contrast`.
    full_contrast : float
        Contrast that spikes in step 0 with "fixed"; so do all stronger ones.

    References
    ----------
    Masquelier and Thorpe (2007), doi:10.1371/journal.pcbi.0030031, for spikes that
    come the earlier the stronger the contrast; linear, without steps, as
    `LatencyCoding` of csnn-simulator (used in Falez et al., 2020,
    doi:10.1109/IJCNN48605.2020.9207373).
    """

    stimulus: ClassVar[str] = "steps"
    dtype: ClassVar[Any] = np.uint16

    normalize: str = choice("image", of=("image", "fixed"), doc="what is strongest")
    full_contrast: float = number(1.0, above=0, doc="contrast of step 0 with 'fixed'")

    def _encode(self, contrast: np.ndarray, n_steps: int) -> np.ndarray:
        strength = _relative(contrast, self.normalize, self.full_contrast)
        steps = np.minimum(np.floor((1 - strength) * n_steps), n_steps - 1)
        return np.where(contrast > 0, steps, NEVER).astype(np.uint16)


@dataclass(frozen=True, kw_only=True)
class RateCode(Code, abstract=True):
    """Base of the codes whose Poisson rates are proportional to contrast."""

    stimulus: ClassVar[str] = "rates"
    dtype: ClassVar[Any] = np.float32

    max_rate: Quantity = quantity(63.75 * Hz, above=0, doc="rate of the strongest")
    normalize: str = choice("image", of=("image", "fixed"), doc="what is strongest")
    full_contrast: float = number(1.0, above=0, doc="contrast of max_rate with 'fixed'")

    def _check_time(self, n_steps: int, dt: Quantity) -> None:
        if float(self.max_rate * dt) > 1:
            raise ValueError(
                f"{type(self).__name__}.max_rate must be <= 1 / dt = {1 / dt}, got "
                f"{self.max_rate}; lower it or use a shorter dt"
            )

    def _encode(self, contrast: np.ndarray, n_steps: int) -> np.ndarray:
        strength = _relative(contrast, self.normalize, self.full_contrast)
        return (float(self.max_rate / Hz) * strength).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Poisson(RateCode):
    r"""Poisson spikes at a rate proportional to contrast.

    .. math::
        \lambda = \lambda_{max} \, c / c_{max}

    Parameters
    ----------
    max_rate : Quantity, frequency
        Rate of the strongest contrast.
    normalize : {"image", "fixed"}
        :math:`c_{max}` is the largest contrast of the image, or `full_contrast`.
    full_contrast : float
        Contrast of `max_rate` with "fixed"; stronger ones have the same rate.

    Notes
    -----
    The chance of a spike in a step is ``rate * dt``, so ``max_rate * dt`` must not
    exceed one. Presentations of tens of milliseconds need several hundred Hz.

    References
    ----------
    Diehl and Cook (2015), doi:10.3389/fncom.2015.00099: pixels from 0
    to 255 become 0 to 63.75 Hz, shown for 350 ms.
    """


@dataclass(frozen=True, kw_only=True)
class PoissonFrames(RateCode):
    r"""Poisson spikes at rates that change with time: an image, column after column.

    For sounds, whose columns are slices of time. Every row (and channel) of the image is
    one input, an inhomogeneous Poisson process; in time step :math:`s` of :math:`n` the
    input of row :math:`b` has the rate

    .. math::
        \lambda_b(s) = \lambda_{max} \, c_{b f} / c_{max}, \qquad
        f = \lfloor s k / n \rfloor

    where :math:`k` is the number of columns. None is longer than another by more than
    one step. An image that is shown again begins at its first column.

    Parameters
    ----------
    max_rate : Quantity, frequency
        Rate of the strongest contrast.
    normalize : {"image", "fixed"}
        :math:`c_{max}` is the largest contrast of the whole image, all columns, or
        `full_contrast`.
    full_contrast : float
        Contrast of `max_rate` with "fixed"; stronger ones have the same rate.

    Notes
    -----
    Spikes are as many as with `Poisson` if `max_rate` is as many times higher as there
    are columns; at most one in a step, as there.

    For networks whose neurons see whole images, `FullyConnectedSTDP` for one.
    """

    over_time: ClassVar[bool] = True


def count_blank(encoded: np.ndarray) -> int:
    """Count the images in which no input ever spikes.

    Parameters
    ----------
    encoded : ndarray, shape (n, ...)
        Steps (uint16) or rates, as `Code.encode` returns them.
    """
    encoded = np.asarray(encoded)
    silent = encoded == (NEVER if encoded.dtype == np.uint16 else 0)
    return int(silent.reshape(len(encoded), -1).all(axis=1).sum()) if silent.size else 0


def _relative(contrast: np.ndarray, normalize: str, full_contrast: float) -> np.ndarray:
    if normalize == "fixed":
        return np.minimum(contrast / np.float64(full_contrast), 1)
    strongest = contrast.max(axis=1, keepdims=True).astype(np.float64)
    return contrast / np.where(strongest > 0, strongest, 1)


def _checked_contrast(contrast: np.ndarray) -> np.ndarray:
    contrast = np.asarray(contrast)
    if contrast.ndim != 4 or 0 in contrast.shape[1:] or contrast.dtype.kind != "f":
        raise ValueError(
            "contrast must be floats of shape (n, height, width, channels), got "
            f"{contrast.dtype} of shape {contrast.shape}; make it with a filter's apply"
        )
    if contrast.size and not (contrast.min() >= 0 and contrast.max() < np.inf):
        raise ValueError(
            "contrast must be finite and >= 0, got "
            f"{contrast.min():g} to {contrast.max():g}; give each sign a channel"
        )
    return np.ascontiguousarray(contrast, dtype=np.float32)


def _checked_n_steps(n_steps: int) -> int:
    try:
        n_steps = operator.index(n_steps)
    except TypeError as error:
        raise ValueError(f"n_steps must be an integer, got {n_steps!r}") from error
    if n_steps < 1:
        raise ValueError(f"n_steps must be >= 1, got {n_steps}")
    return n_steps


def _checked_dt(dt: QuantityLike) -> Quantity:
    try:
        checked = as_quantity(dt)
    except (TypeError, ValueError) as error:
        raise ValueError(f"dt must be a time like 1 ms, got {dt!r}") from error
    if checked.dimension != ms.dimension or not 0 < checked.value < np.inf:
        raise ValueError(f"dt must be a positive time like 1 ms, got {checked}")
    return checked
