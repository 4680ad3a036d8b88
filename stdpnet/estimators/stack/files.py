"""Saved stacks."""

import json
from pathlib import Path
from typing import Any, Self

import h5py

from stdpnet import __version__
from stdpnet.config import from_dict
from stdpnet.estimators.base import FILE_FORMAT, STDPTransformer
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.stack.member import StackedConv
from stdpnet.models.custom import resolved
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.projections import Geometry, SumPooling
from stdpnet.runs import writing_hdf5

_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OSError, RuntimeError)


class StackFiles:
    """The part of a `ConvStack` that is saved and loaded."""

    layers: list[tuple[str, Any]]

    def save(self, path: str | Path) -> Path:
        """Write parameters and everything learned to one HDF5 file, atomically.

        Raises
        ------
        OSError
            If it cannot be written; what was there before is kept.
        """
        path = Path(path)
        with writing_hdf5(path) as file:
            self.write_to(file)
        return path

    def write_to(self, group: h5py.Group) -> None:
        """Write parameters and everything learned into an open HDF5 group."""
        group.attrs["format"] = FILE_FORMAT
        group.attrs["stdpnet"] = __version__
        group.attrs["class"] = type(self).__name__
        group.attrs["params"] = json.dumps(self._plain())
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
    def load(cls, path: str | Path) -> Self:
        """Read a stack that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, of another class, or of a newer version.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no such file: {path}")
        try:
            with h5py.File(path, "r") as file:
                return cls.read_from(file)
        except _DAMAGE as error:
            reason = error.args[0] if isinstance(error, KeyError) else error
            raise ValueError(
                f"{path} is not a saved {cls.__name__}: {reason}"
            ) from error

    @classmethod
    def read_from(cls, group: h5py.Group) -> Self:
        """Read a stack from an open HDF5 group.

        Raises
        ------
        ValueError
            If it is damaged, of another class, or of a newer version.
        """
        params = STDPTransformer._read_header.__func__(cls, group)  # type: ignore[attr-defined]
        if params["pooling"] is not None:
            params["pooling"] = {
                name: from_dict(Geometry, value) if isinstance(value, dict) else value
                for name, value in params["pooling"].items()
            }
        if params["pool_neuron"] is not None:
            params["pool_neuron"] = from_dict(NeuronModel, params["pool_neuron"])
        read = {
            str(name): _read_layer(group[f"layer_{name}"])
            for name in group.attrs["layers"]
        }
        layers = [(name, _given_layer(group[f"layer_{name}"])) for name in read]
        made = cls(layers, **params)  # type: ignore[call-arg]
        if "seed" in group.attrs:
            made.seed_ = int(group.attrs["seed"])  # type: ignore[attr-defined]
            made._place(read)  # type: ignore[attr-defined]
        return made


def _read_layer(group: h5py.Group) -> ConvSTDP:
    kinds = {kind.__name__: kind for kind in (ConvSTDP, StackedConv)}
    kind = str(group.attrs["class"])
    if kind not in kinds:
        raise ValueError(f"{group.file.filename} stacks a {kind}; upgrade stdpnet")
    return kinds[kind].read_from(group)


def _given_layer(group: h5py.Group) -> ConvSTDP:
    """Return a layer as it was given to the stack, not fitted."""
    return ConvSTDP._from_plain(json.loads(group.attrs["given"]))
