"""Files of a `MultimodalSTDP`: one HDF5 file with a group for each modality."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, Self

import h5py
import numpy as np
from sklearn.base import clone

from stdpnet import __version__
from stdpnet.config import from_dict
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.multimodal.checks import MEMBERS
from stdpnet.models.custom import resolved
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.runs import writing_hdf5

#: Version of saved estimators; older ones still open.
FILE_FORMAT = 1
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OSError, RuntimeError)


class Files:
    """The part of a `MultimodalSTDP` that is saved, loaded and copied."""

    _numbers: ClassVar[tuple[str, ...]] = ("seed_", "n_chunks_", "n_pairs_shown_")
    modalities: list[tuple[str, Any]]

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
        params = {
            name: value
            for name, value in self.get_params(deep=False).items()  # type: ignore[attr-defined]
            if name != "modalities"
        }
        if params["cross_rule"] is not None:
            params["cross_rule"] = resolved(params["cross_rule"]).to_dict()
        if not isinstance(params["random_state"], int):
            params["random_state"] = None
        group.attrs["format"] = FILE_FORMAT
        group.attrs["stdpnet"] = __version__
        group.attrs["class"] = type(self).__name__
        group.attrs["params"] = json.dumps(params)
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
    def load(cls, path: str | Path) -> Self:
        """Read an estimator that `save` wrote; labels of neurons are not part of it.

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
        """Read an estimator from an open HDF5 group."""
        if group.attrs["class"] != cls.__name__:
            raise ValueError(f"it holds a {group.attrs['class']}")
        if group.attrs["format"] > FILE_FORMAT:
            raise ValueError(
                f"it has format {group.attrs['format']}, this version of stdpnet "
                f"({__version__}) reads up to {FILE_FORMAT}; upgrade stdpnet"
            )
        params = json.loads(group.attrs["params"])
        if params["cross_rule"] is not None:
            params["cross_rule"] = from_dict(PlasticityRule, params["cross_rule"])
        members = {
            str(name): _read_member(group[f"modality_{name}"])
            for name in group.attrs["modalities"]
        }
        made = cls([(name, clone(one)) for name, one in members.items()], **params)  # type: ignore[call-arg]
        if "learned" in group:
            learned = group["learned"]
            for name in cls._numbers:
                setattr(made, name, int(learned[name][()]))
            cross = learned.get("cross", {})
            made.cross_state_ = {name: _as_matrix(cross[name][()]) for name in cross}  # type: ignore[attr-defined]
            made.members_ = members  # type: ignore[attr-defined]
        return made

    def copy(self) -> Self:
        """Return a copy with everything learned."""
        made = clone(self)
        for name, value in vars(self).items():
            if name.endswith("_") and not name.startswith("_"):
                setattr(made, name, deepcopy(value))
        return made


def _read_member(group: h5py.Group) -> Learner:
    kinds = {kind.__name__: kind for kind in MEMBERS}
    if group.attrs["class"] not in kinds:
        raise ValueError(f"it joins a {group.attrs['class']}")
    member: Learner = kinds[group.attrs["class"]].read_from(group)
    return member


def _as_matrix(values: np.ndarray) -> np.ndarray:
    """Return weights of connections, of earlier files too, as (n_source, n_target)."""
    return values.reshape(-1, values.shape[-1])
