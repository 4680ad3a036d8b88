"""How a `MultimodalSTDP` becomes one program, and what that is given."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from stdpnet.engine.program import Program, build
from stdpnet.estimators.multimodal.checks import totals_of
from stdpnet.estimators.multimodal.joined import JoinedLayers, named, outside
from stdpnet.estimators.show import show_line
from stdpnet.models.plasticity import PlasticityRule


class JoinedParts:
    """The part of a `MultimodalSTDP` that knows its network."""

    members_: dict[str, Any]
    cross_state_: dict[str, np.ndarray]
    cross_rule: PlasticityRule | None
    cross_total: float | Mapping[str, float]
    backend: str
    verbose: bool

    def joined(self, *, acts: bool = True) -> JoinedLayers:
        """Return the layers of all modalities as one network."""
        return self._joined(self.members_, acts=acts)

    def _joined(self, members: Mapping[str, Any], *, acts: bool = True) -> JoinedLayers:
        layers = {name: one.layer() for name, one in members.items()}
        totals = totals_of(self.cross_total, layers)
        return JoinedLayers(layers, self.cross_rule, totals, acts)

    def program(self, layers: JoinedLayers) -> Program:
        """Return the program of the whole network."""
        announce = show_line if self.verbose else None
        found = build(layers.network().describe(), self.backend, layers.title, announce)
        before = getattr(self, "build_seconds_", 0.0)
        self.build_seconds_ = before + found.build_seconds
        return found

    def run_options(self, given: list[str]) -> dict[str, Any]:
        """Return how long a presentation is, and more, as `run_chunk` takes it."""
        options = [one.run_options() for one in self.members_.values()]
        # Only a FullyConnectedSTDP can ask for more.
        asked = {
            name: one.again
            for name, one in self.members_.items()
            if getattr(one, "again", None) is not None
        }
        names = tuple(named(name, "features") for name in given if name in asked)
        return {
            "n_steps": max(one["n_steps"] for one in options),
            "n_input_steps": next(iter(self.members_.values())).n_steps(),
            "again": (names, next(iter(asked.values()))) if names else None,
        }

    def state(self, scale: float = 1.0) -> dict[str, np.ndarray]:
        """Return everything learned as a program takes it, connections times `scale`."""
        state = {
            name: values * values.dtype.type(scale) if name.endswith(".w") else values
            for name, values in self.cross_state_.items()
        }
        for name, one in self.members_.items():
            state |= outside(name, one.state())
        return state

    def cross_state(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return what belongs to the connections between modalities."""
        return {name: state[name] for name in self.cross_state_}

    def feature_parameters(self) -> dict[str, float]:
        """Return the parameters of the network while features are computed."""
        values = dict(self.joined().network().parameter_values(learning=False))
        for name, one in self.members_.items():
            values |= outside(name, one.feature_parameters())
        return values

    @property
    def cross_weights_(self) -> dict[tuple[str, str], np.ndarray]:
        """Learned connections, shape (n_source, n_target), by (source, target)."""
        check_is_fitted(self, "members_")
        return {
            pair: self.cross_state_[f"{name}.w"]
            for name, pair in self.joined().connections.items()
        }
