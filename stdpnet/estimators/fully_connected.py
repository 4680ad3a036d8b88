"""`FullyConnectedSTDP`: neurons that each learn to answer one kind of whole image."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from stdpnet.compression import PruningSchedule, QuantizationSchedule
from stdpnet.encoding import Encoding, Filter
from stdpnet.estimators.base import derived_seed
from stdpnet.estimators.dense_parts import DenseParts
from stdpnet.estimators.images import checked_shape, default_shape
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.learning import START, starting_state
from stdpnet.estimators.parts import is_real
from stdpnet.models.lateral import LateralInhibition
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.parts import Again
from stdpnet.models.plasticity import PlasticityRule

#: Neurons whose weights the history keeps.
SNAPSHOTS = 36


class FullyConnectedSTDP(DenseParts):
    """A dense ensemble that learns prototypes by STDP; features are spike counts.

    Every pixel is a Poisson input, joined to every neuron by a plastic synapse (with
    `PoissonFrames`, every row; pixels follow one another in time). Neurons
    inhibit each other, so that one or few answer an image and move their weights
    towards it; thresholds that rise with every spike let all have their turn. Labels
    play no part. `label` then names each neuron after the class that it prefers, and
    `predict` lets them vote.

    Parameters
    ----------
    n_neurons : int
        Number of neurons.
    encoding : Encoding, optional
        How images become spikes; default: intensities as Poisson rates up to 63.75 Hz.
    neuron : NeuronModel, optional
        Default `ConductanceLIF`, whose defaults are the excitatory neurons of Diehl and
        Cook.
    rule : PlasticityRule, optional
        Default `TripletSTDP`, the rule of the released code.
    inhibition : LateralInhibition, "explicit", "direct" or None
        By an inhibitory population, as published, or without one; None: none at all.
    mean_weight : float or None
        The weights of every neuron are scaled to this mean before every presentation
        while learning: 78 over 784 inputs. None: never.
    start_weight : float
        Weights start as ``w_max start_weight (u + 0.01)`` with `u` uniform in [0, 1),
        or as the rule has it where it has levels.
    dt, presentation : Quantity or str, time
        Time step, and how long an image is shown, a multiple of it.
    rest : Quantity or str, time, or None
        How long the network goes on without input after each presentation.
    max_delay : Quantity or str, time, or None
        Input spikes reach each synapse after a delay of its own, drawn evenly from zero
        to this: ``"10 ms"`` in the released code. Much slower.
    again : Again or None
        When an image is shown again, brighter, because few neurons answered.
    n_epochs : int
        How often `fit` shows every image.
    n_settle : int
        At the last so many of the images that `fit` shows, or the last half if that is
        fewer, weights are fixed, and only thresholds adapt, at a fifth of their rates:
        they no longer depend on which digits came last. Not if `tol` ends learning
        before.
    tol : float
        `fit` stops when the mean of ``w (1 - w)``, with weights relative to `w_max`, is
        below. Zero: never.
    pruning, quantization, image_shape, chunk_size, dtype, backend, n_jobs, random_state, verbose
        As for `ConvSTDP`. A chunk begins at rest.

    Attributes
    ----------
    weights_ : ndarray, shape (n_inputs, n_neurons)
        Learned weights.
    thresholds_ : ndarray, shape (n_neurons,)
        Effective thresholds ``v_th + theta`` (``v_half + theta``, if neurons have that),
        in mV where potentials are voltages.
    kernels_ : ndarray, shape (n_neurons, height, width, channels)
        The weights as images: receptive fields. With `PoissonFrames` of width 1.
    counts_ : dict of int
        While learning: numbers of spikes, of synaptic events and of weight updates.
    n_shown_, n_images_shown_ : int
        Presentations while learning, and images.
    levels_, history_, network_, recordings_, neuron_labels_
        As in `ConvSTDP`; `history_["kernels"]` has the first 36 neurons.

    Warns
    -----
    UserWarning
        If images had too few spikes as often as `again` allows, with their number.

    Notes
    -----
    Numbers are those of the released code, which differs from the article in the rule.
    Different here: potentials start at rest, and there is a limit to repetitions.

    References
    ----------
    Diehl and Cook (2015), doi:10.3389/fncom.2015.00099; released code
    peter-u-diehl/stdp-mnist.
    """

    _learned: ClassVar[str] = "weights_"
    _tables: ClassVar[dict[str, type]] = {"inhibition": LateralInhibition}
    _saved: ClassVar[tuple[str, ...]] = (
        "weights_",
        "initial_weights_",
        *Learner._saved,
    )
    _optional: ClassVar[tuple[str, ...]] = ("initial_weights_", *Learner._optional)
    weights_: np.ndarray
    other_state_: dict[str, np.ndarray]

    def __init__(
        self,
        n_neurons: int = 100,
        *,
        encoding: Encoding | None = None,
        neuron: NeuronModel | None = None,
        rule: PlasticityRule | None = None,
        inhibition: LateralInhibition | str | None = "explicit",
        mean_weight: float | None = 78 / 784,
        start_weight: float = 0.3,
        dt: Any = "0.5 ms",
        presentation: Any = "350 ms",
        rest: Any = "150 ms",
        max_delay: Any = None,
        again: Again | None = Again(),  # noqa: B008 (frozen)
        n_epochs: int = 1,
        n_settle: int = 0,
        tol: float = 0.0,
        pruning: PruningSchedule | None = None,
        quantization: QuantizationSchedule | None = None,
        image_shape: tuple[int, ...] | None = None,
        chunk_size: int = 250,
        dtype: str = "float32",
        backend: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.n_neurons = n_neurons
        self.encoding = encoding
        self.neuron = neuron
        self.rule = rule
        self.inhibition = inhibition
        self.mean_weight = mean_weight
        self.start_weight = start_weight
        self.dt = dt
        self.presentation = presentation
        self.rest = rest
        self.max_delay = max_delay
        self.again = again
        self.n_epochs = n_epochs
        self.n_settle = n_settle
        self.tol = tol
        self.pruning = pruning
        self.quantization = quantization
        self.image_shape = image_shape
        self.chunk_size = chunk_size
        self.dtype = dtype
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @classmethod
    def from_arrays(
        cls,
        weights: ArrayLike,
        thresholds: ArrayLike,
        *,
        image_shape: tuple[int, ...] | None = None,
        max_value: float = 255.0,
        **params: Any,
    ) -> Self:
        """Make a network of weights and thresholds that were learned elsewhere.

        Parameters
        ----------
        weights : array-like, shape (n_inputs, n_neurons)
            From zero to the rule's `w_max`.
        thresholds : array-like, shape (n_neurons,)
            Effective thresholds ``v_th + theta``, in mV where potentials are voltages
            (see `thresholds_`).
        image_shape : tuple, optional
            (height, width[, channels]); default: square and grey.
        max_value : float
            Pixel value that counts as white.
        **params
            Parameters of `FullyConnectedSTDP` but `n_neurons`.

        Returns
        -------
        FullyConnectedSTDP
            Ready for `label`, `predict` and `transform`.

        Raises
        ------
        ValueError
            If shapes disagree, values are not finite, weights are out of range, neurons
            have other thresholds, or the encoding has to learn from images.

        Examples
        --------
        The released code of Diehl and Cook saves thresholds `theta` in volts, above
        which it adds 20 mV less than its base of -52 mV:

        >>> theta = np.array([0.040, 0.035])
        >>> weights = np.full((784, 2), 0.1)
        >>> network = FullyConnectedSTDP.from_arrays(weights, 1000 * theta - 72)
        >>> network.thresholds_
        array([-32., -37.])
        """
        w, limits = _checked_arrays(weights, thresholds)
        if not (is_real(max_value) and max_value > 0):
            raise ValueError(f"max_value must be a number > 0, got {max_value!r}")
        made = cls(w.shape[1], image_shape=image_shape, **params)
        made.check_parameters()
        made._part("rule", PlasticityRule).check_weights(w, "weights")
        made._set_images(len(w), image_shape)
        made.seed_ = int(check_random_state(made.random_state).randint(2**31))
        made.max_value_ = float(max_value)
        made.encoding_arrays_ = {}
        made.__dict__.update(made._from_learned(w, limits))
        made.n_chunks_ = made.n_shown_ = made.n_images_shown_ = 0
        made.counts_, made.history_ = {}, {}
        made.converged_, made.fitted_ = False, True
        return made

    def _set_images(self, n_inputs: int, image_shape: tuple[int, ...] | None) -> None:
        """Set the shape of the images that fits a number of inputs."""
        encoding = self._encoding()
        if type(encoding.filter).fit is not Filter.fit:
            self._refuse("encoding", "one whose filter learns nothing from images")
        given = checked_shape(type(self).__name__, image_shape)
        if given is None and encoding.code.over_time:
            self._refuse("image_shape", "given where columns are frames")
        given = given or default_shape(n_inputs // encoding.n_channels(1))
        height, width, channels = (*given, 1)[:3]
        self.image_shape_ = (height, width, channels)
        self.n_features_in_ = height * width * channels
        *_, height, width, channels = encoding.stimulus_shape(self.image_shape_)
        wanted = height * width * channels
        if wanted != n_inputs:
            raise ValueError(
                f"weights must have {wanted} rows for images of shape "
                f"{self.image_shape_}, got {n_inputs}"
            )

    def _from_learned(self, w: np.ndarray, limits: np.ndarray) -> dict[str, Any]:
        """Return the attributes for weights and effective thresholds."""
        layer = self.layer()
        state = layer.network().initial_state(self.seed_)
        scale, v_th = self._threshold_scale()
        theta = limits / scale - v_th
        if "features.theta" in state:
            state["features.theta"] = theta
        elif np.abs(theta).max() > 1e-9 * max(1.0, abs(v_th)):
            raise ValueError(
                f"thresholds must all be {scale * v_th:g}, as those of "
                f"{layer.neuron.title} do not adapt, got {limits[np.abs(theta).argmax()]:g}"
            )
        w = w.reshape(*layer.inputs, -1).astype(layer.dtype)
        state["afferents.w"] = w
        for name, values in layer.rule.synapses(w).items():
            state[f"afferents.{name}"] = values
        state.pop("afferents.kept", None)  # what is not zero is left
        return self.from_state(state)

    # -- learned ------------------------------------------------------------------

    @property
    def kernels_(self) -> np.ndarray:
        """The weights as images, shape (n_neurons, height, width, channels)."""
        return self._as_images(self.weights_)

    @property
    def initial_kernels_(self) -> np.ndarray:
        """The weights before learning as images."""
        return self._as_images(self.initial_weights_)

    def _as_images(self, weights: np.ndarray) -> np.ndarray:
        inputs = self.layer().inputs
        return np.moveaxis(weights.reshape(*inputs, -1), -1, 0)

    @property
    def thresholds_(self) -> np.ndarray:
        """Effective thresholds, in mV where potentials are voltages."""
        return self.thresholds_of(self.__dict__)

    def _state(self) -> dict[str, np.ndarray]:
        layer = self.layer()
        w = self.weights_.reshape(*layer.inputs, -1)
        fixed = layer.network().initial_state(learned=False)
        return {**fixed, **self.other_state_, "afferents.w": w}

    def _starting_state(self) -> dict[str, np.ndarray]:
        layer = self.layer()
        start = starting_state(self, layer)
        if layer.rule.levels is None:
            rng = np.random.default_rng(derived_seed(self.seed_, START))
            uniform = rng.uniform(size=start["afferents.w"].shape)
            w = layer.rule.w_max * self.start_weight * (uniform + 0.01)
            start["afferents.w"] = w.astype(layer.dtype)
        return start

    def from_state(self, found: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return what a program left as attributes."""
        learned = ("afferents.", "features.")
        others = {n: values for n, values in found.items() if n.startswith(learned)}
        w = others.pop("afferents.w")
        return {"weights_": w.reshape(-1, w.shape[-1]), "other_state_": others}

    def _before_learning(self, learned: dict[str, Any]) -> dict[str, Any]:
        return {"initial_weights_": learned["weights_"]}

    def weights_of(self, attributes: dict[str, Any]) -> np.ndarray:
        """Return the weights among attributes."""
        return np.asarray(attributes["weights_"])

    def snapshot_of(self, attributes: dict[str, Any]) -> np.ndarray:
        """Return the first receptive fields."""
        return self._as_images(attributes["weights_"])[:SNAPSHOTS]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return ``"neuron0"``, ``"neuron1"``, ..., in the order of `transform`."""
        check_is_fitted(self, "weights_")
        return np.array([f"neuron{n}" for n in range(self.n_neurons)], dtype=object)

    @classmethod
    def read_tables(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Return parameters with parts made of their tables."""
        made = super().read_tables(params)
        if made.get("again") is not None:
            made["again"] = Again.from_table(made["again"])
        return made


def _checked_arrays(
    weights: ArrayLike, thresholds: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    w, limits = np.asarray(weights), np.asarray(thresholds)
    if w.ndim != 2 or limits.shape != w.shape[1:]:
        raise ValueError(
            "weights must have shape (n_inputs, n_neurons) and thresholds (n_neurons,), "
            f"got {w.shape} and {limits.shape}"
        )
    for name, values in (("weights", w), ("thresholds", limits)):
        if values.dtype.kind not in "fiu":
            raise ValueError(f"{name} must be numbers, got {values.dtype}")
        if not np.isfinite(values).all():
            first = tuple(int(n) for n in np.argwhere(~np.isfinite(values))[0])
            raise ValueError(f"{name} must be finite, got {values[first]} at {first}")
    return w.astype(float), limits.astype(float)
