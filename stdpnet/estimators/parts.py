"""How `ConvSTDP` checks its parameters and turns them into a layer and its program."""

import math
from typing import Any, NoReturn

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.encoding import Encoding
from stdpnet.engine.program import BACKENDS, Program, build
from stdpnet.estimators.base import STDPTransformer
from stdpnet.estimators.layer import ConvLayer
from stdpnet.estimators.show import show_line
from stdpnet.models.describe import parameter_numbers
from stdpnet.models.neurons import AdaptiveIF, NeuronModel
from stdpnet.models.plasticity import PlasticityRule, TraceSTDP
from stdpnet.models.projections import Convolution, SumPooling, WinnerTakeAll
from stdpnet.network import Network
from stdpnet.units import Quantity, as_quantity, second

_COUNTS = (
    "n_maps",
    "kernel_size",
    "stride",
    "n_epochs",
    "chunk_size",
    "patches_per_image",
)
_CHOICES = {
    "fit_on": ("images", "patches"),
    "dtype": ("float32", "float64"),
    "backend": BACKENDS,
}
_PARTS = {"encoding": Encoding, "neuron": NeuronModel, "rule": PlasticityRule}
_DEFAULTS = {"encoding": Encoding, "neuron": AdaptiveIF, "rule": TraceSTDP}
#: Parameters that set the threshold of a neuron, the first that it has.
_THRESHOLDS = ("theta_scale", "v_th", "v_half")


class ConvParts(STDPTransformer):
    """The part of `ConvSTDP` that knows what its parameters mean."""

    n_maps: int
    kernel_size: int
    stride: int
    padding: int | str
    encoding: Encoding | None
    neuron: NeuronModel | None
    rule: PlasticityRule | None
    inhibition: WinnerTakeAll | str | None
    pool: int | SumPooling
    dt: Any
    presentation: Any
    fit_on: str
    feature_scale: float
    feature_winners: int | None
    tol: float
    dtype: str
    backend: str
    n_jobs: int | None
    verbose: bool
    image_shape_: tuple[int, int, int]

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any images."""
        for name in _COUNTS:
            if not _is_count(getattr(self, name), 1):
                self._refuse(name, "an integer >= 1")
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ValueError(unknown_name(f"ConvSTDP.{name}", str(value), known))
        self._check_features()
        if not (_is_real(self.tol) and self.tol >= 0):
            self._refuse("tol", "a number >= 0")
        self._check_geometry()
        self._check_times()
        for name, kind in _PARTS.items():
            self._part(name, kind)
        self._inhibition()
        self._check_jobs()

    def _check_features(self) -> None:
        if not (_is_real(self.feature_scale) and self.feature_scale > 0):
            self._refuse("feature_scale", "a number > 0")
        if self.feature_scale != 1 and self.threshold_name() is None:
            title = self._part("neuron", NeuronModel).title
            self._refuse("feature_scale", f"1, as {title} has no threshold to scale")
        if self.feature_winners is not None and not _is_count(self.feature_winners, 1):
            self._refuse("feature_winners", "None or an integer >= 1")

    def _check_geometry(self) -> None:
        if self.padding != "same" and not _is_count(self.padding, 0):
            self._refuse("padding", "'same' or an integer >= 0")
        if self.padding == "same" and self.kernel_size % 2 == 0:
            raise ValueError(
                "ConvSTDP.padding 'same' needs an odd kernel_size, got "
                f"{self.kernel_size}; give the padding as a number"
            )
        if not (isinstance(self.pool, SumPooling) or _is_count(self.pool, 1)):
            self._refuse("pool", "a SumPooling or an integer >= 1")

    def _check_times(self) -> None:
        if self.n_steps() < 1:
            self._refuse("presentation", f"at least dt ({self.dt})")
        if abs(self._ratio() - self.n_steps()) > 1e-6:
            self._refuse("presentation", f"a multiple of dt ({self.dt})")

    def _check_jobs(self) -> None:
        if self.n_jobs is not None and (
            not _is_count(self.n_jobs, -math.inf) or self.n_jobs == 0
        ):
            self._refuse("n_jobs", "None or an integer other than 0")

    def _refuse(self, name: str, rule: str) -> NoReturn:
        raise ValueError(f"ConvSTDP.{name} must be {rule}, got {getattr(self, name)!r}")

    # -- parts --------------------------------------------------------------------

    def n_steps(self) -> int:
        """Return the number of time steps of a presentation."""
        return round(self._ratio())

    def _ratio(self) -> float:
        return float(self._time("presentation") / self._time("dt"))

    def _time(self, name: str) -> Quantity:
        try:
            value = as_quantity(getattr(self, name))
        except (TypeError, ValueError):
            self._refuse(name, "a time > 0 like '1 ms'")
        if value.dimension != second.dimension or not 0 < value.value < np.inf:
            self._refuse(name, "a time > 0 like '1 ms'")
        return value

    def _encoding(self) -> Encoding:
        return self._part("encoding", Encoding)

    def _part(self, name: str, kind: type) -> Any:
        part = self._resolved_part(name)
        if not isinstance(part, kind):
            raise ValueError(
                f"ConvSTDP.{name} must be a {kind.__name__} or None, got {part!r}"
            )
        return part

    def _resolved_part(self, name: str) -> Any:
        """Return a part, or what None or another shorthand stands for."""
        part = getattr(self, name)
        if part is None and name in _DEFAULTS:
            return _DEFAULTS[name]()
        if name == "inhibition":
            return self._inhibition()
        return part

    def _pool(self) -> SumPooling:
        return (
            self.pool
            if isinstance(self.pool, SumPooling)
            else SumPooling(size=self.pool)
        )

    def _set_nested(self, name: str, changes: dict[str, Any]) -> None:
        if name == "pool" and _is_count(self.pool, 1):
            # An integer is a size without a stride, so the stride follows the size.
            SumPooling.check_names(changes)
            self.pool = SumPooling(**{"size": self.pool, **changes})
        else:
            super()._set_nested(name, changes)

    def _inhibition(self) -> WinnerTakeAll | None:
        if self.inhibition == "winner-take-all":
            return WinnerTakeAll()
        if self.inhibition is None or isinstance(self.inhibition, WinnerTakeAll):
            return self.inhibition
        raise ValueError(
            "ConvSTDP.inhibition must be a WinnerTakeAll, 'winner-take-all' or None, "
            f"got {self.inhibition!r}"
        )

    def _convolution(self) -> Convolution:
        padding: Any = self.padding
        if padding == "same":
            padding = self.kernel_size // 2
        size, stride = self.kernel_size, self.stride
        return Convolution(height=size, width=size, stride=stride, padding=padding)

    def layer(self) -> ConvLayer:
        """Return the layer with all parts resolved, for the images it was fitted on."""
        encoding = self._encoding()
        height, width, channels = self.image_shape_
        if self.fit_on == "patches" and self.kernel_size > min(height, width):
            self._refuse(
                "kernel_size",
                f"at most the side of the images ({min(height, width)}) with patches",
            )
        return ConvLayer(
            inputs=(height, width, encoding.n_channels(channels)),
            n_maps=int(self.n_maps),
            convolution=self._convolution(),
            stimulus=encoding.stimulus,
            neuron=self._part("neuron", NeuronModel),
            rule=self._part("rule", PlasticityRule),
            inhibition=self._inhibition(),
            pooling=self._pool(),
            dt=self._time("dt"),
            dtype=self.dtype,
        )

    def program(self, layer: ConvLayer) -> Program:
        """Return the program of a layer; the seconds of building add up."""
        announce = show_line if self.verbose else None
        description = layer.network().describe()
        program = build(description, self.backend, _title(layer), announce)
        self.build_seconds_ = (
            getattr(self, "build_seconds_", 0.0) + program.build_seconds
        )
        return program

    @property
    def network_(self) -> Network:
        """The network that sees whole images, from its parts."""
        if not hasattr(self, "image_shape_"):
            raise AttributeError(
                "network_ depends on the shape of the images; fit before"
            )
        return self.layer().network()

    def feature_parameters(self) -> dict[str, float]:
        """Return the parameters of the network while features are computed."""
        parameters = self.layer().network().parameter_values(learning=False)
        if name := self.threshold_name():
            parameters[f"features.{name}"] *= float(self.feature_scale)
        if self.feature_winners is not None and self._inhibition() is not None:
            parameters["features.winners"] = float(self.feature_winners)
        return parameters

    def threshold_name(self) -> str | None:
        """Return the parameter of the neuron that `feature_scale` scales, if any."""
        values = parameter_numbers(self._part("neuron", NeuronModel))
        return next((n for n in _THRESHOLDS if values.get(n, 0.0) > 0), None)


def _is_count(value: Any, low: float) -> bool:
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_integer and bool(value >= low)


def _is_real(value: Any) -> bool:
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    return is_number and not isinstance(value, bool) and math.isfinite(value)


def _title(layer: ConvLayer) -> str:
    size = layer.convolution.height
    height, width, channels = layer.inputs
    rule, neuron = type(layer.rule).__name__, type(layer.neuron).__name__
    return f"{layer.n_maps} maps {size}x{size} on {height}x{width}x{channels}, {neuron}, {rule}"
