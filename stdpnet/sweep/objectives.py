"""What the runs of a sweep are compared by."""

from collections.abc import Iterable
from dataclasses import dataclass

from stdpnet.analysis import Run
from stdpnet.analysis.compression import bank_costs
from stdpnet.catalog import unknown_name
from stdpnet.config import SpecError


@dataclass(frozen=True)
class Objective:
    """A number of a run, and whether more of it is better."""

    name: str
    direction: str
    doc: str

    @property
    def sign(self) -> int:
        """1 if more is better, else -1."""
        return 1 if self.direction == "maximize" else -1


OBJECTIVES = {
    one.name: one
    for one in (
        Objective(
            "accuracy", "maximize", "share of the images that are classified right"
        ),
        Objective(
            "connectivity", "minimize", "share of the plastic synapses that is left"
        ),
        Objective("bytes", "minimize", "bytes of the weights, packed"),
        Objective(
            "events", "minimize", "synaptic events an image, where features are read"
        ),
        Objective("energy", "minimize", "joules an image, estimated from events"),
        Objective("spikes", "minimize", "spikes an image"),
        Objective("seconds", "minimize", "time of learning"),
    )
}


def objective(name: str) -> Objective:
    """Return the objective of a name.

    Raises
    ------
    SpecError
        If there is none.
    """
    if name not in OBJECTIVES:
        raise SpecError(unknown_name("objective", name, OBJECTIVES))
    return OBJECTIVES[name]


def measured(run: Run) -> dict[str, float]:
    """Return the numbers of a finished run by which it may be compared, by name.

    Beside the objectives, ``control_accuracy`` where there is a control, and
    ``built``, 1 if its program had to be compiled.
    """
    metrics, costs = run.metrics, list(bank_costs(run).values())
    tested = [cost.tested[1] for cost in costs]
    synapses = [cost.learning[1] for cost in costs]
    found = {
        "accuracy": metrics.get("accuracy"),
        "control_accuracy": metrics.get("control_accuracy"),
        "spikes": metrics.get("spikes_per_image"),
        "seconds": metrics["fit_seconds"],
        "built": float(metrics["build_seconds"] > 0),
        "bytes": sum(one.bytes_after for one in synapses),
    }
    if synapses:
        left = sum(one.n_surviving for one in synapses)
        found["connectivity"] = left / sum(one.n_synapses for one in synapses)
    if any(one.synaptic_events for one in tested):
        events = [one.per_example()["synaptic_events"] for one in tested]
        found["events"] = sum(events)
        found["energy"] = sum(one.energy_estimate.value for one in tested)
    return {name: float(value) for name, value in found.items() if value is not None}


def directions(names: Iterable[str]) -> list[str]:
    """Return Optuna's direction of each objective."""
    return [objective(name).direction for name in names]
