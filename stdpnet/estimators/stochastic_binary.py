"""`StochasticBinarySTDP`: chance while learning, one bit a synapse and a spike after."""

from typing import Any, ClassVar

import numpy as np

from stdpnet.encoding import Encoding, Intensity, Poisson
from stdpnet.estimators.compressing import levels_of
from stdpnet.estimators.fully_connected import FullyConnectedSTDP
from stdpnet.models.lateral import DirectInhibition, LateralInhibition
from stdpnet.models.neurons import AdaptiveSigmoid, NeuronModel
from stdpnet.models.parts import Again
from stdpnet.models.plasticity import HybridSTDP, PlasticityRule
from stdpnet.units import Hz, ms


def _encoding() -> Encoding:
    code = Poisson(max_rate=127.5 * Hz, normalize="fixed")
    return Encoding(filter=Intensity(), code=code)


def _neuron() -> AdaptiveSigmoid:
    return AdaptiveSigmoid(
        tau_m=50 * ms,
        tau_ref=5 * ms,
        tau_gi=100 * ms,
        v_half=0.0,
        v_width=5.0,
        theta_start=500.0,
        theta_plus=2.0,
        theta_rate=1e-4 * Hz,
    )


def _rule() -> HybridSTDP:
    return HybridSTDP(
        learning_rate=0.02, anti_hebbian=1.0, depression=0.0, tau_plus=50 * ms
    )


class StochasticBinarySTDP(FullyConnectedSTDP):
    """A dense ensemble of stochastic neurons with synapses of one bit.

    While it learns, neurons spike and synapses switch by chance. Once weights are final
    (at the images of `n_settle`, and for features and votes) the same neurons spike where
    their probability is above one half: synapses are one bit, a neuron says one
    bit a time step, and nothing but the input is random. Homeostasis is left to
    adaptive half-points, as binary weights cannot be scaled to a sum. Labels play no
    part; `label` and `predict` are those of `FullyConnectedSTDP`.

    Parameters
    ----------
    n_neurons : int
        Number of neurons.
    encoding : Encoding, optional
        Default: intensities as Poisson rates up to 127.5 Hz.
    neuron : NeuronModel, optional
        A stochastic neuron, with a parameter `noise`. Default: an `AdaptiveSigmoid`.
    rule : PlasticityRule, optional
        A rule with two levels. Default: a `HybridSTDP` that acts on post spikes.
    inhibition : LateralInhibition, "explicit", "direct" or None
        As for `FullyConnectedSTDP`; it goes to `g_i` of the neurons, so that `SigmoidNeuron`
        and `StochasticBit`, which have none, need None.
    dt, presentation, rest : Quantity or str, time
        As for `FullyConnectedSTDP`. Probabilities of spikes belong to a time step.
    again, n_epochs, n_settle, image_shape, chunk_size, dtype, backend, n_jobs, random_state, verbose
        As for `FullyConnectedSTDP`.
    tol : float
        `fit` stops when the share of the synapses that switched in a chunk is below.
        Zero: never.

    Attributes
    ----------
    weights_ : ndarray, shape (n_inputs, n_neurons)
        Learned weights, each zero or the rule's `w_max`.
    levels_ : ndarray, shape (2,)
        The two.
    thresholds_ : ndarray, shape (n_neurons,)
        Half-points ``v_half + theta``, above which neurons spike that have learned.
    kernels_, counts_, n_shown_, n_images_shown_, history_, network_, recordings_, neuron_labels_
        As in `FullyConnectedSTDP`.

    Notes
    -----
    A file holds one bit a synapse; `memory` says what that saves. While a program runs,
    weights are floats.

    References
    ----------
    In the manner of Srinivasan and Roy (2020), arXiv:2002.11163: two layers, stochastic
    neurons, binary synapses that are stochastic only while training (abstract). The
    rule follows their ReStoCNet, arXiv:1902.04161. Adaptation, inhibition and all
    constants are ours, chosen on training images.
    """

    _defaults: ClassVar[dict[str, Any]] = {
        "encoding": _encoding,
        "neuron": _neuron,
        "rule": _rule,
    }

    def __init__(
        self,
        n_neurons: int = 400,
        *,
        encoding: Encoding | None = None,
        neuron: NeuronModel | None = None,
        rule: PlasticityRule | None = None,
        inhibition: LateralInhibition | str | None = DirectInhibition(weight=200.0),  # noqa: B008 (frozen)
        dt: Any = "2 ms",
        presentation: Any = "350 ms",
        rest: Any = "100 ms",
        again: Again | None = Again(),  # noqa: B008 (frozen)
        n_epochs: int = 1,
        n_settle: int = 0,
        tol: float = 0.0,
        image_shape: tuple[int, ...] | None = None,
        chunk_size: int = 250,
        dtype: str = "float32",
        backend: str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            n_neurons,
            encoding=encoding,
            neuron=neuron,
            rule=rule,
            inhibition=inhibition,
            mean_weight=None,
            dt=dt,
            presentation=presentation,
            rest=rest,
            again=again,
            n_epochs=n_epochs,
            n_settle=n_settle,
            tol=tol,
            image_shape=image_shape,
            chunk_size=chunk_size,
            dtype=dtype,
            backend=backend,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any images."""
        super().check_parameters()
        neuron = self._part("neuron", NeuronModel)
        if "noise" not in neuron.values():
            self._refuse("neuron", "stochastic, with a parameter 'noise'")
        levels = self._part("rule", PlasticityRule).levels
        if levels is None or len(levels) != 2:
            self._refuse("rule", "one whose weights have two levels")

    def final_parameters(self) -> dict[str, float]:
        """Return the parameters that have another value once weights are final."""
        return {"features.noise": 0.0}

    def from_state(self, found: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return what a program left as attributes, with the levels of the weights."""
        return {**super().from_state(found), "levels_": levels_of(self)}
