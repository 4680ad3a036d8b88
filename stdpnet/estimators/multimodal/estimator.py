"""`MultimodalSTDP`: ensembles of several senses that learn together and excite each other."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from stdpnet.estimators.base import Progress, derived_seed
from stdpnet.estimators.images import as_images
from stdpnet.estimators.learning import START
from stdpnet.estimators.multimodal.checks import (
    check_cross,
    check_members,
    check_numbers,
    check_pairs,
    check_sizes,
    naming,
    totals_of,
)
from stdpnet.estimators.multimodal.counting import compute_counts
from stdpnet.estimators.multimodal.files import Files
from stdpnet.estimators.multimodal.joined import JoinedLayers
from stdpnet.estimators.multimodal.learning import Images, JointLearning
from stdpnet.estimators.multimodal.progress import JointProgress
from stdpnet.estimators.multimodal.recalling import Recalling
from stdpnet.estimators.multimodal.voting import JointVoting
from stdpnet.estimators.show import track
from stdpnet.models.plasticity import PlasticityRule, PowerLawSTDP
from stdpnet.units import ms

#: Use of randomness: connections that are shuffled.
SHUFFLE_CROSS = 7


def default_cross_rule() -> PowerLawSTDP:
    """Return the rule of the connections between modalities."""
    return PowerLawSTDP(
        learning_rate=0.01, offset=0.005, mu=0.9, tau_pre=20 * ms, w_max=25.0
    )


class MultimodalSTDP(
    JointVoting, Recalling, JointProgress, Files, TransformerMixin, _BaseComposition
):
    """Unimodal ensembles joined by excitatory connections that STDP learns.

    Each modality has a network of its own, which sees its own data. Every neuron of one
    excites every neuron of the others, and those connections grow between neurons that
    spike together. What one modality recognizes then helps the others, above all
    where these are noisy. Examples are pairs (or more) of the same thing, an image and
    a sound; labels play no part.

    Parameters
    ----------
    modalities : list of (str, ConvSTDP or FullyConnectedSTDP)
        Names (letters and digits) and networks, of either kind or both. `dt`,
        `presentation`, `rest` and `dtype` must agree (see Notes). Their `n_epochs`,
        `n_settle`, `chunk_size`, `backend`, `n_jobs`, `random_state` and `verbose` are
        not used.
    cross_rule : PlasticityRule or None
        How connections between modalities learn; default: a power-law rule. None:
        there are no such connections.
    cross_total : float or dict of float
        Sum of the weights that each neuron gets from another modality, restored before
        every presentation while learning; a dict has that of the neurons of each
        modality, as a weight means something else to other neurons. With the rule's
        `w_max` it is the bound of what one modality can do to another.
    cross_scale : float
        Factor on those weights when features are computed; zero: without them.
    cross_while_learning : bool
        Whether connections act already while all is being learned, or learn only, so
        that each modality finds its own features first.
    n_epochs : int
        How often `fit` shows every pair.
    n_settle : int
        As for `FullyConnectedSTDP`, in pairs.
    chunk_size, backend, n_jobs, random_state, verbose
        As for `FullyConnectedSTDP`.

    Attributes
    ----------
    members_ : dict of ConvSTDP or FullyConnectedSTDP
        The networks, fitted: their weights, thresholds and history.
    cross_weights_ : dict of ndarray, shape (n_source, n_target)
        Learned connections, by (source, target). Those of a `ConvSTDP` join its neurons,
        not pooled: ``(y * columns + x) * n_maps + map``.
    n_pairs_shown_ : int
        Pairs shown while learning.
    votes_, classes_
        After `label`: one classifier for each modality, and the classes.

    Raises
    ------
    ValueError
        From `fit`, if modalities do not fit each other.

    Notes
    -----
    All see one presentation, with `rest` after it where a network has one, and each
    encodes its data for the whole of it. A `ConvSTDP` has other defaults than a
    `FullyConnectedSTDP`: joined, it wants ``dt="0.5 ms", presentation="350 ms"`` and
    times of its rule to match, or a Poisson code. Its neurons start each presentation
    anew, those of a `FullyConnectedSTDP` go on. Where it rests with others, it also
    sees the input of the last step.

    An example is shown again, brighter, while one of the modalities that are given and
    have `again` spikes too little (as the first of them says); inputs without rates
    stay as they are. A modality that is not given has no input; what the others evoke
    in it is among its counts.

    A network whose weights have converged (`tol`) learns no more in this `fit`; the
    others and the connections go on.

    Same-class pairs are weak supervision: whoever makes them knows classes.

    References
    ----------
    Rathi and Roy (2018), doi:10.1109/TETCI.2018.2872014, of which only the abstract was
    read: excitatory connections between two ensembles, power-law STDP. Sizes and
    constants are ours.

    Examples
    --------
    >>> from stdpnet import ConvSTDP, FullyConnectedSTDP, MultimodalSTDP
    >>> from stdpnet.models.plasticity import TraceSTDP
    >>> model = MultimodalSTDP(
    ...     [("image", FullyConnectedSTDP(100)), ("audio", FullyConnectedSTDP(100))]
    ... )
    >>> model.fit({"image": images, "audio": sounds})  # doctest: +SKIP

    Feature maps that look while the ensemble hears, each in its own units of weights:

    >>> maps = ConvSTDP(
    ...     24, 7, stride=2, pool=5, dt="0.5 ms", presentation="350 ms",
    ...     rule=TraceSTDP(tau_pre="220 ms"),
    ... )
    >>> model = MultimodalSTDP(
    ...     [("image", maps), ("audio", FullyConnectedSTDP(200))],
    ...     cross_total={"image": 10.0, "audio": 500.0},
    ... )
    """

    def __init__(
        self,
        modalities: list[tuple[str, Any]],
        *,
        cross_rule: PlasticityRule | None = default_cross_rule(),  # noqa: B008 (frozen)
        cross_total: float | Mapping[str, float] = 100.0,
        cross_scale: float = 1.0,
        cross_while_learning: bool = False,
        n_epochs: int = 1,
        n_settle: int = 0,
        chunk_size: int = 250,
        backend: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.modalities = modalities
        self.cross_rule = cross_rule
        self.cross_total = cross_total
        self.cross_scale = cross_scale
        self.cross_while_learning = cross_while_learning
        self.n_epochs = n_epochs
        self.n_settle = n_settle
        self.chunk_size = chunk_size
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return parameters; with `deep` also ``image__n_neurons`` and the like."""
        params: dict[str, Any] = self._get_params("modalities", deep=deep)
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of networks: ``image__n_neurons=400``."""
        self._set_params("modalities", **params)
        return self

    # -- learning -----------------------------------------------------------------

    def fit(self, X: Mapping[str, Any], y: Any = None) -> Self:
        """Learn from pairs; `y` is ignored.

        Parameters
        ----------
        X : dict of array-like, shape (n, height, width[, channels]) or (n, n_features)
            For each modality; the rows of one index belong together.
        y : ignored
            Labels play no part.

        Raises
        ------
        ValueError
            If a modality is missing or unknown, numbers differ, or data or parameters
            cannot be used.
        ProgramError
            If the network cannot be built or a chunk fails.
        """
        for _ in self.fit_steps(X):
            pass
        return self

    def fit_steps(
        self, X: Mapping[str, Any], *, resume: bool = False
    ) -> Iterator[Progress]:
        """Learn like `fit`, but come back after every chunk (see `FullyConnectedSTDP`).

        Yields
        ------
        Progress
            How far learning is.
        """
        if resume:
            check_is_fitted(self, "members_")
        self.check_parameters()
        images = self._images(X, reset=not resume)
        if not resume:
            self._start(images)
        n_pairs = len(next(iter(images.values())))
        steps = JointLearning(self).run(images, self.n_epochs)
        yield from track(
            steps,
            n_pairs * self.n_epochs,
            "learning",
            self.verbose,
            self.n_pairs_shown_,
        )
        for one in self.members_.values():
            one.fitted_ = True

    def partial_fit(self, X: Mapping[str, Any], y: Any = None) -> Self:
        """Learn from one more batch of pairs, in the given order."""
        first = not hasattr(self, "members_")
        self.check_parameters()
        images = self._images(X, reset=first)
        if first:
            self._start(images)
        for _ in JointLearning(self).run_in_order(images):
            pass
        return self

    def _images(self, X: Mapping[str, Any], *, reset: bool) -> Images:
        """Return the images of all modalities that are given."""
        members = dict(self.modalities) if reset else self.members_
        check_pairs(X, members, complete=True)
        if reset:
            members = {name: clone(one) for name, one in members.items()}
            self._new_members = members
        return self._checked_images(X, members, reset=reset)

    @staticmethod
    def _checked_images(
        X: Mapping[str, Any], members: Mapping[str, Any], *, reset: bool
    ) -> Images:
        images = {}
        for name, one in members.items():
            if name in X:
                with naming(name):
                    images[name] = as_images(one, X[name], one.image_shape, reset=reset)
        return images

    def _start(self, images: Images) -> None:
        members = self.__dict__.pop("_new_members")
        seed = int(check_random_state(self.random_state).randint(2**31))
        for number, (name, one) in enumerate(members.items()):
            common = {"n_epochs", "n_settle", "chunk_size"} & one.get_params().keys()
            one.set_params(
                random_state=derived_seed(seed, number) % 2**31,
                **{name: getattr(self, name) for name in common},
            )
            with naming(name):
                one.check_parameters()
                one._start(images[name])
        layers = self._joined(members)
        check_sizes(layers.layers, layers.connections.values())
        start = layers.network().initial_state(derived_seed(seed, START))
        cross = {
            name: values
            for name, values in start.items()
            if name.partition(".")[0] in layers.connections
        }
        for name in ("votes_", "classes_"):
            self.__dict__.pop(name, None)
        self.__dict__.update(
            {
                "members_": members,
                "cross_state_": cross,
                "seed_": seed,
                "n_chunks_": 0,
                "n_pairs_shown_": 0,
            }
        )

    # -- features -----------------------------------------------------------------

    def counts(self, X: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the spike counts of every modality, with learning off.

        Parameters
        ----------
        X : dict of array-like
            As for `fit`; modalities may be missing.

        Returns
        -------
        dict of ndarray of uint16, shape (n, n_features)
            Of each neuron, or of each map in each pooling window of a `ConvSTDP`.
        """
        return self._counts(X)

    def _counts(
        self, X: Mapping[str, Any], *, pooled: bool = True
    ) -> dict[str, np.ndarray]:
        check_is_fitted(self, "members_")
        self.check_parameters()
        check_pairs(X, self.members_, complete=False)
        images = self._checked_images(X, self.members_, reset=False)
        return compute_counts(self, images, pooled=pooled)

    def transform(self, X: Mapping[str, Any]) -> np.ndarray:
        """Return the spike counts of all modalities, one after the other.

        Returns
        -------
        ndarray of uint16, shape (n, total number of features)
        """
        return np.concatenate(list(self.counts(X).values()), axis=1)

    # -- what the parts are -------------------------------------------------------

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any data."""
        check_members(self.modalities)
        check_numbers(self)
        totals = totals_of(self.cross_total, dict(self.modalities))
        check_cross(self.cross_rule, totals, self.cross_scale)

    def layers_for(self, X: Mapping[str, Any]) -> list[JoinedLayers]:
        """Return the layers that learn from such data, and those that compute features."""
        self.check_parameters()
        self._images(X, reset=True)
        members = self.__dict__.pop("_new_members")
        ways = dict.fromkeys((self.cross_while_learning, True))
        return [self._joined(members, acts=acts) for acts in ways]

    def shuffled(self, seed: int = 0) -> Self:
        """Return a copy of which each neuron gets its weights from other neurons.

        For every target neuron the weights of its sources are permuted: their sum and
        histogram stay, and what they have learned is lost. The control for all that
        connections between modalities do.
        """
        made = self.copy()
        rng = np.random.default_rng(derived_seed(seed, SHUFFLE_CROSS))
        for name in self.joined().connections:
            w = made.cross_state_[f"{name}.w"]
            made.cross_state_[f"{name}.w"] = rng.permuted(w, axis=0)
        return made
