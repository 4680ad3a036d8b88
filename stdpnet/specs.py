"""Specifications: TOML files of named sections, with values overridden one by one."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stdpnet.catalog import spec_names, spec_path, unknown_name
from stdpnet.config import SpecError

#: Sections of a specification.
SECTIONS = (
    "about",
    "network",
    "neuron",
    "rule",
    "encoding",
    "modalities",
    "readout",
    "sweep",
)

#: Type of a section that does not say its own, where other types know other keys.
DEFAULT_TYPES = {"readout": "linear"}


def load_spec(name_or_path: str | Path, overrides: Any = ()) -> dict[str, Any]:
    """Read a specification and apply overrides to it.

    Parameters
    ----------
    name_or_path : str or path
        Name in the catalogue, or a TOML file.
    overrides : iterable of str
        Each ``"section.key=value"``; the value as in TOML, quotes optional. Another
        ``type`` of a table drops what the specification says in it.

    Returns
    -------
    dict
        Sections by name.

    Raises
    ------
    SpecError
        If there is no such specification, it is not TOML, or a section is not
        known.
    """
    path = _spec_file(name_or_path)
    try:
        spec = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path} is not TOML: {error}") from error
    # Types first: another type starts from its own defaults.
    for override in sorted(overrides, key=lambda text: not _sets_type(text)):
        _override(spec, override)
    for section, content in spec.items():
        if section not in SECTIONS:
            raise SpecError(
                f"{path.name}: " + unknown_name("section", section, SECTIONS)
            )
        if not isinstance(content, dict):
            raise SpecError(f"{path.name}: {section} must be a table, got {content!r}")
    return spec


def _spec_file(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".toml" or len(path.parts) > 1:
        if not path.is_file():
            raise SpecError(
                f"no such file: {path}; known specs: {', '.join(spec_names())}"
            )
        return path
    try:
        return spec_path(str(name_or_path))
    except ValueError as error:
        raise SpecError(str(error)) from error


def _override(spec: dict[str, Any], override: str) -> None:
    name, equals, value = override.partition("=")
    *tables, key = name.strip().split(".")
    if not equals or not tables or not key:
        raise SpecError(f"an override is written section.key=value, got {override!r}")
    table = spec
    for part in tables:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise SpecError(f"{name.strip()}: {part} is a value, not a table")
    parsed = toml_value(value.strip())
    before = table.get("type", DEFAULT_TYPES.get(".".join(tables), parsed))
    if key == "type" and before != parsed:
        table.clear()
    table[key] = parsed


def _sets_type(override: str) -> bool:
    return override.partition("=")[0].strip().endswith(".type")


def read_settings(texts: Iterable[str]) -> dict[str, Any]:
    """Return the values of texts such as ``tau_m=20 ms``, by key.

    Raises
    ------
    SpecError
        If a text is not written KEY=VALUE.
    """
    values = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not (key and equals):
            raise SpecError(f"--set is written KEY=VALUE, got {text!r}")
        values[key] = toml_value(value)
    return values


def toml_value(text: str) -> Any:
    """Return a value as TOML has it; what is not TOML is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
