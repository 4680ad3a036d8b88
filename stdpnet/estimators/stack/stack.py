"""`ConvStack`: convolutional layers that learn one after the other."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from stdpnet.estimators.base import Progress, derived_seed
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.images import as_images
from stdpnet.estimators.stack import checks
from stdpnet.estimators.stack.files import StackFiles
from stdpnet.estimators.stack.member import StackedConv, Stage
from stdpnet.estimators.stack.over_layers import OverLayers
from stdpnet.models.neurons import LatencyIF, NeuronModel

#: What the stack decides for all its layers.
_OF_STACK = ("image_shape", "chunk_size", "backend", "n_jobs", "verbose")


class ConvStack(OverLayers, StackFiles, TransformerMixin, _BaseComposition):
    """Convolutional layers that learn by STDP one after the other, without labels.

    The first layer learns from images. Then its kernels and thresholds stay, and the
    next layer learns from its spikes, and so on. Features are the spike counts of the
    last layer, or of several.

    Parameters
    ----------
    layers : list of (str, ConvSTDP)
        Names (letters, digits and _) and layers, the first one sees the images. `dt`,
        `presentation` and `dtype` must agree; the encoding is that of the first. Their
        `image_shape`, `chunk_size`, `backend`, `n_jobs`, `random_state` and `verbose`
        are not used. `feature_scale` and `feature_winners` also hold for what a layer
        passes on.
    residual : dict of str to str or list of str, optional
        Earlier layers whose spikes a layer sees too, added to those of the layer before
        it: ``{"conv3": "conv1"}``. Sizes must agree.
    pooling : dict of str to int or SumPooling, optional
        Pooling between a layer and the next, by the name of the lower one.
    pool_neuron : NeuronModel, optional
        Neuron of a pooling window, which gets the spikes of a window with weight one;
        default: ``LatencyIF(v_th=0.5)``, which passes on the first spike of a
        window. ``SoftResetIF(v_th=4)`` takes the average of a window of 2x2.
    features : "last", "all" or list of str
        Layers whose counts are the features, lower ones first.
    image_shape : tuple, optional
        (height, width[, channels]) of 2-D X.
    chunk_size : int
        Images in one run of a program.
    backend : {"auto", "cpp", "cython", "numpy"}
        Compiled C++, or Brian2's runtime targets.
    n_jobs : int, optional
        Parallel shards of `transform`.
    random_state : int, RandomState or None
        Seed. The first layer is the same as a `ConvSTDP` with this `random_state`.
    verbose : bool
        Whether to show progress on standard error.

    Attributes
    ----------
    members_ : dict of ConvSTDP
        The layers, fitted: kernels, thresholds, history.
    top_ : ConvSTDP
        The layer that computes the features, with those below in one program.
    recordings_ : dict of ndarray
        What `transform` recorded last.

    Raises
    ------
    ValueError
        From `fit`, if layers do not fit the images or each other, or if a layer with
        others above does not spike.

    Notes
    -----
    A layer adds one time step to the way of a spike, a pooling and a sum of several
    layers one each; presentations in deeper layers are longer by as many.

    A residual input is a population of `SoftResetIF` neurons with unit weights, which
    passes on every spike of its sources: two at the same time one after the other.

    References
    ----------
    Greedy layers: Kheradpisheh et al. (2018), doi:10.1016/j.neunet.2017.12.005. Residual
    inputs: in the manner of Srinivasan and Roy (2019), doi:10.3389/fnins.2019.00189
    (abstract and caption of Fig. 1).

    Examples
    --------
    >>> from stdpnet import ConvSTDP, ConvStack
    >>> stack = ConvStack(
    ...     [("conv1", ConvSTDP(16, 5)), ("conv2", ConvSTDP(32, 3))],
    ...     pooling={"conv1": 2},
    ... )
    >>> features = stack.fit(images).transform(images)  # doctest: +SKIP
    """

    def __init__(
        self,
        layers: list[tuple[str, Any]],
        *,
        residual: Mapping[str, Any] | None = None,
        pooling: Mapping[str, Any] | None = None,
        pool_neuron: NeuronModel | None = None,
        features: Any = "last",
        image_shape: tuple[int, ...] | None = None,
        chunk_size: int = 250,
        backend: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.layers = layers
        self.residual = residual
        self.pooling = pooling
        self.pool_neuron = pool_neuron
        self.features = features
        self.image_shape = image_shape
        self.chunk_size = chunk_size
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return parameters; with `deep` also ``conv1__n_maps`` and the like."""
        params: dict[str, Any] = self._get_params("layers", deep=deep)
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of layers: ``conv2__rule__learning_rate=0.02``."""
        self._set_params("layers", **params)
        return self

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any images."""
        checks.check_layers(self.layers)
        checks.poolings(self.pooling, self._names)
        checks.residuals(self.residual, self._names)
        checks.read_layers(self.features, self._names)
        if not isinstance(self._pooler(), NeuronModel):
            raise ValueError(
                "ConvStack.pool_neuron must be a NeuronModel or None, got "
                f"{self.pool_neuron!r}"
            )
        self._placed(self.layers[0][1])._check_common()

    @property
    def _names(self) -> list[str]:
        return [name for name, _ in self.layers]

    def _pooler(self) -> NeuronModel:
        return LatencyIF(v_th=0.5) if self.pool_neuron is None else self.pool_neuron

    # -- layers -------------------------------------------------------------------

    def _placed(self, layer: ConvSTDP, kind: type[ConvSTDP] = ConvSTDP) -> Any:
        """Return a layer that is not fitted, as the stack has it."""
        params = layer.get_params(deep=False)
        params |= {name: getattr(self, name) for name in _OF_STACK}
        return kind(**params)

    def _place(self, members: dict[str, Any]) -> None:
        """Take over layers, not fitted or fitted, and join each with those below."""
        windows = checks.poolings(self.pooling, self._names)
        added = checks.residuals(self.residual, self._names)
        below: tuple[Stage, ...] = ()
        for name, one in members.items():
            if below:
                one.below_, one.name_ = below, name
                one.added_, one.pooler_ = added.get(name, ()), self._pooler()
            stage = Stage(name, one, windows.get(name), added.get(name, ()))
            below = (*below, stage)
        self.members_ = members
        first = next(iter(members.values()))
        for name in ("image_shape_", "n_features_in_"):
            if hasattr(first, name):
                setattr(self, name, getattr(first, name))

    def _start(self) -> None:
        """Make all layers anew."""
        self.check_parameters()
        self.seed_ = int(check_random_state(self.random_state).randint(2**31))
        members = {}
        for number, (name, layer) in enumerate(self.layers):
            one = self._placed(layer, StackedConv if number else ConvSTDP)
            one.random_state = derived_seed(self.seed_, number)
            members[name] = one
        members[self._names[0]].random_state = self.random_state
        self._place(members)

    def layers_for(self, X: Any) -> list[Any]:
        """Return the descriptions of all layers on such images.

        Raises
        ------
        ValueError
            If kernels or residual inputs do not fit.
        """
        made = clone(self)
        made._start()
        images = as_images(made, X, made.image_shape, reset=True)
        return [one.layer() for one in made._fitting(images)]

    def _fitting(self, images: np.ndarray) -> list[Any]:
        """Return the layers with their size, once each has been found to fit."""
        members = list(self.members_.items())
        for number, (name, one) in enumerate(members):
            one.image_shape_ = images.shape[1:]
            one.n_features_in_ = int(np.prod(images.shape[1:]))
            try:
                layer = one.layer()
                layer.network()
            except ValueError as error:
                raise checks.placed(name, error) from error
            if number:
                own = Stage(name, one, None, one.added_)
                checks.check_sizes((*layer.below, own.lower(layer.inputs)))
        return [one for _, one in members]

    # -- learning -----------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn layer after layer; `y` is ignored.

        Parameters
        ----------
        X : array-like, shape (n, height, width[, channels]) or (n, n_features)
            Images, at least zero. The largest value counts as white.
        y : ignored
            Labels play no part.

        Raises
        ------
        ValueError
            If X or a parameter cannot be used, or a layer stays silent.
        ProgramError
            If a network cannot be built or a chunk fails.
        """
        for _ in self.fit_steps(X):
            pass
        return self

    def fit_steps(self, X: Any, *, resume: bool = False) -> Iterator[Progress]:
        """Learn like `fit`, but come back after every chunk.

        With `resume`, learning goes on after the last chunk of a stack that was saved,
        with the same X and the same parameters.

        Yields
        ------
        Progress
            How far learning is, over all layers.
        """
        if resume:
            check_is_fitted(self, "members_")
            self.check_parameters()
        else:
            self._start()
        images = as_images(self, X, self.image_shape, reset=not resume)
        self._fitting(images)
        total = sum(len(images) * one.n_epochs for one in self.members_.values())
        done, below = 0, None
        for name, one in self.members_.items():
            if not getattr(one, "fitted_", False):
                if isinstance(one, StackedConv):
                    one.read_ = ()  # its features may have been looked at before
                for step in one.fit_steps(images, resume=one.has_started):
                    yield Progress(
                        done + step.n_shown, total, step.convergence, step.spikes
                    )
            self._check_spikes(name, one, below)
            done, below = done + len(images) * one.n_epochs, name

    def _check_spikes(self, name: str, one: Any, below: str | None) -> None:
        if one.history_["spikes"][-1].any():
            return
        text = checks.why_silent(name, one, below)
        if name != self._names[-1]:
            raise ValueError(text)
        warnings.warn(text, stacklevel=3)

    # -- features -----------------------------------------------------------------

    @property
    def top_(self) -> Any:
        """The layer that computes the features, with those below in one program.

        While the stack learns, the highest one that has begun.
        """
        check_is_fitted(self, "members_")
        begun = [name for name, one in self.members_.items() if one.has_started]
        read = checks.read_layers(self.features, self._names)
        read = tuple(name for name in read if name in begun) or tuple(begun[-1:])
        one = self.members_[read[-1]]
        one.set_params(n_jobs=self.n_jobs, verbose=self.verbose, backend=self.backend)
        if isinstance(one, StackedConv):
            one.read_ = read[:-1]
        return one

    def transform(
        self, X: Any, *, record: Mapping[str, Any] | None = None
    ) -> np.ndarray:
        """Return spike counts, with learning off.

        Parameters
        ----------
        X : array-like, shape (n, height, width[, channels]) or (n, n_features)
            Images of the shape that the stack was fitted on.
        record : dict, optional
            What to record, for example ``{"conv1.spikes": True}``; the last layer is
            named ``features``. It is in `recordings_` then.

        Returns
        -------
        ndarray of uint8 or uint16, shape (n, n_features_out)
            Counts of each layer, those of lower layers first, channels last.
        """
        top = self.top_
        features: np.ndarray = top.transform(X, record=record)
        if record:
            self.recordings_ = top.recordings_
        return features

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names such as ``"conv2_map3_y0_x5"``, in the order of `transform`."""
        check_is_fitted(self, "members_")
        names = [
            f"{name}_{feature}"
            for name in checks.read_layers(self.features, self._names)
            for feature in self.members_[name].get_feature_names_out()
        ]
        return np.array(names, dtype=object)
