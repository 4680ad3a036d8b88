"""What a run is given, checked against its program before anything starts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stdpnet.catalog import unknown_name
from stdpnet.engine.program import Program
from stdpnet.models.network import NEVER
from stdpnet.models.parts import Again

#: Populations, one or several, of which each is to spike enough, and what happens else.
AgainWhere = tuple[str | Sequence[str], Again]


def check_arrays(
    program: Program,
    stimuli: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray],
    n_steps: int,
) -> int:
    """Refuse stimuli and states that do not fit a program; return the number of examples."""
    if not 1 <= n_steps <= NEVER:
        raise ValueError(f"n_steps must be from 1 to {NEVER}, got {n_steps}")
    inputs = {n: g for n, g in program.description["groups"].items() if g["stimulus"]}
    for name, group in inputs.items():
        if name not in stimuli:
            raise ValueError(f"no stimulus for the input {name!r}")
        _check_stimulus(name, stimuli[name], group)
    counts = {len(stimuli[name]) for name in inputs}
    if len(counts) != 1:
        raise ValueError(
            f"inputs must have equally many examples, got {sorted(counts)}"
        )
    for name, shape in program.state_shapes().items():
        _check_state(name, state.get(name), shape)
    return counts.pop()


def stimulus_shape(group: dict[str, Any]) -> tuple[int, ...]:
    """Return the shape of one example for a described input."""
    frames = () if group["frames"] is None else (group["frames"],)
    return (*frames, *group["shape"])


def check_input_steps(program: Program, n_input_steps: int | None, n_steps: int) -> int:
    """Return the steps of a presentation that have input, one for each frame at least."""
    if n_input_steps is None:
        n_input_steps = n_steps
    if not 1 <= n_input_steps <= n_steps:
        raise ValueError(
            f"n_input_steps must be from 1 to n_steps {n_steps}, got {n_input_steps}"
        )
    for name, group in program.description["groups"].items():
        if group["frames"] is not None and group["frames"] > n_input_steps:
            raise ValueError(
                f"the input {name!r} must have at most as many frames as there are steps "
                f"with input, {n_input_steps}, got {group['frames']}; use a shorter dt or "
                "a longer presentation"
            )
    return n_input_steps


def again_names(again: AgainWhere) -> list[str]:
    """Return the populations that are to spike enough."""
    names = again[0]
    return [names] if isinstance(names, str) else list(names)


def check_again(program: Program, again: AgainWhere | None) -> None:
    """Refuse a population that does not exist, and inputs that cannot be brighter."""
    if again is None:
        return
    groups = program.description["groups"]
    for name in again_names(again):
        if name not in groups:
            raise ValueError(unknown_name("population", name, groups))
    if all(group["stimulus"] != "rates" for group in groups.values()):
        raise ValueError(
            "examples can only be shown again, brighter, where an input has rates; "
            "leave out 'again'"
        )


def plain_values(program: Program, parameters: Mapping[str, float]) -> dict[str, float]:
    """Return the parameters as Python's own floats, which print as plain numbers."""
    names, dtype = program.parameter_names(), program.description["dtype"]
    _check_names("parameter", parameters, names)
    if missing := sorted(names - set(parameters)):
        raise ValueError(f"no value for the parameter {missing[0]!r}")
    values = {}
    for name, value in parameters.items():
        try:
            values[name] = float(value)
        except (TypeError, ValueError):
            raise ValueError(
                f"the parameter {name!r} must be a number, got {value!r}"
            ) from None
        if not abs(values[name]) <= float(np.finfo(dtype).max):
            raise ValueError(
                f"the parameter {name!r} must be finite in {dtype}, got {value}"
            )
    return values


def _check_stimulus(name: str, stimulus: np.ndarray, group: dict[str, Any]) -> None:
    if stimulus.shape[1:] != (shape := stimulus_shape(group)):
        raise ValueError(
            f"the stimulus of {name!r} must have shape (n_examples, "
            f"{', '.join(map(str, shape))}), got {stimulus.shape}"
        )
    if stimulus.size == 0 or stimulus.dtype == np.uint16:
        return
    low, high = stimulus.min(), stimulus.max()
    if group["stimulus"] == "steps":
        if stimulus.dtype.kind not in "iu" or low < 0 or high > NEVER:
            raise ValueError(
                f"the stimulus of {name!r} must hold steps, integers from 0 to "
                f"{NEVER} (never), got {stimulus.dtype} from {low} to {high}"
            )
    elif not (low >= 0 and np.isfinite(high)):
        raise ValueError(
            f"the stimulus of {name!r} must hold rates in Hz, finite and >= 0, "
            f"got values from {low} to {high}"
        )


def _check_names(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = set(known)
    for name in given:
        if name not in known:
            raise ValueError(unknown_name(kind, name, known))


def _check_state(name: str, array: np.ndarray | None, shape: tuple[int, ...]) -> None:
    if array is None:
        raise ValueError(f"no state array {name!r}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} has {np.sum(~np.isfinite(array))} values that are not finite"
        )
