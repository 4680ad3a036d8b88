"""What a learning rule does, measured in the simulator: pairs and trains of spikes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stdpnet.analysis.closed_forms import pair_change, pair_change_probability
from stdpnet.devices.fitting import wilson_interval
from stdpnet.engine.program import Program, build
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.show import show_line, track
from stdpnet.models.custom import EquationNeuron
from stdpnet.models.network import NEVER, Input, Network, Population, Projection
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import OneToOne, Shape
from stdpnet.units import Quantity, ms, second

DT = 1 * ms
#: Trials for each point of a rule that draws random numbers: runs, and synapses in each.
N_RUNS, N_COPIES = 10, 200
#: Weights to start from, between the bounds, and weights of the curves over time.
N_WEIGHTS = 21
CURVES = (4, 10, 18)
#: Differences for the curves over the weight, in steps.
AT_STEPS = (5, -5)
#: Largest difference, seconds.
MAX_REACH = 0.1
PRE_HZ = (5.0, 20.0, 60.0)
POST_HZ = (0.0, 5.0, 10.0, 20.0, 30.0, 40.0, 60.0, 80.0)
TRAIN_SECONDS = 2.0
#: Synapses for each pair of rates.
N_SYNAPSES = 400
#: Spikes one step after each spike of its driver, also if it spikes just then.
FOLLOWER = EquationNeuron(name="follower", threshold="v > 0.5", reset="v -= 1")


@dataclass(frozen=True)
class RuleNumbers:
    """What a rule does to a weight.

    Attributes
    ----------
    rule : PlasticityRule
        The rule.
    stochastic : bool
        Whether it draws random numbers: then `measured` is the share of weights
        that one pair changed, else the weight change.
    n_trials : int
        Pairs for each point.
    delta_ms : ndarray, shape (n_deltas,)
        Spike-time differences, post minus pre.
    w : ndarray, shape (n_weights,)
        Weights before.
    measured, low, high : ndarray, shape (n_deltas, n_weights)
        After one pair, with a 95 % binomial interval.
    expected : ndarray of that shape, or None
        Closed form, where there is one.
    pre_hz, post_hz : ndarray, shape (n_pre,) and (n_post,)
        Rates of Poisson trains.
    start_w : float
        Mean weight before the trains.
    mean_w, error_w : ndarray, shape (n_pre, n_post)
        Mean weight after `TRAIN_SECONDS`, and its standard error.
    """

    rule: PlasticityRule
    stochastic: bool
    n_trials: int
    delta_ms: np.ndarray
    w: np.ndarray
    measured: np.ndarray
    low: np.ndarray
    high: np.ndarray
    expected: np.ndarray | None
    pre_hz: np.ndarray
    post_hz: np.ndarray
    start_w: float
    mean_w: np.ndarray
    error_w: np.ndarray

    @property
    def curves(self) -> tuple[int, ...]:
        """Indices of the weights whose curves over time are worth a line."""
        return CURVES if len(self.w) == N_WEIGHTS else tuple(range(len(self.w)))

    @property
    def agreement(self) -> str:
        """How well the simulator agrees with the closed form, in a few words."""
        if self.expected is None:
            return "no closed form to compare with"
        if not self.stochastic:
            largest = np.abs(self.measured - self.expected).max()
            return f"largest difference from the formula {largest:.1g}"
        inside = (self.low <= self.expected) & (self.expected <= self.high)
        share = inside[self.expected > 0].mean()
        return f"the formula is in the 95 % interval at {share:.0%} of the points"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values and arrays by name."""
        numbers = {name: value for name, value in vars(self).items() if name != "rule"}
        return {"rule": self.rule.to_dict(), **numbers, "agreement": self.agreement}


def measure_rules(
    rules: Sequence[PlasticityRule],
    *,
    backend: str = "auto",
    seed: int = 0,
    visible: bool = False,
) -> list[RuleNumbers]:
    """Give synapses of each rule pairs of spikes, then Poisson trains.

    Parameters
    ----------
    rules : sequence of PlasticityRule
        Rules, side by side in one program. One that switches weights at the end of a
        mini-batch gets mini-batches of one presentation.
    backend : {"auto", "cpp", "cython", "numpy"}
        How to run the simulator.
    seed : int
        Seed of the trains and of rules that draw random numbers.
    visible : bool
        Whether to show progress on standard error.

    Returns
    -------
    list of RuleNumbers
        One for each rule.
    """
    probes = [_Probe(number, _one_pair_a_batch(r)) for number, r in enumerate(rules)]
    title = ", ".join(dict.fromkeys(rule.title for rule in rules))
    program = build(
        _network(probes).describe(),
        backend,
        title=f"spikes for {title}",
        announce=show_line if visible else None,
    )
    n_runs = N_RUNS if any(probe.stochastic for probe in probes) else 1
    runs = (
        _run(program, probes, pairs=number < n_runs, seed=seed + number)
        for number in range(n_runs + 1)
    )
    found = track(runs, n_runs + 1, "pairs and trains of spikes", visible)
    *pairs, trains = found
    return [probe.numbers(pairs, trains) for probe in probes]


def is_stochastic(rule: PlasticityRule) -> bool:
    """Return whether a rule draws random numbers."""
    return "rand" in f"{rule.on_pre}{rule.on_post}{rule.on_end}"


def _one_pair_a_batch(rule: Any) -> PlasticityRule:
    return replace(rule, batch=1) if rule.on_end and hasattr(rule, "batch") else rule


def _run(
    program: Program, probes: "list[_Probe]", *, pairs: bool, seed: int
) -> dict[str, np.ndarray]:
    stimuli: dict[str, np.ndarray] = {}
    state: dict[str, np.ndarray] = {}
    for probe in probes:
        stimuli |= probe.pair_stimuli(silent=not pairs)
        stimuli |= probe.train_stimuli(silent=pairs)
        state |= probe.state()
    trains = round(TRAIN_SECONDS / float(DT.value))
    n_steps = max(probe.n_pair_steps for probe in probes) if pairs else trains
    parameters = _network(probes).parameter_values()
    result = run_chunk(program, stimuli, state, parameters, n_steps=n_steps, seed=seed)
    return result.state


def _network(probes: "list[_Probe]") -> Network:
    halves = [half for probe in probes for half in probe.parts()]
    return Network(
        inputs=tuple(part for inputs, _, _ in halves for part in inputs),
        populations=tuple(population for _, population, _ in halves),
        projections=tuple(part for _, _, parts in halves for part in parts),
        counters=(),
        dt=DT,
        dtype="float64",
    )


def _synapses(
    name: str, rule: PlasticityRule, shape: Shape, stimulus: str
) -> tuple[tuple[Input, ...], Population, tuple[Projection, ...]]:
    """Return one synapse for each input, and drivers that make their targets spike."""
    ends = {"target": f"{name}_post", "geometry": OneToOne()}
    plastic = Projection(
        name=f"{name}_plastic",
        source=f"{name}_pre",
        rule=rule,
        transmits=False,
        **ends,  # type: ignore[arg-type]
    )
    drive = Projection(name=f"{name}_drive", source=f"{name}_driver", **ends)  # type: ignore[arg-type]
    inputs = tuple(
        Input(name=f"{name}_{end}", shape=shape, stimulus=stimulus)
        for end in ("pre", "driver")
    )
    post = Population(name=f"{name}_post", shape=shape, neuron=FOLLOWER)
    return inputs, post, (plastic, drive)


class _Probe:
    """Synapses of one rule: those that get a pair of spikes, and those that get trains."""

    def __init__(self, number: int, rule: PlasticityRule) -> None:
        self.rule, self.stochastic = rule, is_stochastic(rule)
        self.pairs, self.trains = f"pairs{number}", f"trains{number}"
        self.steps, self.shown = self._times()
        self.w = self._weights()
        n_copies = N_COPIES if self.stochastic else 1
        grid = np.meshgrid(self.steps, self.w, indexing="ij")
        self.delta, self.before = (np.tile(a.ravel(), n_copies) for a in grid)
        self.rates = np.meshgrid(PRE_HZ, POST_HZ, range(N_SYNAPSES), indexing="ij")[:2]
        # The pre spike must not come before the first step, nor the driver's.
        self.post_step = int(max(0, self.steps.max()) + 1)
        self.n_pair_steps = self.post_step - int(min(0, self.steps.min())) + 2

    def _times(self) -> tuple[np.ndarray, np.ndarray]:
        """Return spike-time differences, in steps, and which of them to show.

        There are equally many for all time constants: these compile nothing.
        """
        reach = np.clip(2.5 * max(times_of(self.rule), default=0.02), 0.02, MAX_REACH)
        end = int(np.ceil(reach / float(DT.value) / 10) * 10)
        if self.stochastic:
            spread = -(-end // 20) * np.arange(-20, 21)
            steps = np.concatenate([spread, AT_STEPS, [-1]])
            return steps, np.unique(steps, return_index=True)[1]
        most = round(MAX_REACH / float(DT.value))
        steps = np.arange(-most, most + 1)
        return steps, np.flatnonzero(np.abs(steps) <= end)

    def _weights(self) -> np.ndarray:
        levels = self.rule.levels
        if levels is None and self.stochastic:
            return np.array([0.0, 0.5, 1.0]) * self.rule.w_max
        if levels is None:
            return np.linspace(0, self.rule.w_max, N_WEIGHTS)
        return np.asarray(levels)[_spread(len(levels), 4)]

    def parts(self) -> list[Any]:
        """Return inputs, population and projections of both halves."""
        return [
            _synapses(self.pairs, self.rule, _row(self.delta), "steps"),
            _synapses(self.trains, self.rule, _row(self.rates[0]), "rates"),
        ]

    def pair_stimuli(self, silent: bool) -> dict[str, np.ndarray]:
        """Return the step of every spike of the pairs."""
        never = np.full_like(self.delta, NEVER)
        pre = never if silent else self.post_step - self.delta
        # A target spikes one step after the spike that lifts it over its threshold.
        driver = never if silent else np.full_like(self.delta, self.post_step - 1)
        return _stimuli(self.pairs, pre, driver, np.uint16)

    def train_stimuli(self, silent: bool) -> dict[str, np.ndarray]:
        """Return the rates of all trains."""
        pre, post = (rate * (not silent) for rate in self.rates)
        return _stimuli(self.trains, pre, post, np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """Return the weights to start from."""
        found: dict[str, np.ndarray] = {}
        for name, w in ((self.pairs, self.before), (self.trains, self._start())):
            w = w.reshape(_row(w))
            found[f"{name}_drive.w"] = np.ones(w.shape)
            for variable, array in {"w": w, **self.rule.synapses(w)}.items():
                found[f"{name}_plastic.{variable}"] = array
        return found

    def _start(self) -> np.ndarray:
        levels = self.rule.levels or (0.5 * self.rule.w_max,)
        return np.resize(np.asarray(levels), self.rates[0].size)

    def numbers(
        self, pairs: list[dict[str, np.ndarray]], trains: dict[str, np.ndarray]
    ) -> RuleNumbers:
        """Return what the weights say after some runs of pairs, and after trains."""
        shape = (-1, len(self.steps), len(self.w))
        runs = [run[f"{self.pairs}_plastic.w"].reshape(shape) for run in pairs]
        after = np.concatenate(runs)[:, self.shown]
        delta = self.steps[self.shown] * float(DT.value)
        if self.stochastic:
            tolerance = 1e-6 * self.rule.w_max
            switched = (np.abs(after - self.w) > tolerance).sum(axis=0)
            measured = switched / len(after)
            low, high = wilson_interval(switched, len(after))
            expected = pair_change_probability(self.rule, delta, self.w)
        else:
            low = high = measured = after[0] - self.w
            expected = pair_change(self.rule, delta[:, np.newaxis], self.w)
        w = trains[f"{self.trains}_plastic.w"].reshape(self.rates[0].shape)
        return RuleNumbers(
            rule=self.rule,
            stochastic=self.stochastic,
            n_trials=len(after) if self.stochastic else 1,
            delta_ms=delta * 1e3,
            w=self.w,
            measured=measured,
            low=low,
            high=high,
            expected=expected,
            pre_hz=np.array(PRE_HZ),
            post_hz=np.array(POST_HZ),
            start_w=float(self._start().mean()),
            mean_w=w.mean(axis=-1),
            error_w=w.std(axis=-1) / np.sqrt(N_SYNAPSES),
        )


def times_of(model: Any) -> list[float]:
    """Return the parameters of a model that are times, in seconds."""
    quantities = [q for q in model.values().values() if isinstance(q, Quantity)]
    return [q.value for q in quantities if q.dimension == second.dimension]


def _spread(n: int, at_most: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, at_most)).round().astype(int))


def _row(array: np.ndarray) -> Shape:
    return (1, array.size, 1)


def _stimuli(
    name: str, pre: np.ndarray, driver: np.ndarray, dtype: Any
) -> dict[str, np.ndarray]:
    shape = (1, *_row(pre))
    return {
        f"{name}_{end}": np.asarray(values).reshape(shape).astype(dtype)
        for end, values in (("pre", pre), ("driver", driver))
    }
