"""What a neuron does, measured in the simulator: a trace, its rates, its threshold.

The neuron gets input spikes as every neuron of a network does, of another weight at
each of many copies that run side by side; the copy that answers best is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stdpnet.analysis.closed_forms import (
    adapted_threshold,
    drive_rate,
    firing_probability,
    inputs_per_spike,
)
from stdpnet.analysis.neuron_bench import (
    N_COPIES,
    N_POTENTIALS,
    N_STEP_INPUTS,
    Bench,
    Kind,
)
from stdpnet.devices.fitting import wilson_interval
from stdpnet.estimators.show import show_line, track
from stdpnet.models.neurons import NeuronModel

#: Spikes wanted during a step of input: for the trace, and while the threshold adapts.
TRACE_SPIKES, ADAPTING_SPIKES = 6, 12
N_PRESENTATIONS = 20
#: Input spikes for one spike, without leak, where rates are measured.
INPUTS_PER_SPIKE = 6
#: Highest rate of curves over the drive, so that a time step is little of a period.
TOP_HZ = 100.0
N_DRIVES = 25
#: Points of formulas that are drawn.
N_DRAWN = 600
RATE_SECONDS = 2.0
#: Time steps from one input spike to the next, at the highest and the lowest rate.
EVERY = (4, 200)


@dataclass(frozen=True)
class Trace:
    """A neuron during a step of input.

    Attributes
    ----------
    time_ms : ndarray, shape (n_steps,)
        Time at the end of each step.
    potential : ndarray, shape (n_steps,)
        Membrane potential, in `unit`.
    threshold : ndarray, shape (n_steps,), or None
        Threshold in `unit`; None if it is not a bound of the potential.
    unit : str
        Unit of both, "1" for none.
    spikes_ms : ndarray, shape (n_spikes,)
        Times of spikes.
    input_ms : (float, float)
        Begin and end of the step of input.
    input_hz, w : float
        Rate and weight of the input spikes.
    """

    time_ms: np.ndarray
    potential: np.ndarray
    threshold: np.ndarray | None
    unit: str
    spikes_ms: np.ndarray
    input_ms: tuple[float, float]
    input_hz: float
    w: float


@dataclass(frozen=True)
class Curve:
    """One quantity against another, measured and as a formula.

    Attributes
    ----------
    x_name, x_unit, y_name, y_unit : str
        What they are; "1" for no unit.
    x, y : ndarray, shape (n,)
        Measured.
    expected : ndarray, shape (n,), or None
        Closed form at `x`, where there is one.
    line : (ndarray, ndarray) or None
        The closed form at many points, to be drawn.
    interval : (ndarray, ndarray) or None
        95 % binomial interval of `y`, if it was counted.
    """

    x_name: str
    x_unit: str
    y_name: str
    y_unit: str
    x: np.ndarray
    y: np.ndarray
    expected: np.ndarray | None
    line: tuple[np.ndarray, np.ndarray] | None = None
    interval: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class NeuronNumbers:
    """What a neuron does.

    Attributes
    ----------
    neuron : NeuronModel
        The neuron.
    trace : Trace
        Membrane potential during a step of input.
    response : Curve
        Rate against the drive or the rate of input, probability of a spike against the
        potential, or time of the only spike against the rate of input.
    adaptation : Curve or None
        Threshold after each spike; None if it stays.
    """

    neuron: NeuronModel
    trace: Trace
    response: Curve
    adaptation: Curve | None

    @property
    def agreement(self) -> str:
        """How well the response agrees with the closed form, in a few words."""
        curve = self.response
        if curve.expected is None:
            return "no closed form to compare with"
        if curve.interval is not None:
            low, high = curve.interval
            inside = (low <= curve.expected) & (curve.expected <= high)
            return f"the formula is in the 95 % interval at {inside.mean():.0%} of the points"
        known = curve.expected > 0
        ratio = curve.y[known] / curve.expected[known]
        largest = np.abs(ratio - 1).max(initial=0)
        return f"largest difference from the formula {largest:.2%}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values and arrays by name."""
        return {
            "neuron": self.neuron.to_dict(),
            "trace": vars(self.trace),
            "response": vars(self.response),
            "adaptation": vars(self.adaptation) if self.adaptation else None,
            "agreement": self.agreement,
        }


def measure_neuron(
    neuron: NeuronModel,
    *,
    backend: str = "auto",
    seed: int = 0,
    visible: bool = False,
) -> NeuronNumbers:
    """Give a neuron input and measure what it does.

    Parameters
    ----------
    neuron : NeuronModel
        The neuron.
    backend : {"auto", "cpp", "cython", "numpy"}
        How to run the simulator.
    seed : int
        Seed of neurons that draw random numbers.
    visible : bool
        Whether to show progress on standard error.
    """
    bench = Bench(neuron, backend, seed, show_line if visible else None)
    answers = _Answers(bench)
    response = measure_response(bench, answers, visible=visible)
    adaptation = _adaptation(bench, answers) if bench.adapts() else None
    return NeuronNumbers(neuron, answers.trace(), response, adaptation)


# -- a step of input ------------------------------------------------------------------


class _Answers:
    """What all copies did during a step of input, each with its weight."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.result = bench.run_step(bench.state_names())
        self.spikes = self.result.recordings["copies.spikes"]
        self.counts = np.bincount(self.spikes[:, 2], minlength=N_COPIES)
        #: Input spikes until the first spike.
        self.first = np.full(N_COPIES, np.inf)
        for _, step, copy in self.spikes[::-1]:
            self.first[copy] = (step - 1 - bench.step_start) // bench.kind.every + 1

    @property
    def once(self) -> bool:
        """Whether no input makes the neuron spike twice."""
        return int(self.counts.max()) <= 1

    def copy(self, n_spikes: float, first: float) -> int:
        """Return the copy nearest to a number of spikes, or to a time of its only one."""
        values, wanted = (self.first, first) if self.once else (self.counts, n_spikes)
        return int(np.abs(values - wanted).argmin())

    def trace(self) -> Trace:
        """Return what one copy did."""
        bench, dt_ms = self.bench, self.bench.dt * 1e3
        copy = self.copy(TRACE_SPIKES, 0.6 * N_STEP_INPUTS)
        states = bench.states(self.result, copy)
        threshold = bench.threshold(states)
        factor, unit = bench.shown_unit()
        return Trace(
            time_ms=(np.arange(bench.step_length) + 1) * dt_ms,
            potential=states[bench.potential][0] * factor,
            threshold=None if threshold is None else threshold[0] * factor,
            unit=unit,
            spikes_ms=(self.spikes[self.spikes[:, 2] == copy, 1] + 1) * dt_ms,
            input_ms=(bench.step_start * dt_ms, bench.step_end * dt_ms),
            input_hz=1e3 / (bench.kind.every * dt_ms),
            w=float(bench.ladder[copy]),
        )


# -- rates and probabilities ----------------------------------------------------------


def measure_response(
    bench: Bench, answers: _Answers | None = None, *, visible: bool = False
) -> Curve:
    """Measure rate, latency or probability, whichever fits the neuron."""
    if bench.kind is Kind.DRIVEN:
        return _over_drive(bench, visible)
    if bench.kind is Kind.STOCHASTIC:
        return _over_potential(bench)
    return _over_input(bench, answers or _Answers(bench))


def _over_drive(bench: Bench, visible: bool) -> Curve:
    drives = np.linspace(0, _top_drive(bench), N_DRIVES)
    rates = (_rate(bench, drive, RATE_SECONDS) for drive in drives)
    y = np.array(list(track(rates, N_DRIVES, "firing rates", visible)))
    factor, unit = bench.shown_unit("drive")
    x, formula = drives * factor, lambda x: drive_rate(bench.neuron, x / factor)
    return Curve("Drive", unit, "Firing rate", "Hz", x, y, *_forms(formula, x))


def _forms(
    formula: Callable[[np.ndarray], np.ndarray | None], x: np.ndarray
) -> tuple[np.ndarray | None, tuple[np.ndarray, np.ndarray] | None]:
    """Return a closed form at the points and, to be drawn, at many between them."""
    at_points = formula(x)
    many = np.linspace(x.min(), x.max(), N_DRAWN)
    drawn = formula(many)
    return at_points, None if drawn is None else (many, drawn)


def _rate(bench: Bench, drive: float, seconds: float) -> float:
    n_steps = round(seconds / bench.dt)
    result = bench.run(n_steps=n_steps, learning=False, drive=float(drive))
    spikes = result.recordings["copies.spikes"]
    return _rate_of(spikes[spikes[:, 2] == 0, 1], bench.dt)


def _rate_of(steps: np.ndarray, dt: float) -> float:
    """Return the rate of spikes from the time between the first and the last."""
    if len(steps) < 2:
        return 0.0
    return float((len(steps) - 1) / ((steps[-1] - steps[0]) * dt))


def _top_drive(bench: Bench) -> float:
    """Return about the drive that makes `TOP_HZ`, or most of what can be reached."""
    low, high = -40.0, 40.0  # powers of two
    wanted = min(TOP_HZ, 0.8 * _rate(bench, 2**high, 0.2))
    for _ in range(12):
        middle = (low + high) / 2
        fast = _rate(bench, 2**middle, 0.2) > wanted
        low, high = (low, middle) if fast else (middle, high)
    return float(2**low)


def _over_input(bench: Bench, answers: _Answers) -> Curve:
    """Measure the rate, or the time of the only spike, for regular input spikes."""
    copy = answers.copy(N_STEP_INPUTS / INPUTS_PER_SPIKE, INPUTS_PER_SPIKE)
    w = float(bench.ladder[copy])
    every = np.unique(np.geomspace(*EVERY, N_COPIES).round().astype(int))[::-1]
    padded = np.pad(every, (0, N_COPIES - len(every)), mode="edge")
    spikes = bench.run_regular(w, padded).recordings["copies.spikes"]
    trains = [spikes[spikes[:, 2] == k, 1] for k in range(len(every))]
    x = 1 / (every * bench.dt)
    y = np.array([_rate_of(steps, bench.dt) for steps in trains])
    name, unit = "Firing rate", "Hz"
    if answers.once:
        y = np.array([t[0] * bench.dt * 1e3 if len(t) else np.nan for t in trains])
        name, unit = "Time of the spike", "ms"

    def formula(rate: np.ndarray) -> np.ndarray | None:
        needed = inputs_per_spike(bench.neuron, 1 / rate, w, bench.dt)
        if needed is None or not answers.once:
            return None if needed is None else rate / needed
        return ((needed - 1) / rate + bench.dt) * 1e3

    x_name = f"Rate of input of weight {w:.2g}"
    return Curve(x_name, "Hz", name, unit, x, y, *_forms(formula, x))


def _over_potential(bench: Bench) -> Curve:
    """Measure the probability of a spike one step after the potential is set."""
    weights = np.geomspace(bench.ladder[0], bench.ladder[-1], N_POTENTIALS)
    p = _kicked(bench, weights)[1]
    some, most = (np.flatnonzero(p > share * p.max()) for share in (0.01, 0.95))
    low = weights[max(some[0] - 1, 0)] if len(some) else 0.0
    high = weights[most[0]] if len(most) else weights[-1]
    v, p, n = _kicked(bench, np.linspace(low, high, N_POTENTIALS))
    bounds = [wilson_interval(pk * nk, int(nk)) for pk, nk in zip(p, n, strict=True)]
    below, above = np.array(bounds).T
    factor, unit = bench.shown_unit()
    forms = _forms(lambda x: firing_probability(bench.neuron, x / factor), v * factor)
    name = "Probability of a spike in a step"
    return Curve("Potential", unit, name, "1", v * factor, p, *forms, (below, above))


def _kicked(
    bench: Bench, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return potentials, the shares of copies that spike there, and how many there are."""
    (before, after), (early, spiked) = bench.kick(weights)
    # A copy that has spiked by itself is resting now.
    n = np.maximum((~early).sum(axis=0), 1)
    p = (spiked & ~early).sum(axis=0) / n
    # A spike resets the potential that was drawn at: look at those that were spared.
    spared = np.where(early | spiked, -np.inf, after).max(axis=0)
    known = np.isfinite(spared)
    if known.sum() > 1 and not known.all():
        slope, offset = np.polyfit(before[0, known], spared[known], 1)
        spared[~known] = slope * before[0, ~known] + offset
    return spared, p, n


# -- adaptation -----------------------------------------------------------------------


def _adaptation(bench: Bench, answers: _Answers) -> Curve:
    """Measure the threshold after every spike of some presentations."""
    copy = answers.copy(ADAPTING_SPIKES, N_STEP_INPUTS / 2)
    result = bench.run_step(bench.state_names(copy), N_PRESENTATIONS)
    spikes = result.recordings["copies.spikes"]
    example, step, _ = spikes[spikes[:, 2] == copy].T
    threshold = bench.threshold(bench.states(result, 0))
    assert threshold is not None  # it is made of variables
    factor, unit = bench.shown_unit()
    duration = bench.step_length * bench.dt
    time = (step + 1) * bench.dt
    expected = adapted_threshold(bench.neuron, example, time, duration)
    return Curve(
        "Spikes so far",
        "1",
        "Threshold",
        unit,
        np.arange(1, len(step) + 1),
        threshold[example, step] * factor,
        None if expected is None else expected * factor,
    )
