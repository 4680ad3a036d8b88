"""How `FullyConnectedSTDP` checks its parameters and turns them into a layer."""

from typing import Any, ClassVar

import numpy as np

from stdpnet.encoding import Encoding, Intensity, Poisson
from stdpnet.engine.run import ChunkResult
from stdpnet.estimators.dense_layer import DenseLayer
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.parts import NetworkParts, is_count, is_real
from stdpnet.models.lateral import (
    DirectInhibition,
    ExplicitInhibition,
    LateralInhibition,
)
from stdpnet.models.neurons import ConductanceLIF, NeuronModel
from stdpnet.models.parts import Again
from stdpnet.models.plasticity import PlasticityRule, TripletSTDP
from stdpnet.units import as_quantity, mV

_INHIBITION = {"explicit": ExplicitInhibition, "direct": DirectInhibition}


def _encoding() -> Encoding:
    return Encoding(filter=Intensity(), code=Poisson(normalize="fixed"))


class DenseParts(Learner):
    """The part of `FullyConnectedSTDP` that knows what its parameters mean."""

    _integers: ClassVar[tuple[str, ...]] = (*NetworkParts._integers, "n_neurons")
    _defaults: ClassVar[dict[str, Any]] = {
        "encoding": _encoding,
        "neuron": ConductanceLIF,
        "rule": TripletSTDP,
    }

    n_neurons: int
    inhibition: LateralInhibition | str | None
    mean_weight: float | None
    start_weight: float
    rest: Any
    max_delay: Any
    again: Again | None
    other_state_: dict[str, np.ndarray]

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any images."""
        self._check_common()
        if self.rest is not None:
            self._steps("rest")
        if self.max_delay is not None:
            self._steps("max_delay")
        if self.mean_weight is not None and not (
            is_real(self.mean_weight) and self.mean_weight > 0
        ):
            self._refuse("mean_weight", "None or a number > 0")
        if not (is_real(self.start_weight) and self.start_weight > 0):
            self._refuse("start_weight", "a number > 0")
        if self.again is not None and not isinstance(self.again, Again):
            self._refuse("again", "an Again or None")
        if self.again is not None and self._encoding().stimulus != "rates":
            self._refuse("again", "None where the code of the encoding has no rates")
        self._inhibition()
        self._check_settling()

    def _check_settling(self) -> None:
        if not is_count(self.n_settle, 0):
            self._refuse("n_settle", "an integer >= 0")
        neuron = self._part("neuron", NeuronModel)
        if self.n_settle and not neuron.learning_parameters:
            self._refuse("n_settle", f"0: thresholds of {neuron.title} do not adapt")

    def _resolved_part(self, name: str) -> Any:
        if name == "inhibition":
            return self._inhibition()
        return super()._resolved_part(name)

    def _inhibition(self) -> LateralInhibition | None:
        if isinstance(self.inhibition, str) and self.inhibition in _INHIBITION:
            return _INHIBITION[self.inhibition]()
        if self.inhibition is None or isinstance(self.inhibition, LateralInhibition):
            return self.inhibition
        self._refuse("inhibition", "a LateralInhibition, 'explicit', 'direct' or None")

    def layer(self) -> DenseLayer:
        """Return the layer with all parts resolved, for the images it was fitted on."""
        encoding = self._encoding()
        *frames, height, width, channels = encoding.stimulus_shape(self.image_shape_)
        encoding.code.check_frames(self.image_shape_, self.n_steps())
        inputs = (height, width, channels)
        rule = self._part("rule", PlasticityRule)
        total = None
        if self.mean_weight is not None:
            if self.mean_weight > rule.w_max:
                self._refuse("mean_weight", f"at most w_max {rule.w_max:g}")
            total = round(self.mean_weight * float(np.prod(inputs)), 9)
        return DenseLayer(
            inputs=inputs,
            frames=frames[0] if frames else None,
            n_neurons=int(self.n_neurons),
            stimulus=encoding.stimulus,
            neuron=self._part("neuron", NeuronModel),
            rule=rule,
            inhibition=self._inhibition(),
            total=total,
            max_delay=None if self.max_delay is None else self._time("max_delay"),
            dt=self._time("dt"),
            dtype=self.dtype,
            **self._compression(),
        )

    def run_options(self) -> dict[str, Any]:
        """Return how long a presentation is, and more, as `run_chunk` takes it."""
        rest = 0 if self.rest is None else self._steps("rest")
        return {
            "n_steps": self.n_steps() + rest,
            "n_input_steps": self.n_steps(),
            "again": None if self.again is None else ("features", self.again),
        }

    def thresholds_of(self, attributes: dict[str, Any]) -> np.ndarray:
        """Return the effective thresholds among attributes."""
        theta = attributes["other_state_"].get("features.theta", 0.0)
        scale, v_th = self._threshold_scale()
        return np.asarray(np.full(self.n_neurons, scale * (v_th + theta)))

    def _threshold_scale(self) -> tuple[float, float]:
        """Return what thresholds are multiplied with to be shown, and their base."""
        values = self._part("neuron", NeuronModel).get_params()
        v_th = as_quantity(values.get("v_th", values.get("v_half", 0.0)))
        is_voltage = v_th.dimension == mV.dimension
        return (1000.0 if is_voltage else 1.0), v_th.value

    @property
    def adapted_(self) -> np.ndarray:
        """The adaptive part of the thresholds, in SI units."""
        return self.other_state_.get("features.theta", np.zeros(1))

    @adapted_.setter
    def adapted_(self, theta: np.ndarray) -> None:
        if "features.theta" in self.other_state_:
            self.other_state_ = {**self.other_state_, "features.theta": theta}

    def n_unanswered(self, result: ChunkResult) -> int:
        """Return how many examples of a chunk were shown in vain."""
        if self.again is None:
            return 0
        spikes = result.counts["counts"].sum(axis=(1, 2, 3))
        return int((spikes < self.again.spikes).sum())
