"""From the sections of a specification to a `MultimodalSTDP`."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from stdpnet.catalog import unknown_name
from stdpnet.config import SpecError, from_dict
from stdpnet.estimators.multimodal.estimator import MultimodalSTDP, default_cross_rule
from stdpnet.models.plasticity import PlasticityRule

KIND = "MultimodalSTDP"
#: Sections that each modality has for itself.
OWN = ("network", "neuron", "rule", "encoding")
#: Constructor arguments that are elsewhere in a specification, or belong to a run.
_ELSEWHERE = ("modalities", "cross_rule", "random_state", "n_jobs", "verbose")


def is_joint(spec: Mapping[str, Any]) -> bool:
    """Say whether a specification is of a network of several modalities."""
    return bool(spec.get("network", {}).get("type") == KIND)


def make_joint(
    spec: Mapping[str, Any], make: Callable[[dict[str, Any]], Any], *, seed: int
) -> MultimodalSTDP:
    """Make the network of a specification; `make` makes that of one modality.

    ``[network]`` and ``[rule]`` are of the whole, the latter of the connections between
    modalities; ``[modalities.NAME]`` has the other sections of each.

    Raises
    ------
    SpecError
        If a section has a key that its type does not know.
    ValueError
        If a value cannot be used.
    """
    modalities = spec.get("modalities", {})
    if len(modalities) < 2:
        raise SpecError(
            f"network.type {KIND!r} needs two or more tables [modalities.NAME], each with "
            f"a network of its own, got {', '.join(modalities) or 'none'}"
        )
    for name in ("neuron", "encoding"):
        if spec.get(name):
            raise SpecError(
                f"each modality has its own [{name}]; write [modalities.NAME.{name}]"
            )
    network = {k: v for k, v in spec["network"].items() if k != "type"}
    known = [n for n in inspect.signature(MultimodalSTDP).parameters]
    known = [name for name in known if name not in _ELSEWHERE]
    for key in network:
        if key not in known:
            raise SpecError(unknown_name("network key", key, known))
    members = [(name, make(_sections(name, own))) for name, own in modalities.items()]
    made = MultimodalSTDP(
        members, **network, cross_rule=_cross_rule(spec), random_state=seed
    )
    made.check_parameters()
    return made


def _cross_rule(spec: Mapping[str, Any]) -> PlasticityRule | None:
    table = spec.get("rule", {})
    if table.get("type") == "none":  # TOML has no None
        return None
    if not table:
        return default_cross_rule()
    rule: PlasticityRule = from_dict(PlasticityRule, table, default="PowerLawSTDP")
    return rule


def _sections(name: str, own: dict[str, Any]) -> dict[str, Any]:
    for section in own:
        if section not in OWN:
            raise SpecError(
                f"modalities.{name}: " + unknown_name("section", section, OWN)
            )
    return own


def with_specs(
    modalities: Mapping[str, Any], load: Callable[[str], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return tables of modalities in which ``spec = "..."`` has become what it names.

    What else a table says goes before it.

    Raises
    ------
    SpecError
        If there is something else than tables.
    """
    found = {}
    for name, table in modalities.items():
        if not isinstance(table, Mapping):
            raise SpecError(f"modalities.{name} must be a table, got {table!r}")
        if "spec" in table:
            named = load(str(table["spec"]))
            changes = {key: value for key, value in table.items() if key != "spec"}
            usual = {part: named[part] for part in OWN if part in named}
            table = _merged(usual, changes)
        found[name] = table
    return found


def _merged(usual: Any, changes: Any) -> Any:
    if not (isinstance(usual, Mapping) and isinstance(changes, Mapping)):
        return changes
    if changes.get("type", usual.get("type")) != usual.get("type"):
        return dict(changes)
    both = {key: _merged(usual[key], changes[key]) for key in changes if key in usual}
    return {**usual, **changes, **both}
