"""How `ConvSTDP` checks its parameters and turns them into a layer and its program."""

from typing import Any

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.encoding import Encoding
from stdpnet.engine.program import Program, build
from stdpnet.estimators.layer import ConvLayer
from stdpnet.models.neurons import AdaptiveIF, NeuronModel
from stdpnet.models.plasticity import PlasticityRule, TraceSTDP
from stdpnet.models.projections import Convolution, SumPooling, WinnerTakeAll
from stdpnet.units import Quantity, as_quantity

_COUNTS = (
    "n_maps",
    "kernel_size",
    "stride",
    "n_epochs",
    "chunk_size",
    "patches_per_image",
)
_CHOICES = {"fit_on": ("images", "patches"), "dtype": ("float32", "float64")}


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
    dtype: str
    backend: str
    image_shape_: tuple[int, int, int]

    def _check_parameters(self) -> None:
        for name in (
            "n_maps",
            "kernel_size",
            "stride",
            "n_epochs",
            "chunk_size",
            "patches_per_image",
        ):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, np.integer))
                or value < 1
            ):
                raise ValueError(
                    f"ConvSTDP.{name} must be an integer >= 1, got {value!r}"
                )
        for name, known in (
            ("fit_on", ("images", "patches")),
            ("dtype", ("float32", "float64")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    unknown_name(f"ConvSTDP.{name}", str(getattr(self, name)), known)
                )
        if not self.feature_scale > 0:
            raise ValueError(
                f"ConvSTDP.feature_scale must be > 0, got {self.feature_scale!r}"
            )
        if self.n_steps() < 1:
            raise ValueError(
                f"ConvSTDP.presentation must be at least dt ({self.dt}), got {self.presentation}"
            )

    # -- parts --------------------------------------------------------------------

    def n_steps(self) -> int:
        """Return the number of time steps of a presentation."""
        return round(float(self._time("presentation") / self._time("dt")))

    def _time(self, name: str) -> Quantity:
        value = as_quantity(getattr(self, name))
        second = as_quantity("1 s")
        if value.dimension != second.dimension or not value.value > 0:
            raise ValueError(
                f"ConvSTDP.{name} must be a time > 0 like '1 ms', got {value}"
            )
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
        defaults = {"encoding": Encoding, "neuron": AdaptiveIF, "rule": TraceSTDP}
        if name not in defaults:
            raise ValueError(f"ConvSTDP.{name} has no parameters to set")
        return defaults[name]()

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
            n_maps=self.n_maps,
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
        program = build(layer.network().describe(), self.backend, title=_title(layer))
        self.build_seconds_ = (
            getattr(self, "build_seconds_", 0.0) + program.build_seconds
        )
        return program

    def feature_parameters(self) -> dict[str, float]:
        """Return the parameters of the network while features are computed."""
        parameters = self.layer().network().parameter_values(learning=False)
        if "features.theta_scale" in parameters:
            parameters["features.theta_scale"] *= self.feature_scale
        return parameters


def _title(layer: ConvLayer) -> str:
    size = layer.convolution.height
    height, width, channels = layer.inputs
    rule, neuron = type(layer.rule).__name__, type(layer.neuron).__name__
    return f"{layer.n_maps} maps {size}x{size} on {height}x{width}x{channels}, {neuron}, {rule}"
