"""What the equations of rules and neurons come to, worked out by hand.

For figures and tests, which lay them over what the simulator does. Rules of
users have none.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from stdpnet.models import neurons
from stdpnet.models import plasticity as rules

Change = Callable[[Any, np.ndarray, np.ndarray], np.ndarray]
Switching = Callable[[Any, np.ndarray], tuple[np.ndarray, np.ndarray]]


def pair_change(
    rule: rules.PlasticityRule, delta: np.ndarray, w: np.ndarray
) -> np.ndarray | None:
    """Return the weight change of one pair of spikes, for a deterministic rule.

    Parameters
    ----------
    rule : PlasticityRule
        The rule.
    delta : ndarray
        Time of the post spike after the pre spike, seconds.
    w : ndarray
        Weight before; broadcasts with `delta`.

    Returns
    -------
    ndarray or None
        None if there is no closed form.
    """
    known = _CHANGES.get(type(rule))
    if known is None:
        return None
    delta, w = np.broadcast_arrays(delta, w)
    return np.clip(w + known(rule, delta, w), 0, rule.w_max) - w


def pair_switching(
    rule: rules.PlasticityRule, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the probabilities that one pair switches a weight on, and off.

    Parameters
    ----------
    rule : PlasticityRule
        The rule, with binary (or two-bit) synapses.
    delta : ndarray
        Time of the post spike after the pre spike, seconds.

    Returns
    -------
    (ndarray, ndarray) or None
        For a weight at zero and at `w_max`; None if there is no closed form.
    """
    known = _SWITCHING.get(type(rule))
    return None if known is None else known(rule, np.asarray(delta, float))


def pair_change_probability(
    rule: rules.PlasticityRule, delta: np.ndarray, w: np.ndarray
) -> np.ndarray | None:
    """Return the probability that one pair changes a weight in any way.

    Parameters
    ----------
    rule : PlasticityRule
        The rule, with binary (or two-bit) synapses.
    delta : ndarray, shape (n_deltas,)
        Time of the post spike after the pre spike, seconds.
    w : ndarray, shape (n_weights,)
        Weights before, of the levels of the rule.

    Returns
    -------
    ndarray or None
        Of shape (n_deltas, n_weights); None if there is no closed form.
    """
    known = pair_switching(rule, delta)
    if known is None:
        return None
    up, down = (p[:, np.newaxis] for p in known)
    if not isinstance(rule, rules.LongShortTermSTDP):
        return np.where(w > 0, down, up)
    bits = rule.synapses(np.asarray(w, float))
    labile, stable = bits["labile"], bits["stable"]
    # The post spike may also set the stable bit to a labile one that differs.
    keeps_on = (1 - down) * (1 - rule.consolidation * (1 - stable))
    keeps_off = (1 - up) * (1 - rule.consolidation * stable)
    return 1 - np.where(labile > 0, keeps_on, keeps_off)


def _after(delta: np.ndarray, tau: Any) -> np.ndarray:
    """Return the trace that a spike has left after some time, zero before it."""
    return np.where(delta >= 0, np.exp(-np.maximum(delta, 0) / float(tau.value)), 0.0)


def _late(delta: np.ndarray, tau: Any) -> np.ndarray:
    """Return the trace that the post spike has left when the pre spike comes later."""
    return np.where(delta < 0, np.exp(np.minimum(delta, 0) / float(tau.value)), 0.0)


# -- deterministic rules --------------------------------------------------------------


def _trace(rule: Any, delta: np.ndarray, w: np.ndarray) -> np.ndarray:
    softness = {
        "soft": w * (rule.w_max - w),
        "hard": np.ones_like(w),
        "power-law": np.power(rule.w_max - w, rule.mu),
    }
    change = rule.learning_rate * (_after(delta, rule.tau_pre) - rule.offset)
    return change * softness[rule.bounds]


def _power_law(rule: Any, delta: np.ndarray, w: np.ndarray) -> np.ndarray:
    change = rule.learning_rate * (_after(delta, rule.tau_pre) - rule.offset)
    return change * np.power(rule.w_max - w, rule.mu)


def _exponential(rule: Any, delta: np.ndarray, w: np.ndarray) -> np.ndarray:
    up = _after(delta, rule.tau_pre) * np.exp(-rule.beta * w)
    down = rule.offset * np.exp(-rule.beta * (rule.w_max - w))
    return rule.learning_rate * (up - down)


def _simplified(rule: Any, delta: np.ndarray, w: np.ndarray) -> np.ndarray:
    sign = np.where(delta >= 0, 1.0, -rule.depression)
    return rule.learning_rate * sign * w * (rule.w_max - w)


def _pair(rule: Any, delta: np.ndarray, w: np.ndarray) -> np.ndarray:
    up = _after(delta, rule.tau_plus)
    return rule.learning_rate * (up - rule.depression * _late(delta, rule.tau_minus))


def _symmetric(rule: Any, delta: np.ndarray, w: np.ndarray) -> np.ndarray:
    up = (_after(delta, rule.tau_pre) - rule.offset) * (rule.w_max - w) ** rule.mu
    # The post spike comes first and has changed the weight already.
    w = np.clip(w + rule.learning_rate * up, 0, rule.w_max)
    down = rule.depression * _late(delta, rule.tau_post) * w**rule.mu
    return rule.learning_rate * (up - down)


def _triplet(rule: Any, delta: np.ndarray, w: np.ndarray) -> np.ndarray:
    return -rule.learning_rate * rule.depression * _late(delta, rule.tau_post)


_CHANGES: dict[type, Change] = {
    rules.TraceSTDP: _trace,
    rules.PowerLawSTDP: _power_law,
    rules.ExponentialSTDP: _exponential,
    rules.SimplifiedSTDP: _simplified,
    rules.PairSTDP: _pair,
    rules.SymmetricSTDP: _symmetric,
    rules.TripletSTDP: _triplet,
}


# -- stochastic rules -----------------------------------------------------------------


def _stochastic(rule: Any, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    on = rule.learning_rate * _after(delta, rule.tau_plus)
    return on, rule.learning_rate * rule.depression * _late(delta, rule.tau_minus)


def _window(rule: Any, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    on = (delta >= 0) & (delta < float(rule.tau_plus.value) * (1 - 1e-6))
    off = (delta < 0) & (-delta < float(rule.tau_minus.value) * (1 - 1e-6))
    return rule.learning_rate * on, rule.learning_rate * rule.depression * off


def _hybrid(rule: Any, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    before, late = _after(delta, rule.tau_plus), _late(delta, rule.tau_minus)
    graded = rule.probability == "exponential"
    on = (before >= rule.recent) * (before if graded else 1.0)
    absent = (before < rule.recent) * (1 - before / rule.recent if graded else 1.0)
    comes_late = (late >= rule.late) * (late if graded else 1.0)
    off = rule.learning_rate * np.array([rule.anti_hebbian, rule.depression])
    if rule.aggregate == "mini-batch":
        # One presentation switches nothing unless it is a mini-batch of its own.
        drive = rule.learning_rate * on - off[0] * absent - off[1] * comes_late
        drive = drive * (rule.batch == 1)
        return np.clip(drive, 0, 1), np.clip(-drive, 0, 1)
    stays = (1 - off[0] * absent) * (1 - off[1] * comes_late)
    return rule.learning_rate * on, 1 - stays


_SWITCHING: dict[type, Switching] = {
    rules.StochasticSTDP: _stochastic,
    rules.LongShortTermSTDP: _stochastic,
    rules.WindowSTDP: _window,
    rules.HybridSTDP: _hybrid,
}


# -- neurons --------------------------------------------------------------------------


def drive_rate(neuron: neurons.NeuronModel, drive: np.ndarray) -> np.ndarray | None:
    """Return the firing rate for a constant drive alone, its threshold held.

    Parameters
    ----------
    neuron : NeuronModel
        The neuron; its own `drive` does not count.
    drive : ndarray
        Drive in SI units.

    Returns
    -------
    ndarray or None
        Hz; None if there is no closed form.
    """
    drive = np.asarray(drive, float)
    if isinstance(neuron, neurons.IF):
        return np.maximum(drive, 0) / neuron.v_th
    if type(neuron) is neurons.LIF:
        return _leaky_rate(neuron, drive, drive - neuron.v_th)
    if type(neuron) is neurons.ConductanceLIF:
        end = neuron.v_rest.value + drive
        threshold = neuron.v_th.value + neuron.theta_start.value
        return _leaky_rate(neuron, end - neuron.v_reset.value, end - threshold)
    return None


def _leaky_rate(neuron: Any, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the rate from the distances to the final potential, before and after."""
    fires = end > 0
    decays = np.log(np.where(fires, start, 1.0) / np.where(fires, end, 1.0))
    period = neuron.tau_ref.value + neuron.tau_m.value * decays
    return np.where(fires, 1 / np.where(fires, period, 1.0), 0.0)


def inputs_per_spike(
    neuron: neurons.NeuronModel, interval: np.ndarray, w: float, dt: float
) -> np.ndarray | None:
    """Return how many regular input spikes make a neuron spike, its threshold held.

    Parameters
    ----------
    neuron : NeuronModel
        The neuron, without drive.
    interval : ndarray
        Time between two input spikes, seconds.
    w : float
        Their weight.
    dt : float
        Time step, seconds: a spike is checked for one step after its input.

    Returns
    -------
    ndarray or None
        Number of input spikes, infinite if the neuron does not spike; None if
        there is no closed form.
    """
    interval = np.asarray(interval, float)
    if type(neuron) is neurons.LatencyIF:
        return np.full(interval.shape, np.floor(neuron.v_th / w) + 1)
    if type(neuron) not in (neurons.AdaptiveIF, neurons.AdaptiveLIF):
        return None
    model: Any = neuron
    needed = _adapted(model, model.theta_start) / w
    if type(neuron) is neurons.AdaptiveIF:
        return np.full(interval.shape, np.floor(needed) + 1)
    tau = model.tau_m.value
    # After n inputs the potential is w (1 - q^n) / (1 - q), and decays for one step.
    q = np.exp(-interval / tau)
    left = 1 - needed * (1 - q) / np.exp(-dt / tau)
    n = np.floor(np.log(np.where(left > 0, left, 0.5)) / np.log(q)) + 1
    return np.where(left > 0, n, np.inf)


def _adapted(neuron: Any, theta: Any) -> Any:
    return neuron.theta_scale * (neuron.v_th + theta)


def firing_probability(neuron: neurons.NeuronModel, v: np.ndarray) -> np.ndarray | None:
    """Return the probability of a spike in one step at some potential.

    Parameters
    ----------
    neuron : NeuronModel
        A stochastic neuron.
    v : ndarray
        Potential in SI units.

    Returns
    -------
    ndarray or None
        None if there is no closed form.
    """
    if not isinstance(neuron, neurons.StochasticNeuron):
        return None
    p = _above(neuron, v)
    if p is None or neuron.noise == 1:
        return p
    if neuron.noise == 0:
        return np.where(p > 0.5, 1.0, 0.0)
    return np.clip((p - 0.5) / neuron.noise + 0.5, 0, 1)


def _above(neuron: neurons.StochasticNeuron, v: np.ndarray) -> np.ndarray | None:
    """Return the variable `p` of a neuron at some potential."""
    if type(neuron) in (neurons.SigmoidNeuron, neurons.AdaptiveSigmoid):
        model: Any = neuron
        above = v - model.v_half - getattr(model, "theta_start", 0.0)
        return np.asarray(model.p_max / (1 + np.exp(-above / model.v_width)))
    if type(neuron) is neurons.MagnetoelectricLIF:
        volts = v * neuron.v_unit.value - neuron.v_half.value
        return np.asarray(1 / (1 + np.exp(-volts / neuron.v_width.value)))
    if type(neuron) is neurons.StochasticBit:
        at = neuron.x_0 + neuron.x_step * np.arange(len(neuron.probabilities))
        return np.interp(v, at, neuron.probabilities)
    return None


def adapted_threshold(
    neuron: neurons.NeuronModel, example: np.ndarray, time: np.ndarray, duration: float
) -> np.ndarray | None:
    """Return the threshold right after each spike of a neuron that adapts.

    Parameters
    ----------
    neuron : NeuronModel
        The neuron; it is the only one of its map.
    example : ndarray of int, shape (n_spikes,)
        Presentation of each spike.
    time : ndarray, shape (n_spikes,)
        Time of each spike since the start of its presentation, seconds.
    duration : float
        Length of a presentation, seconds.

    Returns
    -------
    ndarray or None
        Of shape (n_spikes,), in SI units; None if there is no closed form.
    """
    if type(neuron) in (neurons.AdaptiveIF, neurons.AdaptiveLIF):
        model: Any = neuron
        between = np.maximum(example[:, np.newaxis] - example, 0)
        gains = np.tril((1 - model.theta_decay) ** between)
        start = model.theta_start * (1 - model.theta_decay) ** example
        return _adapted(model, start + model.theta_plus * gains.sum(axis=1))
    if type(neuron) is neurons.ConductanceLIF:
        at = example * duration + time
        since = np.maximum(at[:, np.newaxis] - at, 0)
        gains = np.tril(np.exp(-since * neuron.theta_rate.value))
        start = neuron.theta_start.value * np.exp(-at * neuron.theta_rate.value)
        theta = start + neuron.theta_plus.value * gains.sum(axis=1)
        return neuron.v_th.value + theta
    return None
