"""How `ConvSTDP` checks its parameters and turns them into a layer."""

from typing import Any, ClassVar

import numpy as np

from stdpnet.encoding import Encoding
from stdpnet.estimators.conv_layer import ConvLayer
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.parts import NetworkParts, is_count, is_real
from stdpnet.estimators.reading import Reading
from stdpnet.models.describe import parameter_numbers
from stdpnet.models.neurons import AdaptiveIF, NeuronModel
from stdpnet.models.plasticity import PlasticityRule, TraceSTDP
from stdpnet.models.projections import Convolution, SumPooling, WinnerTakeAll

#: Parameters that set the threshold of a neuron, the first that it has.
_THRESHOLDS = ("theta_scale", "v_th", "v_half")


class ConvParts(Learner):
    """The part of `ConvSTDP` that knows what its parameters mean."""

    _integers: ClassVar[tuple[str, ...]] = (
        *NetworkParts._integers,
        "n_maps",
        "kernel_size",
        "stride",
        "patches_per_image",
    )
    _choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "fit_on": ("images", "patches"),
        "feature_code": ("count", "latency"),
        **NetworkParts._choices,
    }
    _defaults: ClassVar[dict[str, Any]] = {
        "encoding": Encoding,
        "neuron": AdaptiveIF,
        "rule": TraceSTDP,
    }

    n_maps: int
    kernel_size: int
    kernels_: np.ndarray
    thresholds_: np.ndarray
    stride: int
    padding: int | str
    inhibition: WinnerTakeAll | str | None
    pool: int | SumPooling
    feature_neuron: NeuronModel | None
    fit_on: str
    feature_scale: float
    feature_winners: int | None
    feature_code: str

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any images."""
        self._check_common()
        if self._encoding().code.over_time:
            self._refuse(
                "encoding",
                "one that shows whole images, as kernels have a width; use another code, "
                "or FullyConnectedSTDP",
            )
        self._check_features()
        self._check_geometry()
        self._inhibition()

    def _check_features(self) -> None:
        if not (is_real(self.feature_scale) and self.feature_scale > 0):
            self._refuse("feature_scale", "a number > 0")
        if self.feature_scale != 1 and self.threshold_name() is None:
            title = self._part("neuron", NeuronModel).title
            self._refuse("feature_scale", f"1, as {title} has no threshold to scale")
        if self.feature_winners is not None and not is_count(self.feature_winners, 1):
            self._refuse("feature_winners", "None or an integer >= 1")

    def _check_geometry(self) -> None:
        if self.padding != "same" and not is_count(self.padding, 0):
            self._refuse("padding", "'same' or an integer >= 0")
        if self.padding == "same" and self.kernel_size % 2 == 0:
            raise ValueError(
                "ConvSTDP.padding 'same' needs an odd kernel_size, got "
                f"{self.kernel_size}; give the padding as a number"
            )
        if not (isinstance(self.pool, SumPooling) or is_count(self.pool, 1)):
            self._refuse("pool", "a SumPooling or an integer >= 1")
        if not (
            self.feature_neuron is None or isinstance(self.feature_neuron, NeuronModel)
        ):
            self._refuse("feature_neuron", "a NeuronModel or None")

    # -- parts --------------------------------------------------------------------

    def _resolved_part(self, name: str) -> Any:
        """Return a part, or what None or another shorthand stands for."""
        if name == "inhibition":
            return self._inhibition()
        return super()._resolved_part(name)

    def _pool(self) -> SumPooling:
        return (
            self.pool
            if isinstance(self.pool, SumPooling)
            else SumPooling(size=self.pool)
        )

    def reading(self) -> Reading:
        """Return how spikes become features."""
        neuron = (
            None
            if self.feature_neuron is None
            else self._part("feature_neuron", NeuronModel)
        )
        by_latency = self.feature_code == "latency"
        return Reading(windows=self._pool(), by_latency=by_latency, neuron=neuron)

    def _set_nested(self, name: str, changes: dict[str, Any]) -> None:
        if name == "pool" and is_count(self.pool, 1):
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
        self._refuse("inhibition", "a WinnerTakeAll, 'winner-take-all' or None")

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
            reading=self.reading(),
            dt=self._time("dt"),
            dtype=self.dtype,
            **self._compression(),
        )

    def feature_parameters(self) -> dict[str, float]:
        """Return the parameters of the network while features are computed."""
        parameters = super().feature_parameters()
        if name := self.threshold_name():
            parameters[f"features.{name}"] *= float(self.feature_scale)
        if self.feature_winners is not None and self._inhibition() is not None:
            parameters["features.winners"] = float(self.feature_winners)
        return parameters

    def threshold_name(self) -> str | None:
        """Return the parameter of the neuron that `feature_scale` scales, if any."""
        values = parameter_numbers(self._part("neuron", NeuronModel))
        return next((n for n in _THRESHOLDS if values.get(n, 0.0) > 0), None)
