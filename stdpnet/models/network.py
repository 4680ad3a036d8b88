"""A network put together from neurons, rules and geometries; still only a text.

`Network.describe` resolves the parts into plain data: equations, statements,
sizes. The engine makes a program of that and needs nothing else, so a run that
carries its description can be opened without the classes that wrote it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stdpnet.catalog import unknown_name
from stdpnet.models.describe import (
    SIDES,
    add_correlation,
    add_mask,
    begin_once,
    describe_group,
    describe_population,
    describe_rule,
    parameter_numbers,
)
from stdpnet.models.parts import Again as Again
from stdpnet.models.parts import Counter, Input, Population, Projection
from stdpnet.models.plasticity import PlasticityRule
from stdpnet.models.projections import (
    AllToAll,
    AllToOthers,
    Convolution,
    OneToOne,
    Shape,
    SparseConvolution,
    SumPooling,
)
from stdpnet.units import Quantity

#: Version of the plain data that `Network.describe` returns.
DESCRIPTION_FORMAT = 4
#: As the step of a spike: never. No presentation has more time steps than this.
NEVER = 65535
#: What the engine adds to a population, named after it.
LEVELS = ("map", "site", "rivals")

DTYPES = ("float32", "float64")
STIMULI = ("steps", "rates")


@dataclass(frozen=True, kw_only=True)
class Network:
    """Inputs, populations, projections and counters, by name.

    Parameters
    ----------
    inputs, populations, projections, counters : sequence
        The parts. A projection names its source and its target.
    dt : Quantity, time
        Time step.
    dtype : {"float32", "float64"}
        Precision of all state variables and parameters.
    continuous : bool or sequence of str
        Whether potentials and traces go on from one presentation to the next in the
        same run, instead of starting each of them anew; or the inputs and populations
        of which they do.

    Raises
    ------
    ValueError
        If two parts have the same name, or a choice or a name is not known.
    """

    inputs: Sequence[Input]
    populations: Sequence[Population]
    projections: Sequence[Projection] = ()
    counters: Sequence[Counter] = ()
    dt: Quantity
    dtype: str = "float32"
    continuous: bool | Sequence[str] = False

    def __post_init__(self) -> None:
        self._check_choices()
        taken: set[str] = set()
        parts: list[Any] = [*self.inputs, *self.populations]
        parts += [*self.projections, *self.counters]
        for part in parts:
            levels = LEVELS if isinstance(part, Population) else ()
            for name in (part.name, *(f"{part.name}_{level}" for level in levels)):
                if name in taken:
                    raise ValueError(
                        f"Network: the name {name!r} is taken twice (a population X "
                        f"also takes X_{', X_'.join(LEVELS)}); rename {part.name!r}"
                    )
                taken.add(name)

    def _check_choices(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(unknown_name("Network.dtype", str(self.dtype), DTYPES))
        parts: list[Any] = [*self.inputs, *self.populations]
        for part in (*parts, *self.projections, *self.counters):
            if not str(part.name).isidentifier():
                raise ValueError(
                    f"Network: a name must be letters, digits and _, got {part.name!r}"
                )
        for part in self.inputs:
            if part.stimulus not in STIMULI:
                owner = f"stimulus of {part.name!r}"
                raise ValueError(unknown_name(owner, str(part.stimulus), STIMULI))
            if part.frames is not None:
                _check_frames(part)
        if not isinstance(self.continuous, bool):
            for name in self.continuous:
                if name not in self._groups():
                    owner = "Network.continuous"
                    raise ValueError(unknown_name(owner, str(name), self._groups()))

    def shape(self, name: str) -> Shape:
        """Return the shape of an input or a population."""
        return self._groups()[name].shape

    def _goes_on(self, name: str) -> bool:
        on = self.continuous
        return on if isinstance(on, bool) else name in on

    def _groups(self) -> dict[str, Input | Population]:
        groups: list[Input | Population] = [*self.inputs, *self.populations]
        return {group.name: group for group in groups}

    def describe(self) -> dict[str, Any]:
        """Return the network as plain data, parameters by name and unit only.

        The values of parameters are not part of it: see `parameter_values`.

        Raises
        ------
        ValueError
            If the parts do not fit together or equations cannot be used.
        """
        groups = {
            **{
                p.name: describe_group(p.shape, p.stimulus, p.frames)
                for p in self.inputs
            },
            **{
                p.name: describe_population(
                    p.shape, p.neuron, p.competition, adapts=p.adapts
                )
                for p in self.populations
            },
        }
        described = {
            "format": DESCRIPTION_FORMAT,
            "dt": self.dt.value,
            "dtype": self.dtype,
            "groups": groups,
            "projections": {
                p.name: self._describe_projection(p, groups) for p in self.projections
            },
            "counters": {c.name: self._describe_counter(c) for c in self.counters},
        }
        for name, group in groups.items():
            if self._goes_on(name):
                begin_once(group)
        return described

    def _describe_projection(
        self, part: Projection, groups: dict[str, Any]
    ) -> dict[str, Any]:
        self._check_ends(part)
        source, target = self.shape(part.source), self.shape(part.target)
        described: dict[str, Any] = {
            "source": part.source,
            "target": part.target,
            "geometry": part.geometry.to_dict(),
            "weights": list(part.geometry.kernel_shape(source, target)),
            "transmit": self._transmit(part),
            "parameters": {},
            "variables": [],
            "learn_pre": "",
            "learn_post": "",
            "learn_end": "",
            "gated": False,
            "traces": {side: [] for side in SIDES},
            "neuron_variables": [],
            "normalized": part.total is not None,
            "structure": {},
            "delay": None,
        }
        if part.max_delay is not None:
            described["delay"] = self._delay(part, part.max_delay)
        if isinstance(part.geometry, SparseConvolution):
            described["structure"] = part.geometry.structure(source)
        if part.rule is not None:
            self._check_pair(part, part.rule)
            ends = {"pre": groups[part.source], "post": groups[part.target]}
            described |= describe_rule(part.name, part.rule, ends)
        if part.total is not None:
            described["parameters"]["total"] = "1"
        if part.correlates:
            add_correlation(part, described)
        if part.prunable:
            add_mask(part, described)
        return described

    def _delay(self, part: Projection, max_delay: Quantity) -> dict[str, int]:
        """Return the longest delay in time steps, and the seed of all delays."""
        is_dense = (
            type(part.geometry) is Convolution
            and tuple(self.shape(part.target))[:2] == (1, 1)
            and self._goes_on(part.source)
            and self._goes_on(part.target)
        )
        if part.rule is None or part.rule.on_end or not is_dense:
            raise ValueError(
                f"Projection {part.name!r}: delays are for dense projections with a rule "
                "that acts on spikes, in continuous networks; leave out max_delay"
            )
        steps = float(max_delay / self.dt)
        if steps < 1 or abs(steps - round(steps)) > 1e-6 * steps:
            raise ValueError(
                f"Projection {part.name!r}: max_delay must be a multiple of dt {self.dt}, "
                f"got {max_delay}"
            )
        return {"steps": round(steps), "seed": 0}

    def _check_ends(self, part: Projection) -> None:
        groups = self._groups()
        if part.total is not None:
            _check_total(part)
        for end in (part.source, part.target):
            if end not in groups:
                raise ValueError(
                    f"Projection {part.name!r}: "
                    + unknown_name("input or population", end, groups)
                )
        source, target = self.shape(part.source), self.shape(part.target)
        wanted = tuple(part.geometry.fitting_shape(source, target))
        if wanted != tuple(target):
            raise ValueError(
                f"Projection {part.name!r}: {type(part.geometry).__name__} of the shape "
                f"{source} of {part.source!r} is {wanted}, but {part.target!r} has shape "
                f"{target}; give the population that shape"
            )

    def _check_pair(self, part: Projection, rule: PlasticityRule) -> None:
        """Refuse a rule that cannot learn here, or from the spikes of the target."""
        if isinstance(part.geometry, (AllToOthers, SumPooling)):
            kind = type(part.geometry).__name__
            raise ValueError(
                f"Projection {part.name!r}: {kind} has one weight, which cannot "
                f"learn; leave out {rule.title}, or use Convolution.dense"
            )
        if isinstance(part.geometry, SparseConvolution):
            raise ValueError(
                f"Projection {part.name!r}: what is left of a SparseConvolution does not "
                f"learn; leave out {rule.title}, or use a Convolution that is prunable"
            )
        target = self._groups()[part.target]
        assert isinstance(target, Population)
        if not rule.needs_two_spikes:
            return
        once = "its competition" if target.competition else target.neuron.title
        if target.competition or target.neuron.spikes_once:
            raise ValueError(
                f"{rule.title} potentiates only from the second spike of a neuron in a "
                f"presentation on, but those of {part.target!r} spike once ({once}); "
                "choose another rule, or neurons that may spike again"
            )

    def _transmit(self, part: Projection) -> str:
        target = self._groups()[part.target]
        if not isinstance(target, Population):
            raise ValueError(
                f"projections must end at a population, got {part.target!r}"
            )
        if not part.transmits:
            return ""
        known = target.neuron.inputs
        variable = part.into or known[0]
        if variable not in known:
            raise ValueError(
                f"Projection {part.name!r}: "
                + unknown_name(f"input of {target.neuron.title}", variable, known)
            )
        return f"{variable}_post {'-' if part.inhibitory else '+'}= w"

    def _describe_counter(self, part: Counter) -> dict[str, Any]:
        if part.source not in self._groups():
            raise ValueError(
                f"Counter {part.name!r}: "
                + unknown_name("input or population", part.source, self._groups())
            )
        if not isinstance(part.pooling, (SumPooling, OneToOne)):
            raise ValueError(
                f"Counter {part.name!r}: pooling must be a SumPooling or OneToOne, got "
                f"{type(part.pooling).__name__}"
            )
        shape = part.pooling.target_shape(self.shape(part.source))
        return {
            "source": part.source,
            "geometry": part.pooling.to_dict(),
            "shape": list(shape),
            "by_latency": part.by_latency,
        }

    def parameter_values(self, *, learning: bool = True) -> dict[str, float]:
        """Return every parameter as "part.name" in SI units.

        Parameters
        ----------
        learning : bool
            Whether weights and thresholds adapt. Without, the parameters that
            a neuron lists as `learning_parameters` are zero.
        """
        values: dict[str, float] = {}
        for population in self.populations:
            frozen = () if learning else population.neuron.learning_parameters
            for name, value in parameter_numbers(population.neuron).items():
                values[f"{population.name}.{name}"] = 0.0 if name in frozen else value
            if population.competition is not None:
                winners = float(population.competition.winners)
                values[f"{population.name}.winners"] = winners
        for projection in self.projections:
            if projection.rule is not None:
                for name, value in parameter_numbers(projection.rule).items():
                    values[f"{projection.name}.{name}"] = value
                values[f"{projection.name}.learning"] = float(learning)
            if projection.total is not None:
                values[f"{projection.name}.total"] = float(projection.total)
        return values


def _check_frames(part: Input) -> None:
    """Refuse a number of frames that cannot be, or an input that has no use for them."""
    name, frames = f"Input {part.name!r}", part.frames
    if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
        raise ValueError(
            f"{name}: frames must be None or an integer >= 1, got {frames!r}"
        )
    if part.stimulus != "rates":
        raise ValueError(
            f"{name}: frames are of rates, but its stimulus is {part.stimulus!r}; leave "
            "them out"
        )


def _check_total(part: Projection) -> None:
    """Refuse a sum of weights that cannot be, or that the weights cannot have."""
    name, rule = f"Projection {part.name!r}", part.rule
    if isinstance(part.total, bool) or not isinstance(part.total, (int, float)):
        raise ValueError(f"{name}: total must be a number, got {part.total!r}")
    if not 0 < part.total < float("inf"):
        raise ValueError(f"{name}: total must be > 0 and finite, got {part.total}")
    if rule is None or not isinstance(part.geometry, (Convolution, AllToAll)):
        raise ValueError(
            f"{name}: total is for weights that learn in a Convolution or AllToAll; "
            "leave it out"
        )
    if rule.levels is not None:
        raise ValueError(
            f"{name}: total scales weights, but those of {rule.title} keep to its "
            "levels; leave it out"
        )
