"""`ConvSTDP`: feature maps that learn shared kernels from unlabelled images."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from stdpnet.config import from_dict
from stdpnet.encoding import Encoding
from stdpnet.estimators.base import Progress
from stdpnet.estimators.features import compute_features, feature_dtype
from stdpnet.estimators.images import as_images
from stdpnet.estimators.learning import (
    Learning,
    check_contrast,
    learned_arrays,
    starting_state,
)
from stdpnet.estimators.parts import ConvParts
from stdpnet.estimators.recording import Recorder
from stdpnet.estimators.show import track
from stdpnet.estimators.voting import Voting
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import Geometry, SumPooling, WinnerTakeAll


class ConvSTDP(Voting, ConvParts):
    """One convolutional layer whose kernels learn by STDP; features are spike counts.

    Images become spikes, spikes drive feature maps through shared plastic
    kernels, and neurons at the same position compete. Labels play no part.
    `transform` presents images with learning off and returns how often each
    map spiked in each pooling window.

    Parameters
    ----------
    n_maps : int
        Number of feature maps, each with its own kernel.
    kernel_size : int
        Side of the square kernels, pixels.
    stride : int
        Distance of neighbouring positions, pixels.
    padding : int or "same"
        Pixels beyond the border that kernels may reach; "same" is half the
        kernel, whose size must be odd, and keeps the size of images at stride one.
    encoding : Encoding, optional
        How images become spikes; default: difference of Gaussians, rank order.
    neuron : NeuronModel, optional
        Model of the map's neurons; default `AdaptiveIF`.
    rule : PlasticityRule, optional
        Learning rule of the kernels; default `TraceSTDP`.
    inhibition : WinnerTakeAll, "winner-take-all" or None
        Competition between neurons; None switches it off.
    pool : int or SumPooling
        Pooling windows of the features; an integer means windows of that side
        without overlap.
    dt, presentation : Quantity or str, time
        Time step, and how long an image is shown, a multiple of it.
    n_epochs : int
        How often `fit` shows every image, unless the kernels converge before.
    fit_on : {"images", "patches"}
        Learn on whole images, where every position competes and learns, or on
        random patches of the kernel's size ("convolution over time"), which
        is far cheaper.
    patches_per_image : int
        Patches drawn of each image with ``fit_on="patches"``.
    feature_scale : float
        Factor on all thresholds while features are computed: below one, more
        maps respond at a position than during learning. It applies to the
        parameter `theta_scale` of the neuron, or else to `v_th`.
    feature_winners : int, optional
        Spikes after which a position is silent while features are computed;
        default: as during learning.
    tol : float
        `fit` stops when the mean of ``w (1 - w)``, with weights relative to
        `w_max`, is below; with binary weights, when that part of them has
        switched in a chunk. Zero: never.
    image_shape : tuple, optional
        (height, width[, channels]) of 2-D X.
    chunk_size : int
        Images in one run of the program. Part of the random numbers: the same
        seed gives the same weights for the same chunk size.
    dtype : {"float32", "float64"}
        Precision of the simulation.
    backend : {"auto", "cpp", "cython", "numpy"}
        Compiled C++, or Brian2's runtime targets.
    n_jobs : int, optional
        Parallel shards of `transform`.
    random_state : int, RandomState or None
        Seed of initial kernels, order of images and Poisson spikes.
    verbose : bool
        Whether to show progress on standard error.

    Notes
    -----
    A neuron sees input spikes one step after they arrive, so those of the last
    step of a presentation have no effect.

    Learning on patches shows each patch as an image of a single position; what
    neurons lose per image is spread over as many patches as an image has
    windows with any contrast, `stride` apart, so thresholds mean the same in both.

    Attributes
    ----------
    kernels_ : ndarray, shape (n_maps, kernel_size, kernel_size, channels)
        Learned kernels, ON channels first.
    thresholds_ : ndarray, shape (n_maps,)
        Adaptive part of the thresholds.
    counts_ : dict of int
        While learning: number of spikes of each population (`inputs.spikes`,
        `features.spikes`), of spikes that arrived at synapses (`afferents.events`)
        and of times that a rule was applied to a weight (`afferents.updates`).
    network_ : Network
        The network that sees whole images, from its parts.
    recordings_ : dict of ndarray
        What `fit` or `transform` recorded last, with units in the names
        ("features.v", or "features.v_mV" where it is a voltage).
    converged_ : bool
        Whether learning stopped because the kernels converged.
    history_ : dict of ndarray
        Per chunk: `n_shown`, `convergence`, `thresholds` and `spikes` (mean per
        presentation) of each map; `kernels` at up to 30 chunks (`kernels_shown`).
    n_shown_ : int
        Images (or patches) shown while learning.
    neuron_labels_ : ndarray, shape (n_features,)
        Class of each feature, after `label`.
    """

    _saved: ClassVar[tuple[str, ...]] = (
        "image_shape_",
        "n_features_in_",
        "max_value_",
        "seed_",
        "encoding_arrays_",
        "kernels_",
        "initial_kernels_",
        "thresholds_",
        "other_state_",
        "counts_",
        "recordings_",
        "history_",
        "n_chunks_",
        "n_shown_",
        "n_images_shown_",
        "converged_",
        "fitted_",
        "neuron_labels_",
        "classes_",
    )
    _optional: ClassVar[tuple[str, ...]] = (
        "other_state_",
        "counts_",
        "recordings_",
        "neuron_labels_",
        "classes_",
    )

    def __init__(
        self,
        n_maps: int = 32,
        kernel_size: int = 5,
        *,
        stride: int = 1,
        padding: int | str = "same",
        encoding: Encoding | None = None,
        neuron: NeuronModel | None = None,
        rule: PlasticityRule | None = None,
        inhibition: WinnerTakeAll | str | None = "winner-take-all",
        pool: int | SumPooling = 4,
        dt: Any = "1 ms",
        presentation: Any = "16 ms",
        n_epochs: int = 1,
        fit_on: str = "images",
        patches_per_image: int = 16,
        feature_scale: float = 1.0,
        feature_winners: int | None = None,
        tol: float = 0.01,
        image_shape: tuple[int, ...] | None = None,
        chunk_size: int = 250,
        dtype: str = "float32",
        backend: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.n_maps = n_maps
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.encoding = encoding
        self.neuron = neuron
        self.rule = rule
        self.inhibition = inhibition
        self.pool = pool
        self.dt = dt
        self.presentation = presentation
        self.n_epochs = n_epochs
        self.fit_on = fit_on
        self.patches_per_image = patches_per_image
        self.feature_scale = feature_scale
        self.feature_winners = feature_winners
        self.tol = tol
        self.image_shape = image_shape
        self.chunk_size = chunk_size
        self.dtype = dtype
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    # -- learning -----------------------------------------------------------------

    def fit(
        self, X: Any, y: Any = None, *, record: Mapping[str, Any] | None = None
    ) -> Self:
        """Learn kernels and thresholds from images; `y` is ignored.

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
        if resume:
            check_is_fitted(self, "kernels_")
        self.check_parameters()
        images = as_images(self, X, self.image_shape, reset=not resume)
        if not resume:
            self._start(images)
        recorder = Recorder(record)
        learning = Learning(self, recorder)
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
        first = not hasattr(self, "kernels_")
        self.check_parameters()
        images = as_images(self, X, self.image_shape, reset=first)
        if first:
            self._start(images)
        steps = Learning(self).run_in_order(images)
        for _ in self._track(steps, self.n_images_shown_ + len(images)):
            pass
        return self

    def _track(self, steps: Iterator[Progress], total: int) -> Iterator[Progress]:
        return track(steps, total, "learning", self.verbose, self.n_images_shown_)

    def _start(self, images: np.ndarray) -> None:
        """Set everything learned to where learning starts from."""
        for name in set(self._saved) - {"image_shape_", "n_features_in_"}:
            self.__dict__.pop(name, None)
        self.seed_ = int(check_random_state(self.random_state).randint(2**31))
        self.max_value_ = float(images.max()) or 1.0
        self.encoding_arrays_ = self._encoding().fit(images, max_value=self.max_value_)
        check_contrast(self, images)
        learned = learned_arrays(starting_state(self, self.layer()))
        numbers = dict.fromkeys(("n_chunks_", "n_shown_", "n_images_shown_"), 0)
        # In one step: Ctrl-C must not leave kernels without the rest.
        self.__dict__.update(
            {
                "thresholds_": np.zeros(self.n_maps, self.dtype),
                **learned,
                **numbers,
                "initial_kernels_": learned["kernels_"],
                "counts_": {},
                "history_": {},
                "converged_": False,
                "fitted_": False,
            }
        )

    # -- features -----------------------------------------------------------------

    def transform(
        self, X: Any, *, record: Mapping[str, Any] | None = None
    ) -> np.ndarray:
        """Return pooled spike counts of every map, with learning off.

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
        check_is_fitted(self, "kernels_")
        self.check_parameters()
        images = as_images(self, X, self.image_shape, reset=False)
        layer = self.layer()
        features: np.ndarray = np.empty(
            (len(images), np.prod(layer.features)), feature_dtype(layer, self.n_steps())
        )
        recorder = Recorder(record)
        chunks = compute_features(self, images, features, recorder)
        for _ in track(chunks, len(images), "features", self.verbose):
            pass
        if record:
            self.recordings_ = recorder.arrays(layer.network().describe())
        return features

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names such as ``"map3_y0_x5"``, in the order of `transform`."""
        check_is_fitted(self, "kernels_")
        height, width, n_maps = self.layer().features
        names = [
            f"map{m}_y{y}_x{x}"
            for y in range(height)
            for x in range(width)
            for m in range(n_maps)
        ]
        return np.array(names, dtype=object)

    # -- files --------------------------------------------------------------------

    def _restore(self, name: str, value: Any) -> None:
        if name == "image_shape_":
            value = tuple(int(side) for side in value)
        super()._restore(name, value)

    @classmethod
    def _from_plain(cls, params: dict[str, Any]) -> Self:
        params = dict(params)
        bases = {"neuron": NeuronModel, "rule": PlasticityRule}
        bases |= {"inhibition": Geometry, "pool": Geometry}
        for name, base in bases.items():
            if isinstance(params.get(name), dict):
                params[name] = from_dict(base, params[name])
        if params.get("encoding") is not None:
            params["encoding"] = Encoding.from_dict(params["encoding"])
        if params.get("image_shape") is not None:
            params["image_shape"] = tuple(params["image_shape"])
        return cls(**params)
