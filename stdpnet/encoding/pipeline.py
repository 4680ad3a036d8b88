"""The whole way from pixels to stimuli: a filter, then a code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from stdpnet.config import Parameters, SpecError, from_dict
from stdpnet.encoding.codes import Code, RankOrder
from stdpnet.encoding.filters import DifferenceOfGaussians, Filter
from stdpnet.encoding.images import blocks, to_unit_range, with_channels
from stdpnet.units import QuantityLike


@dataclass(frozen=True, kw_only=True)
class Encoding(Parameters):
    """How images become input spikes.

    Parameters
    ----------
    filter : Filter
        Makes contrasts of pixels.
    code : Code
        Makes spike steps or rates of contrasts.

    Raises
    ------
    ValueError
        If `filter` or `code` is something else.

    Examples
    --------
    >>> from stdpnet.units import ms
    >>> encoding = Encoding(code=RankOrder(fill=0.8))
    >>> image = np.arange(64, dtype=np.uint8).reshape(1, 8, 8)
    >>> steps = encoding.encode(image, {}, n_steps=15, dt=1 * ms, max_value=63)
    >>> steps.shape
    (1, 8, 8, 2)
    """

    filter: Filter = field(default_factory=DifferenceOfGaussians)
    code: Code = field(default_factory=RankOrder)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_part("filter", self.filter, Filter)
        _check_part("code", self.code, Code)

    @property
    def stimulus(self) -> str:
        """What `encode` returns: "steps" or "rates"."""
        return self.code.stimulus

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make an encoding from nested tables, as `to_dict` writes them.

        Parameters
        ----------
        values : mapping
            Tables ``filter`` and ``code``, each with its ``type`` and parameters.
            What is left out has its default.

        Raises
        ------
        SpecError
            If a table, a type or a parameter is not known.
        """
        values = dict(values)
        kind = values.pop("type", cls.__name__)
        if kind != cls.__name__:
            raise SpecError(
                f"encoding.type must be 'Encoding' or be left out, got {kind!r}"
            )
        cls.check_names(values, where="encoding")
        parts: dict[str, Any] = {}
        for name, base, default in (
            ("filter", Filter, "DifferenceOfGaussians"),
            ("code", Code, "RankOrder"),
        ):
            if name in values:
                parts[name] = _part(name, base, values[name], default)
        return cls(**parts)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parts and, if `deep`, their parameters as ``code__fill``."""
        params = super().get_params()
        if deep:
            for name, part in list(params.items()):
                nested = part.get_params()
                params.update({f"{name}__{key}": nested[key] for key in nested})
        return params

    def n_channels(self, image_channels: int) -> int:
        """Return the number of inputs a pixel of `image_channels` values has."""
        return self.filter.n_channels(image_channels)

    def stimulus_shape(self, image_shape: tuple[int, int, int]) -> tuple[int, ...]:
        """Return the shape of an encoded image (see `Code.stimulus_shape`).

        Parameters
        ----------
        image_shape : (int, int, int)
            Height, width and channels of the image.
        """
        height, width, channels = image_shape
        return self.code.stimulus_shape((height, width, self.n_channels(channels)))

    def fit(self, images: np.ndarray, max_value: float = 1.0) -> dict[str, np.ndarray]:
        """Learn what the filter needs (see `Filter.fit`)."""
        return self.filter.fit(images, max_value=max_value)

    def contrast(
        self,
        images: np.ndarray,
        learned: Mapping[str, np.ndarray] | None = None,
        *,
        max_value: float = 1.0,
    ) -> np.ndarray:
        """Scale and filter images, without encoding them.

        Parameters
        ----------
        images : ndarray, shape (n, height, width[, channels])
            Pixels between 0 and `max_value`.
        learned : mapping of str to ndarray, optional
            What `fit` returned.
        max_value : float
            Pixel value that counts as 1.

        Returns
        -------
        ndarray of float32, shape (n, height, width, n_channels)
            Contrasts, zero or positive.

        Raises
        ------
        ValueError
            If the images have a wrong shape, type or range.
        """
        return self.filter.apply(to_unit_range(images, max_value), learned)

    def encode(
        self,
        images: np.ndarray,
        learned: Mapping[str, np.ndarray] | None,
        n_steps: int,
        dt: QuantityLike,
        max_value: float,
    ) -> np.ndarray:
        """Encode images, a block at a time, each for itself.

        Parameters
        ----------
        images : ndarray, shape (n, height, width[, channels])
            Pixels between 0 and `max_value`.
        learned : mapping of str to ndarray or None
            What `fit` returned.
        n_steps : int
            Length of a presentation, time steps.
        dt : Quantity, time
            Length of a time step.
        max_value : float
            Pixel value that counts as 1.

        Returns
        -------
        ndarray, shape (n, height, width, n_channels)
            Steps (uint16, `NEVER` for none) or rates (float32, Hz): `stimulus`. The
            shape of one image is that of `stimulus_shape`.

        Raises
        ------
        ValueError
            If images, `n_steps` or `dt` cannot be used.
        """
        images = with_channels(images)
        n, height, width, channels = images.shape
        shape = self.stimulus_shape((height, width, channels))
        encoded = np.empty((n, *shape), dtype=self.code.dtype)
        for block in blocks(n, height * width * channels):
            contrast = self.contrast(images[block], learned, max_value=max_value)
            encoded[block] = self.code.encode(contrast, n_steps, dt)
        return encoded


def _check_part(name: str, part: Any, base: type) -> None:
    if not isinstance(part, base):
        raise ValueError(
            f"Encoding.{name} must be a {base.__name__}, got {part!r}; "
            f"Encoding.from_dict reads tables"
        )


def _part(name: str, base: type[Parameters], value: Any, default: str) -> Any:
    if isinstance(value, base):
        return value
    if not isinstance(value, Mapping):
        raise SpecError(
            f"encoding.{name} must be a table with a type, got {value!r}; "
            f"write {{type = {default!r}}}"
        )
    return from_dict(base, dict(value), default=default)
