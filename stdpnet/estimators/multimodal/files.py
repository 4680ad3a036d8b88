"""Files of a `MultimodalSTDP`: one HDF5 file with a group for each modality."""

from copy import deepcopy
from typing import Any, ClassVar, Self

import h5py
import numpy as np
from sklearn.base import clone

from stdpnet.config import from_dict
from stdpnet.estimators.multimodal.checks import MEMBERS
from stdpnet.estimators.saving import Saved, read_one, reading
from stdpnet.models.custom import resolved
from stdpnet.models.plasticity import PlasticityRule


class Files(Saved):
    """The part of a `MultimodalSTDP` that is saved, loaded and copied."""

    _numbers: ClassVar[tuple[str, ...]] = ("seed_", "n_chunks_", "n_pairs_shown_")
    modalities: list[tuple[str, Any]]

    def write_to(self, group: h5py.Group) -> None:
        """Write parameters and everything learned into an open HDF5 group."""
        params = {
            name: value
            for name, value in self.get_params(deep=False).items()  # type: ignore[attr-defined]
            if name != "modalities"
        }
        if params["cross_rule"] is not None:
            params["cross_rule"] = resolved(params["cross_rule"]).to_dict()
        if not isinstance(params["random_state"], int):
            params["random_state"] = None
        self._write_header(group, params)
        group.attrs["modalities"] = [name for name, _ in self.modalities]
        members = getattr(self, "members_", dict(self.modalities))
        for name, one in members.items():
            one.write_to(group.create_group(f"modality_{name}"))
        if hasattr(self, "members_"):
            learned = group.create_group("learned")
            for name in self._numbers:
                learned[name] = getattr(self, name)
            for name, values in self.cross_state_.items():  # type: ignore[attr-defined]
                learned[f"cross/{name}"] = values

    @classmethod
    def read_from(cls, group: h5py.Group) -> Self:
        """Read an estimator from an open HDF5 group."""
        params = cls._read_header(group)
        with reading(group):
            if params["cross_rule"] is not None:
                params["cross_rule"] = from_dict(PlasticityRule, params["cross_rule"])
            members = {
                str(name): read_one(group[f"modality_{name}"], MEMBERS)
                for name in group.attrs["modalities"]
            }
            given = [(name, clone(one)) for name, one in members.items()]
            made = cls(given, **params)  # type: ignore[call-arg]
            if "learned" in group:
                made._restore(members, group["learned"])
        return made

    def _restore(self, members: dict[str, Any], learned: h5py.Group) -> None:
        for name in self._numbers:
            setattr(self, name, int(learned[name][()]))
        cross = learned.get("cross", {})
        self.cross_state_ = {name: _as_matrix(cross[name][()]) for name in cross}
        self.members_ = members

    def copy(self) -> Self:
        """Return a copy with everything learned."""
        made = clone(self)
        for name, value in vars(self).items():
            if name.endswith("_") and not name.startswith("_"):
                setattr(made, name, deepcopy(value))
        return made


def _as_matrix(values: np.ndarray) -> np.ndarray:
    """Return weights of connections, of earlier files too, as (n_source, n_target)."""
    return values.reshape(-1, values.shape[-1])
