"""How networks check their parameters and turn them into programs."""

import math
from typing import Any, ClassVar, NoReturn

import numpy as np
from sklearn.utils.validation import check_is_fitted

from stdpnet.catalog import unknown_name
from stdpnet.compression import PruningSchedule, QuantizationSchedule
from stdpnet.encoding import Encoding
from stdpnet.engine.program import BACKENDS, Program, build
from stdpnet.estimators.base import STDPTransformer
from stdpnet.estimators.compressing import check_schedules
from stdpnet.estimators.memory import Memory, memory_of
from stdpnet.estimators.show import show_line
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.network import Network
from stdpnet.units import Quantity, as_quantity, second

_PARTS = {"encoding": Encoding, "neuron": NeuronModel, "rule": PlasticityRule}


class NetworkParts(STDPTransformer):
    """The part of a network that knows what its parameters mean."""

    #: Parameters that are integers from 1 on, and those that are one of a few names.
    _integers: ClassVar[tuple[str, ...]] = ("n_epochs", "chunk_size")
    _choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "dtype": ("float32", "float64"),
        "backend": BACKENDS,
    }
    #: What None stands for.
    _defaults: ClassVar[dict[str, Any]] = {}

    #: What a network has that has started to learn: its weights.
    _learned: ClassVar[str]
    encoding: Encoding | None
    neuron: NeuronModel | None
    rule: PlasticityRule | None
    dt: Any
    presentation: Any
    tol: float
    chunk_size: int
    dtype: str
    backend: str
    n_jobs: int | None
    verbose: bool
    pruning: PruningSchedule | None
    quantization: QuantizationSchedule | None
    image_shape_: tuple[int, int, int]
    #: What normalization restores of the sum of weights, after pruning.
    total_scale_: float = 1.0
    #: Whether this has only the synapses that are left, and does not learn.
    compact_: bool = False

    def _check_common(self) -> None:
        """Check the parameters that all networks have."""
        for name in self._integers:
            if not is_count(getattr(self, name), 1):
                self._refuse(name, "an integer >= 1")
        for name, known in self._choices.items():
            value = getattr(self, name)
            if value not in known:
                owner = f"{type(self).__name__}.{name}"
                raise ValueError(unknown_name(owner, str(value), known))
        if not (is_real(self.tol) and self.tol >= 0):
            self._refuse("tol", "a number >= 0")
        self._steps("presentation")
        for name, kind in _PARTS.items():
            self._part(name, kind)
        check_schedules(self)
        self._check_jobs()

    def _check_jobs(self) -> None:
        if self.n_jobs is not None and (
            not is_count(self.n_jobs, -math.inf) or self.n_jobs == 0
        ):
            self._refuse("n_jobs", "None or an integer other than 0")

    def _refuse(self, name: str, rule: str) -> NoReturn:
        owner = type(self).__name__
        raise ValueError(f"{owner}.{name} must be {rule}, got {getattr(self, name)!r}")

    # -- times --------------------------------------------------------------------

    def n_steps(self) -> int:
        """Return the number of time steps of a presentation."""
        return self._steps("presentation")

    def run_options(self) -> dict[str, Any]:
        """Return how long a presentation is, and more, as `run_chunk` takes it."""
        return {"n_steps": self.n_steps()}

    def _steps(self, name: str) -> int:
        """Return how many time steps a parameter is long."""
        ratio = float(self._time(name) / self._time("dt"))
        if round(ratio) < 1:
            self._refuse(name, f"at least dt ({self.dt})")
        if abs(ratio - round(ratio)) > 1e-6:
            self._refuse(name, f"a multiple of dt ({self.dt})")
        return round(ratio)

    def _time(self, name: str) -> Quantity:
        try:
            value = as_quantity(getattr(self, name))
        except (TypeError, ValueError):
            self._refuse(name, "a time > 0 like '1 ms'")
        if value.dimension != second.dimension or not 0 < value.value < np.inf:
            self._refuse(name, "a time > 0 like '1 ms'")
        return value

    # -- parts --------------------------------------------------------------------

    def _encoding(self) -> Encoding:
        encoding: Encoding = self._part("encoding", Encoding)
        return encoding

    def _part(self, name: str, kind: type) -> Any:
        part = self._resolved_part(name)
        if not isinstance(part, kind):
            self._refuse(name, f"a {kind.__name__} or None")
        return part

    def _resolved_part(self, name: str) -> Any:
        """Return a part, or what None or another shorthand stands for."""
        part = getattr(self, name)
        if part is None and name in self._defaults:
            return self._defaults[name]()
        return part

    def _compression(self) -> dict[str, Any]:
        """Return what a layer needs for pruning, or when it is compact."""
        if self.compact_:
            return {"n_synapses": max(1, np.count_nonzero(self._weights()))}
        pruning = self.pruning
        correlates = pruning is not None and pruning.criterion == "correlation"
        return {"prunable": pruning is not None, "correlates": correlates}

    def _weights(self) -> np.ndarray:
        raise NotImplementedError

    # -- programs -----------------------------------------------------------------

    def layer(self) -> Any:
        """Return the layer with all parts resolved, for the images it was fitted on."""
        raise NotImplementedError

    def program(self, layer: Any) -> Program:
        """Return the program of a layer; the seconds of building add up."""
        announce = show_line if self.verbose else None
        description = layer.network().describe()
        program = build(description, self.backend, layer.title, announce)
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
        network: Network = self.layer().network()
        return network

    def memory(self) -> Memory:
        """Return what synapses and neurons take for inference, as `save` stores them.

        Raises
        ------
        NotFittedError
            If nothing has been learned.
        """
        check_is_fitted(self, self._learned)
        return memory_of(self)

    def feature_parameters(self) -> dict[str, float]:
        """Return the parameters of the network while features are computed."""
        values = self.layer().network().parameter_values(learning=False)
        return {**values, **self.final_parameters()}

    def final_parameters(self) -> dict[str, float]:
        """Return the parameters that have another value once weights are final."""
        return {}


def is_count(value: Any, low: float) -> bool:
    """Say whether a value is an integer of at least `low`."""
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_integer and bool(value >= low)


def is_real(value: Any) -> bool:
    """Say whether a value is a finite number."""
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    return is_number and not isinstance(value, bool) and math.isfinite(value)
