"""`ConvSTDP`: feature maps that learn shared kernels from unlabelled images."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from stdpnet.compression import PruningSchedule, QuantizationSchedule
from stdpnet.encoding import Encoding
from stdpnet.estimators.conv_parts import ConvParts
from stdpnet.estimators.learner import Learner
from stdpnet.estimators.learning import Learning
from stdpnet.estimators.patches import PatchLearning
from stdpnet.estimators.recording import Recorder
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import Geometry, SumPooling, WinnerTakeAll

#: Weight of the windows of `feature_neuron`, which does not learn.
_WINDOWS = "counts_windows.w"


class ConvSTDP(ConvParts):
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
    feature_code : {"count", "latency"}
        What a feature adds up: the spikes in its window, or, with "latency", the time
        steps from each spike to the end of the presentation, its own included: the
        sooner a map reaches its threshold, the more its spike counts.
    feature_neuron : NeuronModel, optional
        Neuron of each pooling window, which gets the spikes of its window with weight
        one, and whose spikes the features count: ``SoftResetIF(v_th=4)`` spikes once for
        four of them. Default: the spikes themselves are counted.
    tol : float
        `fit` stops when the mean of ``w (1 - w)``, with weights relative to
        `w_max`, is below; with binary weights, when that part of them has
        switched in a chunk. Synapses that are pruned do not count. Zero: never.
    pruning, quantization : PruningSchedule and QuantizationSchedule, optional
        When, and how, synapses are removed and weights rounded while learning. `fit`
        also rounds when it ends, `partial_fit` only at the steps of the schedule.
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
        and of times that a rule was applied to a weight (`afferents.updates`); of both
        also those that pruned synapses were spared (`afferents.events_passed_over`).
    levels_ : ndarray, shape (n_levels,)
        What weights were rounded to last, with `quantization`.
    network_ : Network
        The network that sees whole images, from its parts.
    recordings_ : dict of ndarray
        What `fit` or `transform` recorded last, with units in the names
        ("features.v", or "features.v_mV" where it is a voltage).
    converged_ : bool
        Whether learning stopped because the kernels converged.
    history_ : dict of ndarray
        Per chunk: `n_shown`, `n_images_shown`, `convergence`, `thresholds` and `spikes`
        (mean per presentation) of each map; with `pruning` the `connectivity`;
        `kernels` at up to 30 chunks (`kernels_shown`).
    n_shown_ : int
        Images (or patches) shown while learning.
    neuron_labels_ : ndarray, shape (n_features,)
        Class of each feature, after `label`.
    """

    _learned: ClassVar[str] = "kernels_"
    _tables: ClassVar[dict[str, type]] = {
        "inhibition": Geometry,
        "pool": Geometry,
        "feature_neuron": NeuronModel,
    }
    _usual: ClassVar[dict[str, str]] = {
        "inhibition": "WinnerTakeAll",
        "pool": "SumPooling",
    }
    _saved: ClassVar[tuple[str, ...]] = (
        "kernels_",
        "initial_kernels_",
        "thresholds_",
        *Learner._saved,
    )
    #: Files of before 0.2 have no other state.
    _optional: ClassVar[tuple[str, ...]] = (
        "initial_kernels_",
        "other_state_",
        *Learner._optional,
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
        feature_code: str = "count",
        feature_neuron: NeuronModel | None = None,
        tol: float = 0.01,
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
        self.feature_code = feature_code
        self.feature_neuron = feature_neuron
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

    # -- learning -----------------------------------------------------------------

    def learning(self, recorder: Recorder | None = None) -> Learning:
        """Return what shows chunks of images to this network, started or fitted."""
        kind = PatchLearning if self.fit_on == "patches" else Learning
        return kind(self, recorder)

    def _state(self) -> dict[str, np.ndarray]:
        windows = {} if self.feature_neuron is None else {_WINDOWS: np.ones((1, 1, 1))}
        return {
            # Channels last inside the program, maps first outside.
            "afferents.w": np.moveaxis(self.kernels_, 0, -1),
            "features.theta": self.thresholds_,
            **windows,
            # Files of before 0.2 have none.
            **getattr(self, "other_state_", {}),
        }

    def from_state(self, found: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return what a program left as attributes."""
        others = dict(found)
        kernels = np.moveaxis(others.pop("afferents.w"), -1, 0).copy()
        others.pop(_WINDOWS, None)
        thresholds = others.pop("features.theta", None)
        learned = {"kernels_": kernels, "other_state_": others}
        return learned if thresholds is None else learned | {"thresholds_": thresholds}

    def _before_learning(self, learned: dict[str, Any]) -> dict[str, Any]:
        return {
            "thresholds_": np.zeros(self.n_maps, self.dtype),
            "initial_kernels_": learned["kernels_"],
        }

    def weights_of(self, attributes: dict[str, Any]) -> np.ndarray:
        """Return the weights among attributes."""
        return np.asarray(attributes["kernels_"])

    def thresholds_of(self, attributes: dict[str, Any]) -> np.ndarray:
        """Return the adaptive part of the thresholds among attributes."""
        return np.asarray(attributes.get("thresholds_", self.thresholds_))

    @property
    def adapted_(self) -> np.ndarray:
        """The adaptive part of the thresholds."""
        return self.thresholds_

    @adapted_.setter
    def adapted_(self, thresholds: np.ndarray) -> None:
        self.thresholds_ = thresholds

    # -- features -----------------------------------------------------------------

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names such as ``"map3_y0_x5"``, in the order of `transform`."""
        check_is_fitted(self, "kernels_")
        layer = self.layer()
        height, width, n_maps = layer.reading.shape(layer.positions)
        names = [
            f"map{m}_y{y}_x{x}"
            for y in range(height)
            for x in range(width)
            for m in range(n_maps)
        ]
        return np.array(names, dtype=object)
