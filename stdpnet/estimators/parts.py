"""How `ConvSTDP` checks its parameters and turns them into a layer and its program."""

from typing import Any, NoReturn

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.encoding import Encoding
from stdpnet.engine.program import BACKENDS, Program, build
from stdpnet.estimators.layer import ConvLayer
from stdpnet.estimators.show import show_line
from stdpnet.models.neurons import AdaptiveIF, NeuronModel
from stdpnet.models.plasticity import PlasticityRule, TraceSTDP
from stdpnet.models.projections import Convolution, SumPooling, WinnerTakeAll
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


class ConvParts:
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
    feature_scale: float
    feature_winners: int | None
    tol: float
    dtype: str
    backend: str
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
        if not (_is_real(self.feature_scale) and self.feature_scale > 0):
            self._refuse("feature_scale", "a number > 0")
        if self.feature_winners is not None and not _is_count(self.feature_winners, 1):
            self._refuse("feature_winners", "None or an integer >= 1")
        if not (_is_real(self.tol) and self.tol >= 0):
            self._refuse("tol", "a number >= 0")
        if self.padding != "same" and not _is_count(self.padding, 0):
            self._refuse("padding", "'same' or an integer >= 0")
        if not (isinstance(self.pool, SumPooling) or _is_count(self.pool, 1)):
            self._refuse("pool", "a SumPooling or an integer >= 1")
        if self.n_steps() < 1:
            self._refuse("presentation", f"at least dt ({self.dt})")
        for name, kind in _PARTS.items():
            self._part(name, kind)
        self._inhibition()

    def _refuse(self, name: str, rule: str) -> NoReturn:
        raise ValueError(f"ConvSTDP.{name} must be {rule}, got {getattr(self, name)!r}")

    # -- parts --------------------------------------------------------------------

    def n_steps(self) -> int:
        """Return the number of time steps of a presentation."""
        return round(float(self._time("presentation") / self._time("dt")))

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
        part = getattr(self, name)
        if part is None:
            return self._default_part(name)
        if not isinstance(part, kind):
            raise ValueError(
                f"ConvSTDP.{name} must be a {kind.__name__} or None, got {part!r}"
            )
        return part

    def _default_part(self, name: str) -> Any:
        if name not in _DEFAULTS:
            raise ValueError(f"ConvSTDP.{name} has no parameters to set")
        return _DEFAULTS[name]()

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
        pool = self.pool
        if not isinstance(pool, SumPooling):
            pool = SumPooling(size=pool, stride=pool)
        return ConvLayer(
            inputs=(height, width, encoding.n_channels(channels)),
            n_maps=int(self.n_maps),
            convolution=self._convolution(),
            stimulus=encoding.stimulus,
            neuron=self._part("neuron", NeuronModel),
            rule=self._part("rule", PlasticityRule),
            inhibition=self._inhibition(),
            pooling=pool,
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

    def feature_parameters(self) -> dict[str, float]:
        """Return the parameters of the network while features are computed."""
        parameters = self.layer().network().parameter_values(learning=False)
        if "features.theta_scale" in parameters:
            parameters["features.theta_scale"] *= self.feature_scale
        if self.feature_winners is not None and self._inhibition() is not None:
            parameters["features.winners"] = float(self.feature_winners)
        return parameters


def _is_count(value: Any, low: int) -> bool:
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_integer and bool(value >= low)


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating))


def _title(layer: ConvLayer) -> str:
    size = layer.convolution.height
    height, width, channels = layer.inputs
    rule, neuron = type(layer.rule).__name__, type(layer.neuron).__name__
    return f"{layer.n_maps} maps {size}x{size} on {height}x{width}x{channels}, {neuron}, {rule}"
