"""What all networks do: learn chunk after chunk, and compute features."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from stdpnet.compression import PruningSchedule, QuantizationSchedule, Schedule
from stdpnet.config import Parameters, from_dict
from stdpnet.encoding import Encoding
from stdpnet.engine.run import ChunkResult
from stdpnet.estimators.base import Progress
from stdpnet.estimators.compressing import (
    only_left,
    restored_weights,
    stored_start,
    stored_weights,
    with_mask,
    without_mask,
)
from stdpnet.estimators.features import (
    check_memory,
    compute_features,
    feature_dtype,
)
from stdpnet.estimators.images import as_images
from stdpnet.estimators.learning import Learning, check_contrast, starting_state
from stdpnet.estimators.parts import NetworkParts
from stdpnet.estimators.recording import Recorder
from stdpnet.estimators.show import track
from stdpnet.estimators.voting import Voting
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule

#: What a compact network has no use for.
_OF_LEARNING = (
    "history_",
    "counts_",
    "recordings_",
    "initial_kernels_",
    "initial_weights_",
)
#: Weights that learning began with.
_STARTS = ("initial_kernels_", "initial_weights_")
#: Parameters of every network that are schedules.
SCHEDULES: dict[str, type[Parameters]] = {
    "pruning": PruningSchedule,
    "quantization": QuantizationSchedule,
}


class Learner(Voting, NetworkParts):
    """Base of the networks: `fit`, `partial_fit`, `transform` and what they share."""

    _optional: ClassVar[tuple[str, ...]] = (
        "total_scale_",
        "levels_",
        "compact_",
        "counts_",
        "recordings_",
        "history_",
        "neuron_labels_",
        "classes_",
    )
    _saved: ClassVar[tuple[str, ...]] = (
        "image_shape_",
        "n_features_in_",
        "max_value_",
        "seed_",
        "encoding_arrays_",
        "other_state_",
        "n_chunks_",
        "n_shown_",
        "n_images_shown_",
        "converged_",
        "fitted_",
        *_optional,
    )
    #: Parameters that are parts, and what their tables are looked up in.
    _tables: ClassVar[dict[str, type[Parameters]]] = {}
    #: Types of those tables that need not say theirs.
    _usual: ClassVar[dict[str, str]] = {}

    image_shape: tuple[int, ...] | None
    n_epochs: int
    #: Images, the last ones of `fit`, at which only thresholds adapt.
    n_settle: int = 0
    #: What a bar of progress says while it learns.
    progress_text = "learning"
    random_state: Any
    n_images_shown_: int
    seed_: int
    other_state_: dict[str, np.ndarray]

    def fit(
        self, X: Any, y: Any = None, *, record: Mapping[str, Any] | None = None
    ) -> Self:
        """Learn weights and thresholds from images; `y` is ignored.

        Parameters
        ----------
        X : array-like, shape (n, height, width[, channels]) or (n, n_features)
            Images, at least zero. The largest value counts as white.
        y : ignored
            Labels play no part.
        record : dict, optional
            What to record, for example ``{"features.v": [0, 7], "afferents.w": 10}``
            (see `stdpnet.network.Simulation.run`); it is in `recordings_` then.

        Raises
        ------
        ValueError
            If X, a parameter or a recording cannot be used.
        ProgramError
            If the network cannot be built or a chunk fails.
        """
        for _ in self.fit_steps(X, record=record):
            pass
        return self

    def fit_steps(
        self,
        X: Any,
        *,
        resume: bool = False,
        record: Mapping[str, Any] | None = None,
    ) -> Iterator[Progress]:
        """Learn like `fit`, but come back after every chunk.

        What has been learned so far is in the attributes, so that a checkpoint
        can be written; with `resume`, learning goes on after the last chunk of
        an estimator that was saved, with the same X and the same parameters.

        Yields
        ------
        Progress
            How far learning is.
        """
        self._refuse_if_compact()
        if resume:
            check_is_fitted(self, self._learned)
        self.check_parameters()
        images = as_images(self, X, self.image_shape, reset=not resume)
        if not resume:
            self._start(images)
        recorder = Recorder(record)
        learning = self.learning(recorder)
        steps = learning.run(images, self.n_epochs)
        yield from self._track(steps, len(images) * self.n_epochs)
        self.recordings_ = recorder.arrays(learning.program.description)
        self.fitted_ = True

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from one more batch of images, in the given order.

        Raises
        ------
        ValueError
            If X does not have the shape of the images seen before.
        """
        self._refuse_if_compact()
        first = not hasattr(self, self._learned)
        self.check_parameters()
        images = as_images(self, X, self.image_shape, reset=first)
        if first:
            self._start(images)
        steps = self.learning().run_in_order(images)
        for _ in self._track(steps, self.n_images_shown_ + len(images)):
            pass
        return self

    @property
    def top_(self) -> Self:
        """The network whose spikes are the features: this one; of a stack, its last layer."""
        return self

    @property
    def has_started(self) -> bool:
        """Whether there is something learned, if only a start."""
        return hasattr(self, self._learned)

    def learning(self, recorder: Recorder | None = None) -> Learning:
        """Return what shows chunks of images to this network, started or fitted."""
        return Learning(self, recorder)

    def _track(self, steps: Iterator[Progress], total: int) -> Iterator[Progress]:
        shown = self.n_images_shown_
        return track(steps, total, self.progress_text, self.verbose, shown)

    def _start(self, images: np.ndarray) -> None:
        """Set everything learned to where learning starts from."""
        for name in set(self._saved) - {"image_shape_", "n_features_in_"}:
            self.__dict__.pop(name, None)
        self.seed_ = int(check_random_state(self.random_state).randint(2**31))
        self.max_value_ = float(images.max()) or 1.0
        self.encoding_arrays_ = self._fitted_encoding(images)
        check_contrast(self, images)
        learned = self.from_state(self._starting_state())
        numbers = dict.fromkeys(("n_chunks_", "n_shown_", "n_images_shown_"), 0)
        # In one step: Ctrl-C must not leave weights without the rest.
        self.__dict__.update(
            {
                **self._before_learning(learned),
                **learned,
                **numbers,
                "counts_": {},
                "history_": {},
                "converged_": False,
                "fitted_": False,
            }
        )

    def _fitted_encoding(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the encoding learns from images."""
        return self._encoding().fit(images, max_value=self.max_value_)

    def transform(
        self, X: Any, *, record: Mapping[str, Any] | None = None
    ) -> np.ndarray:
        """Return spike counts, with learning off.

        Parameters
        ----------
        X : array-like, shape (n, height, width[, channels]) or (n, n_features)
            Images of the shape that the estimator was fitted on.
        record : dict, optional
            What to record, as for `fit`; it is in `recordings_` then.

        Returns
        -------
        ndarray of uint8 or uint16, shape (n, n_features_out)
            Counts, channels last: ``(y * columns + x) * n_maps + map``.
        """
        check_is_fitted(self, self._learned)
        self.check_parameters()
        images = as_images(self, X, self.image_shape, reset=False)
        layer = self.layer()
        shape = (len(images), int(np.prod(layer.features)))
        dtype = feature_dtype(layer, self.n_steps())
        check_memory(*shape, dtype, "transform fewer images at a time")
        features: np.ndarray = np.empty(shape, dtype)
        recorder = Recorder(record)
        chunks = compute_features(self, images, features, recorder)
        for _ in track(chunks, len(images), "features", self.verbose):
            pass
        if record:
            self.recordings_ = recorder.arrays(layer.network().describe())
        return features

    # -- what a network decides -------------------------------------------------------

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any images."""
        raise NotImplementedError

    def state(self) -> dict[str, np.ndarray]:
        """Return everything learned as a program takes it."""
        found = self._state()
        if self.compact_:
            return only_left(found)
        return found if self.pruning is None else with_mask(found)

    def _state(self) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def _weights(self) -> np.ndarray:
        return self.weights_of(self.__dict__)

    def compact(self) -> Self:
        """Return a copy whose program has only the synapses that are left.

        For `transform`, `label` and `predict`; it does not learn. Its spikes are those
        of this network, its program has no traces, and its file only what is left.

        Raises
        ------
        NotFittedError
            If nothing has been learned.
        ValueError
            If inputs have delays.
        """
        check_is_fitted(self, self._learned)
        if getattr(self, "max_delay", None) is not None:
            raise ValueError(
                f"a {type(self).__name__} with delays cannot be compact; leave out "
                "max_delay"
            )
        made = clone(self)
        for name in set(self._saved) - set(_OF_LEARNING):
            if hasattr(self, name):
                setattr(made, name, deepcopy(getattr(self, name)))
        # Nothing of the synapses but their weights.
        made.other_state_ = {
            n: values
            for n, values in getattr(self, "other_state_", {}).items()
            if not n.startswith("afferents.")
        }
        made.random_state, made.compact_ = self.seed_, True
        return made

    def _refuse_if_compact(self) -> None:
        if self.compact_:
            raise ValueError(
                f"this {type(self).__name__} is compact and does not learn; fit the "
                "network that it was made of"
            )

    def from_state(self, found: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return what a program left as attributes."""
        raise NotImplementedError

    def _starting_state(self) -> dict[str, np.ndarray]:
        return starting_state(self, self.layer())

    def weights_of(self, attributes: dict[str, Any]) -> np.ndarray:
        """Return the weights among attributes."""
        raise NotImplementedError

    def kept_of(self, attributes: dict[str, Any]) -> np.ndarray | None:
        """Return which of the weights among attributes are left, None if all are."""
        kept = attributes.get("other_state_", {}).get("afferents.kept")
        if kept is None:
            return None
        return self.weights_of(self.from_state({"afferents.w": kept})) > 0

    def snapshot_of(self, attributes: dict[str, Any]) -> np.ndarray:
        """Return what the history keeps of the weights, shape (n_maps, ...)."""
        return self.weights_of(attributes)

    @property
    def adapted_(self) -> np.ndarray:
        """The adaptive part of the thresholds."""
        raise NotImplementedError

    def threshold_name(self) -> str | None:
        """Return the parameter of the neuron that scales all thresholds, if any."""
        return None

    def n_unanswered(self, result: ChunkResult) -> int:
        """Return how many examples of a chunk were shown in vain."""
        return 0

    def _before_learning(self, learned: dict[str, Any]) -> dict[str, Any]:
        """Return further attributes to start from."""
        raise NotImplementedError

    # -- files --------------------------------------------------------------------

    def _stored(self, name: str) -> Any:
        """Return what a file holds of something learned."""
        if name == self._learned:
            return stored_weights(self)
        if name == "other_state_":
            return without_mask(self)
        if name in _STARTS:
            return stored_start(self, getattr(self, name))
        return super()._stored(name)

    @classmethod
    def read_tables(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Return parameters with parts made of their tables."""
        made = dict(params)
        bases = {**cls._tables, **dict.fromkeys(SCHEDULES, Schedule)}
        usual = {name: kind.__name__ for name, kind in SCHEDULES.items()} | cls._usual
        for name, base in bases.items():
            if isinstance(made.get(name), dict):
                made[name] = from_dict(base, made[name], default=usual.get(name))
        return made

    @classmethod
    def _from_plain(cls, params: dict[str, Any]) -> Self:
        params = cls.read_tables(params)
        for name, base in (("neuron", NeuronModel), ("rule", PlasticityRule)):
            if isinstance(params.get(name), dict):
                params[name] = from_dict(base, params[name])
        if params.get("encoding") is not None:
            params["encoding"] = Encoding.from_dict(params["encoding"])
        if params.get("image_shape") is not None:
            params["image_shape"] = tuple(params["image_shape"])
        return cls(**params)

    def _restore(self, name: str, value: Any) -> None:
        if name == "image_shape_":
            value = tuple(int(side) for side in value)
        if name in (self._learned, *_STARTS) and isinstance(value, dict):
            value = restored_weights(value)
        super()._restore(name, value)
