"""Many copies of one neuron, each with input of its own: one program, many runs."""

import ast
import enum
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stdpnet.engine.program import build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.describe import check_neuron, parameter_numbers
from stdpnet.models.equations import variables
from stdpnet.models.network import NEVER, Input, Network, Population, Projection
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.projections import Convolution, OneToOne
from stdpnet.units import UNITS, Dimension, Quantity, dimension_name, ms

#: Copies that get trains of input spikes, and spikes of a step of input.
N_COPIES, N_STEP_INPUTS = 64, 200
#: Potentials of a stochastic neuron, and copies that are kicked to each.
N_POTENTIALS, N_TRIALS = 41, 2000
#: Weights from one that hardly matters to one that is too much.
LADDER = (1e-5, 1e4)
BEFORE_MS, AFTER_MS = 20, 30

_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.USub: np.negative,
}


class Kind(enum.Enum):
    """What sets the rate of a neuron, and so what is measured."""

    DRIVEN = "a constant drive"
    FED = "input spikes"
    STOCHASTIC = "a potential, and chance"

    @property
    def dt(self) -> Quantity:
        """Time step: small against a period, or the one that probabilities belong to."""
        return {Kind.DRIVEN: 0.05 * ms, Kind.FED: 0.25 * ms}.get(self, 1 * ms)

    @property
    def every(self) -> int:
        """Time steps from one spike of a step of input to the next."""
        return {Kind.DRIVEN: 10, Kind.FED: 2}.get(self, 1)

    @property
    def n_inputs(self) -> int:
        """Number of input neurons, each with one spike."""
        # One for every time step of a second, where rates of input are measured.
        return 4000 if self is Kind.FED else N_STEP_INPUTS


def kind_of(neuron: NeuronModel) -> Kind:
    """Return how a neuron is to be measured."""
    if "rand" in neuron.threshold:
        return Kind.STOCHASTIC
    return Kind.DRIVEN if "drive" in neuron.values() else Kind.FED


class Bench:
    """A neuron with inputs that are set from run to run.

    Parameters
    ----------
    neuron : NeuronModel
        The neuron.
    backend : str
        As for `stdpnet.engine.program.build`.
    seed : int
        Seed of the random numbers.
    announce : callable, optional
        Called with a sentence before something is compiled.

    Notes
    -----
    Every input spikes once, one after the other, and its weights say which copies it
    reaches: a matrix of weights is whatever input each copy is to get.
    """

    def __init__(
        self,
        neuron: NeuronModel,
        backend: str = "auto",
        seed: int = 0,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.neuron, self.kind, self.seed = neuron, kind_of(neuron), seed
        self.dimensions = check_neuron(neuron)
        self.potential = "v" if "v" in self.dimensions else neuron.inputs[0]
        self.dt = float(self.kind.dt.value)
        self.ladder = np.geomspace(*LADDER, N_COPIES)
        self.step_start = round(BEFORE_MS * 1e-3 / self.dt)
        self.step_end = self.step_start + N_STEP_INPUTS * self.kind.every
        self.step_length = self.step_end + round(AFTER_MS * 1e-3 / self.dt)
        self.network = _network(neuron, self.kind)
        title = f"input for {neuron.title}"
        self.program = build(self.network.describe(), backend, title, announce)

    # -- runs -------------------------------------------------------------------------

    def run(
        self,
        weights: np.ndarray | None = None,
        *,
        n_steps: int,
        start: int = 0,
        every: int = 1,
        learning: bool = True,
        drive: float | None = None,
        record: Mapping[str, Any] | None = None,
        presentations: int = 1,
        kicks: np.ndarray | None = None,
    ) -> ChunkResult:
        """Run all copies, and record what is asked for.

        Parameters
        ----------
        weights : ndarray, shape (n_inputs, N_COPIES), optional
            Weight of each input at each copy; default: none.
        n_steps : int
            Length of a presentation.
        start, every : int
            Step of the first input spike, and steps to the next one.
        learning : bool
            Whether thresholds adapt.
        drive : float, optional
            The parameter of that name, in SI units.
        record : dict, optional
            As for `stdpnet.engine.run.run_chunk`; default: spikes of the copies.
        presentations : int
            How often to present the input.
        kicks : ndarray, shape (N_TRIALS, N_POTENTIALS), optional
            Weights of a spike in the first step, for copies of a stochastic neuron.
        """
        steps = start + every * np.arange(self.kind.n_inputs)
        stimuli = {"train": np.where(steps < n_steps, steps, NEVER)}
        state = self._state(weights, kicks)
        if self.kind is Kind.STOCHASTIC:
            never = np.full(N_TRIALS * N_POTENTIALS, NEVER)
            stimuli["kick"] = never if kicks is None else 0 * never
        values = self.network.parameter_values(learning=learning)
        if drive is not None:
            values["copies.drive"] = drive
        return run_chunk(
            self.program,
            {name: _stimulus(s, presentations) for name, s in stimuli.items()},
            state,
            values,
            n_steps=n_steps,
            seed=self.seed,
            record=record or {"copies.spikes": True},
        )

    def _state(
        self, weights: np.ndarray | None, kicks: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        shapes = self.program.state_shapes()
        initial = self.neuron.initial()
        given = {"feed.w": weights, "kicked.w": kicks}
        found = {}
        for name, shape in shapes.items():
            array = given.get(name)
            start = initial.get(name.partition(".")[2], 0.0)
            found[name] = (
                np.full(shape, start) if array is None else array.reshape(shape)
            )
        return found

    def run_step(
        self, record: Mapping[str, Any] | None = None, presentations: int = 1
    ) -> ChunkResult:
        """Run with a step of regular input, of another weight at every copy."""
        weights = np.zeros((self.kind.n_inputs, N_COPIES))
        weights[:N_STEP_INPUTS] = self.ladder
        return self.run(
            weights,
            n_steps=self.step_length,
            start=self.step_start,
            every=self.kind.every,
            record={"copies.spikes": True, **(record or {})},
            presentations=presentations,
        )

    def run_regular(self, w: float, every: np.ndarray) -> ChunkResult:
        """Run with regular input: one spike in `every` steps, of shape (N_COPIES,)."""
        steps = np.arange(self.kind.n_inputs)[:, np.newaxis]
        weights = np.where(steps % every == 0, w, 0.0)
        return self.run(weights, n_steps=len(weights) + 2, learning=False)

    def kick(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give copies one input spike and see which spike in the next step.

        Parameters
        ----------
        weights : ndarray, shape (N_POTENTIALS,)
            Weights of the input spike.

        Returns
        -------
        v : ndarray, shape (2, N_TRIALS, N_POTENTIALS)
            Potential at the end of the step of the input, and of the next.
        spiked : ndarray of bool, of that shape
            Who spiked in these two steps.
        """
        shape = (N_TRIALS, N_POTENTIALS)
        name = f"many.{self.potential}"
        result = self.run(
            n_steps=3,
            kicks=np.broadcast_to(weights, shape),
            record={"many.spikes": True, name: True},
        )
        spiked = np.zeros((3, N_TRIALS * N_POTENTIALS), bool)
        rows = result.recordings["many.spikes"]
        spiked[rows[:, 1], rows[:, 2]] = True
        v = result.recordings[name].reshape(3, *shape)
        return v[:2], spiked.reshape(3, *shape)[:2]

    # -- what was recorded ------------------------------------------------------------

    def state_names(self, copy: int | None = None) -> dict[str, Any]:
        """Return what to record for `states`, of one copy or of all."""
        which = True if copy is None else [copy]
        names = variables(self.neuron.equations)
        return {f"copies.{name}": which for name in names}

    def states(self, result: ChunkResult, column: int) -> dict[str, np.ndarray]:
        """Return every variable of a copy, shape (n_presentations, n_steps)."""
        return {
            name: result.recordings[f"copies.{name}"][:, :, column]
            for name in variables(self.neuron.equations)
        }

    def adapts(self) -> bool:
        """Return whether the threshold is made of variables, and can be told."""
        made_of = set(re.findall(r"[A-Za-z_]\w*", self._bound()))
        stored = variables(self.neuron.equations)
        example = self.threshold({name: np.zeros(1) for name in stored})
        return bool(made_of & set(stored)) and example is not None

    def threshold(self, states: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Return the threshold of the potential, in SI units, from `states`.

        None if the condition for a spike is not a bound of the potential that is made
        of variables and parameters by plain arithmetic.
        """
        bound = self._bound()
        if not bound:
            return None
        names: dict[str, Any] = {name: unit.value for name, unit in UNITS.items()}
        names |= {**parameter_numbers(self.neuron), **states}
        try:
            value = _evaluate(ast.parse(bound, mode="eval").body, names)
        except (KeyError, SyntaxError):
            return None
        return np.broadcast_to(value, states[self.potential].shape)

    def _bound(self) -> str:
        condition = self.neuron.threshold.split(" and ")[0]
        found = re.match(rf"\s*{self.potential}\s*>=?(.+)", condition)
        return found[1].strip() if found else ""

    def shown_unit(self, name: str = "") -> tuple[float, str]:
        """Return factor and unit in which people read the potential or a parameter."""
        if not name:
            return _readable(self.dimensions[self.potential])
        value = self.neuron.values()[name]
        return _readable(value.dimension) if isinstance(value, Quantity) else (1.0, "1")


def _network(neuron: NeuronModel, kind: Kind) -> Network:
    copies, inputs = (1, 1, N_COPIES), (1, 1, kind.n_inputs)
    stimuli = [Input(name="train", shape=inputs)]
    populations = [Population(name="copies", shape=copies, neuron=neuron)]
    dense = Convolution.dense(inputs)
    joined = [Projection(name="feed", source="train", target="copies", geometry=dense)]
    if kind is Kind.STOCHASTIC:
        many = (1, 1, N_TRIALS * N_POTENTIALS)
        one = OneToOne()
        stimuli.append(Input(name="kick", shape=many))
        populations.append(Population(name="many", shape=many, neuron=neuron))
        joined.append(
            Projection(name="kicked", source="kick", target="many", geometry=one)
        )
    return Network(
        inputs=tuple(stimuli),
        populations=tuple(populations),
        projections=tuple(joined),
        counters=(),
        dt=kind.dt,
        dtype="float64",
    )


def _stimulus(steps: np.ndarray, presentations: int) -> np.ndarray:
    return np.tile(steps.astype(np.uint16), (presentations, 1, 1, 1))


def _readable(dimension: Dimension) -> tuple[float, str]:
    name = dimension_name(dimension)
    return (1e3, f"m{name}") if name in ("V", "s", "A") else (1.0, name)


def _evaluate(node: ast.AST, names: Mapping[str, Any]) -> Any:
    """Return the value of plain arithmetic; KeyError for everything else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_evaluate(node.operand, names))
    if isinstance(node, ast.BinOp):
        operate = _OPERATORS[type(node.op)]
        return operate(_evaluate(node.left, names), _evaluate(node.right, names))
    raise KeyError(type(node).__name__)
