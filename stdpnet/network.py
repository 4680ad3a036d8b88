"""Networks of your own: named parts, built once, run chunk after chunk."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.engine.program import Program, build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models import network as models
from stdpnet.models.parts import Again
from stdpnet.runs import write_atomically
from stdpnet.units import as_quantity

#: Version of saved states; older ones still open.
FILE_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Network(models.Network):
    """Inputs, populations, projections and counters that can be built and run.

    Any neuron, rule and geometry; several layers and recurrent projections.

    Parameters
    ----------
    inputs, populations, projections, counters : sequence
        The parts, see `Input`, `Population`, `Projection` and `Counter`. A projection
        names its source and its target.
    dt : Quantity, time
        Time step.
    dtype : {"float32", "float64"}
        Precision of all state variables and parameters.
    continuous : bool or sequence of str
        Whether potentials and traces go on from one presentation to the next in the
        same run, instead of starting each of them anew; or the inputs and populations
        of which they do.

    Examples
    --------
    >>> from stdpnet import Input, Network, Population, Projection
    >>> from stdpnet.models.neurons import LIF
    >>> from stdpnet.models.plasticity import PairSTDP
    >>> from stdpnet.models.projections import Convolution
    >>> from stdpnet.units import ms
    >>> net = Network(
    ...     inputs=[Input(name="pixels", shape=(8, 8, 1), stimulus="rates")],
    ...     populations=[Population(name="cells", shape=(1, 1, 10), neuron=LIF())],
    ...     projections=[
    ...         Projection(name="afferents", source="pixels", target="cells",
    ...                    geometry=Convolution.dense((8, 8, 1)), rule=PairSTDP())
    ...     ],
    ...     dt=1 * ms,
    ... )
    >>> net.initial_state(seed=0)["afferents.w"].shape
    (8, 8, 1, 10)
    """

    def build(self, backend: str = "auto") -> "Simulation":
        """Compile the network, or take it from the cache.

        Parameters
        ----------
        backend : {"auto", "cpp", "cython", "numpy"}
            Compiled C++, or Brian2's runtime targets.

        Raises
        ------
        ValueError
            If the parts do not fit together or equations cannot be used.
        ProgramError
            If building fails.
        """
        return Simulation(self, build(self.describe(), backend, "a network"))

    def initial_state(
        self, seed: int = 0, *, learned: bool = True
    ) -> dict[str, np.ndarray]:
        """Return weights and variables of maps to start from.

        Weights are those of `Projection.weights`, or random ones of the rule. Without
        `learned`, those of projections with a rule are left out.

        Raises
        ------
        ValueError
            If a projection has neither weights nor a rule, or they do not fit.
        """
        rng = np.random.default_rng(seed)
        state = {}
        for part in self.projections:
            if part.rule is not None and not learned:
                continue
            w = self._initial_weights(part, rng)
            state[f"{part.name}.w"] = w
            if part.rule is not None:
                for name, values in part.rule.synapses(w).items():
                    state[f"{part.name}.{name}"] = values
            for name, values in (part.structure or {}).items():
                state[f"{part.name}.{name}"] = np.asarray(values, np.int32)
            if part.prunable:
                state[f"{part.name}.kept"] = np.ones_like(w)
            if part.correlates:
                state[f"{part.name}.correlation"] = np.zeros_like(w)
        for population in self.populations:
            initial = population.neuron.initial()
            for name in population.neuron.per_map:
                dtype = "float64" if name in population.neuron.precise else self.dtype
                start = np.full(population.shape[2], initial.get(name, 0.0), dtype)
                state[f"{population.name}.{name}"] = start
        return state

    def _initial_weights(
        self, part: models.Projection, rng: np.random.Generator
    ) -> np.ndarray:
        source, target = self.shape(part.source), self.shape(part.target)
        shape = part.geometry.kernel_shape(source, target)
        if part.weights is not None:
            try:
                w = np.array(np.broadcast_to(part.weights, shape), self.dtype)
            except ValueError as error:
                raise ValueError(
                    f"Projection {part.name!r}: weights must have shape {shape}, got "
                    f"{np.shape(part.weights)}"
                ) from error
        elif part.rule is not None:
            w = part.rule.initial_weights(rng, shape).astype(self.dtype)
        else:
            raise ValueError(
                f"Projection {part.name!r} has no rule; give it weights, a number or an "
                f"array of shape {shape}"
            )
        if part.rule is not None:
            part.rule.check_weights(w, f"weights of {part.name!r}")
        return w

    def to_brian2(
        self,
        stimuli: Mapping[str, np.ndarray],
        state: Mapping[str, np.ndarray] | None = None,
        *,
        presentation: Any,
        learning: bool = True,
    ) -> Any:
        """Return an ordinary Brian2 network of the same equations.

        For inspection and comparison: `Synapses` with stored indices, in double
        precision. Sets Brian2's ``defaultclock.dt``.

        Parameters
        ----------
        stimuli, state, presentation, learning
            As for `Simulation.run`. They become part of the network.

        Returns
        -------
        brian2.Network
            Run it for the number of examples times `presentation`, with
            ``namespace={}``. Its groups have the names of the parts.
        """
        from stdpnet.engine.reference import brian2_network

        state = {**self.initial_state(), **(state or {})}
        description = {**self.describe(), "dtype": "float64"}
        parameters = self.parameter_values(learning=learning)
        n_steps = self.n_steps(presentation)
        return brian2_network(description, stimuli, state, parameters, n_steps)

    def n_steps(self, presentation: Any, name: str = "presentation") -> int:
        """Return the number of time steps in a presentation.

        Raises
        ------
        ValueError
            If it is not a time that is a multiple of `dt`.
        """
        try:
            steps = float(as_quantity(presentation) / self.dt)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} must be a time like '100 ms', got {presentation!r}"
            ) from error
        if steps < 1 or abs(steps - round(steps)) > 1e-6 * steps:
            raise ValueError(
                f"{name} must be a multiple of dt {self.dt}, got {presentation}"
            )
        return round(steps)


@dataclass(frozen=True)
class Simulation:
    """A network that was built.

    Attributes
    ----------
    network : Network
        Its parts, and the values of their parameters.
    program : Program
        What runs.
    """

    network: Network
    program: Program

    def run(
        self,
        stimuli: Mapping[str, np.ndarray],
        state: Mapping[str, np.ndarray] | None = None,
        *,
        presentation: Any,
        rest: Any = None,
        again: tuple[str | Sequence[str], Again] | None = None,
        learning: bool = True,
        seed: int = 0,
        record: Mapping[str, Any] | Iterable[str] = (),
        parameters: Mapping[str, float] | None = None,
    ) -> ChunkResult:
        """Present some examples, one after another.

        Parameters
        ----------
        stimuli : dict of ndarray, shape (n_examples, height, width, channels)
            For each input: the step of each neuron's spike (uint16, 65535: never), or
            rates in Hz; (n_examples, frames, height, width, channels) where it has
            frames.
        state : dict of ndarray, optional
            Where to start: `ChunkResult.state` of the chunk before, or what
            `load_state` returned; default: `Network.initial_state`.
        presentation : Quantity or str, time
            How long an example is shown.
        rest : Quantity or str, time, optional
            How long the network goes on without input after each presentation.
        again : (str or sequence of str, Again), optional
            One population or several, and when an example is shown again, brighter,
            because one of them spikes too little.
        learning : bool
            Whether weights and thresholds adapt.
        seed : int
            Seed of the random numbers of this chunk.
        record : dict
            What to record, for example ``{"cells.v": [0, 3], "cells.spikes": True,
            "afferents.w": 100}``: state of neurons at the end of each step, spikes, and
            weights after every so many examples. The name of the part may be left out
            where only one part has the rest.
        parameters : dict of float, optional
            Values that differ from the network's, "part.name" in SI units. Changing
            them compiles nothing.

        Returns
        -------
        ChunkResult
            State after the chunk, pooled counts, recordings and numbers of events.

        Raises
        ------
        ValueError
            If something given does not fit the network.
        ProgramError
            If the program crashed or was interrupted. Nothing of such a chunk is
            returned.
        """
        n_steps = self.network.n_steps(presentation)
        values = self.network.parameter_values(learning=learning)
        for name, value in (parameters or {}).items():
            if name not in values:
                raise ValueError(unknown_name("parameter", name, values))
            values[name] = float(value)
        return run_chunk(
            self.program,
            stimuli,
            self.network.initial_state(seed) if state is None else state,
            values,
            n_steps=n_steps + (self.network.n_steps(rest, "rest") if rest else 0),
            n_input_steps=n_steps,
            again=again,
            seed=seed,
            record=record,
        )


def save_state(path: str | Path, state: Mapping[str, np.ndarray]) -> Path:
    """Write a state to one HDF5 file, atomically."""
    import io

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["format"] = FILE_FORMAT
        for name, values in state.items():
            file[name] = values
    write_atomically(Path(path), buffer.getvalue())
    return Path(path)


def load_state(path: str | Path) -> dict[str, np.ndarray]:
    """Read a state that `save_state` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged or of a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        with h5py.File(path, "r") as file:
            found = int(file.attrs["format"])
            state = {name: file[name][()] for name in file}
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is not a saved state: {error}") from error
    if found > FILE_FORMAT:
        raise ValueError(
            f"{path} has format {found}, this version reads up to {FILE_FORMAT}; "
            "upgrade stdpnet"
        )
    return state
