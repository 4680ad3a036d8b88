"""Saved stacks."""

import json
from typing import Any, Self

import h5py

from stdpnet.config import from_dict
from stdpnet.estimators.base import STDPTransformer
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.saving import Saved, read_one, reading
from stdpnet.estimators.stack.member import StackedConv
from stdpnet.models.custom import resolved
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.projections import Geometry, SumPooling


class StackFiles(Saved):
    """The part of a `ConvStack` that is saved and loaded."""

    layers: list[tuple[str, Any]]

    def write_to(self, group: h5py.Group) -> None:
        """Write parameters and everything learned into an open HDF5 group."""
        self._write_header(group, self._plain())
        group.attrs["layers"] = [name for name, _ in self.layers]
        members = getattr(self, "members_", {})
        for name, layer in self.layers:
            one: STDPTransformer = members.get(name, layer)
            below = group.create_group(f"layer_{name}")
            one.write_to(below)
            below.attrs["given"] = json.dumps(layer._plain_params())
        if members:
            group.attrs["seed"] = self.seed_  # type: ignore[attr-defined]

    def _plain(self) -> dict[str, Any]:
        params: dict[str, Any] = dict(self.get_params(deep=False))  # type: ignore[attr-defined]
        del params["layers"]
        if params["pooling"] is not None:
            params["pooling"] = {
                name: value.to_dict() if isinstance(value, SumPooling) else value
                for name, value in params["pooling"].items()
            }
        if params["pool_neuron"] is not None:
            params["pool_neuron"] = resolved(params["pool_neuron"]).to_dict()
        if not isinstance(params["random_state"], int):
            params["random_state"] = None
        return params

    @classmethod
    def read_from(cls, group: h5py.Group) -> Self:
        """Read an estimator from an open HDF5 group."""
        params = cls._read_header(group)
        with reading(group):
            read = {
                str(name): read_one(group[f"layer_{name}"], (ConvSTDP, StackedConv))
                for name in group.attrs["layers"]
            }
            layers = [(name, _given_layer(group[f"layer_{name}"])) for name in read]
            made = cls(layers, **_parts(params))  # type: ignore[call-arg]
            if "seed" in group.attrs:
                made.seed_ = int(group.attrs["seed"])  # type: ignore[attr-defined]
                made._place(read)  # type: ignore[attr-defined]
        return made


def _parts(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters in which tables have become neurons and windows."""
    if params["pooling"] is not None:
        params["pooling"] = {
            name: from_dict(Geometry, value) if isinstance(value, dict) else value
            for name, value in params["pooling"].items()
        }
    if params["pool_neuron"] is not None:
        params["pool_neuron"] = from_dict(NeuronModel, params["pool_neuron"])
    return params


def _given_layer(group: h5py.Group) -> ConvSTDP:
    """Return a layer as it was given to the stack, not fitted."""
    return ConvSTDP._from_plain(json.loads(group.attrs["given"]))
