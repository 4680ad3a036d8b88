"""Numbers of a run in words and rows, as a reader wants them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from stdpnet.analysis.kernels import as_kernels, convergence_index, distinct_kernels
from stdpnet.analysis.readout import fewer_errors
from stdpnet.analysis.recorded import Run
from stdpnet.analysis.senses import has_senses

Row = tuple[str, str]


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as "98.1 %"."""
    return f"{100 * fraction:.{digits}f} %"


def duration(seconds: float) -> str:
    """Return a time as "1.3 ms", "42.0 s", "5 min 10 s" or "2 h 5 min"."""
    if seconds < 0.9995:  # from here on, three digits of milliseconds are a second
        return f"{1000 * seconds:.3g} ms"
    if round(seconds, 1) < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def memory(megabytes: float) -> str:
    """Return a size as "640 MB" or "1.62 GB"."""
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.2f} GB"


def energy(joules: float) -> str:
    """Return an energy as "36.2 uJ"."""
    for unit, size in (("J", 1.0), ("mJ", 1e-3), ("uJ", 1e-6), ("nJ", 1e-9)):
        if joules >= 0.9995 * size:
            return f"{joules / size:.3g} {unit}"
    return f"{joules / 1e-12:.3g} pJ"


def whole(number: float) -> str:
    """Return a count as "10,000"."""
    return f"{number:,.0f}"


def yes_or_no(value: Any) -> str:
    """Return "yes" or "no"."""
    return "yes" if value else "no"


METRICS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "accuracy": ("Test accuracy", lambda value: percent(value, 2)),
    "control_accuracy": (
        "Test accuracy of the control",
        lambda value: percent(value, 2),
    ),
    "n_test": ("Test images", whole),
    "n_train": ("Labelled images for the readout", whole),
    "n_fit": ("Unlabelled images for learning", whole),
    "n_fit_shown": ("Images shown while learning", whole),
    "converged": ("Kernels converged", yes_or_no),
    "fit_seconds": ("Learning", duration),
    "seconds_per_example": ("Learning, per image", duration),
    "feature_seconds": ("Features", duration),
    "readout_seconds": ("Readout", duration),
    "control_seconds": ("Control", duration),
    "build_seconds": ("Compiling", duration),
    "total_seconds": ("Total", duration),
    "peak_memory_mb": ("Peak memory", memory),
}
#: Shown in another form, or beside the numbers.
ELSEWHERE = ("run", "seed", "versions", "fewer_errors", "control_spikes", "accuracies")


def result_parts(run: Run) -> list[tuple[str, str]]:
    """Return the result as phrases, each with its role.

    Parameters
    ----------
    run : Run
        From `load_run`.

    Returns
    -------
    list of (str, str)
        Role (``"learned"``, ``"control"`` or ``""``) and phrase; joined by
        commas they are the sentence that opens a report.
    """
    metrics = run.metrics
    accuracy, control = metrics.get("accuracy"), metrics.get("control_accuracy")
    if accuracy is None:
        return [("", f"{n_kernels(run)} kernels learned, no labels to test them with")]
    digits = _digits(accuracy, control)
    n_test = metrics.get("n_test")
    what = "pairs" if has_senses(run) else "images"
    images = f" of {whole(n_test)} test {what}" if n_test is not None else ""
    parts = [("learned", percent(accuracy, digits) + images)]
    if control is None:
        return [*parts, ("", "no control was run")]
    parts.append(("control", f"control {percent(control, digits)}"))
    fewer = fewer_errors(accuracy, control)
    return parts if fewer is None else [*parts, ("", _errors(fewer))]


def _digits(accuracy: float, control: float | None) -> int:
    # Two figures that differ must not read the same.
    same = control is not None and percent(accuracy) == percent(control)
    return 2 if same and accuracy != control else 1


def _errors(fewer: float) -> str:
    if round(100 * fewer) == 0:
        return "as many errors"
    word = "fewer" if fewer > 0 else "more"
    return f"{100 * abs(fewer):.0f} % {word} errors"


def result_sentence(run: Run) -> str:
    """Return the result in one line, see `result_parts`."""
    return ", ".join(phrase for _, phrase in result_parts(run))


def n_kernels(run: Run) -> int:
    """Return how many kernels all banks have together."""
    return sum(len(kernels) for _, kernels in _banks(run))


def _banks(run: Run) -> list[tuple[str, Any]]:
    found = [(bank, run.bank_array(bank, "kernels")) for bank in run.banks or ("",)]
    return [(bank, kernels) for bank, kernels in found if kernels is not None]


def summary_sentence(run: Run) -> str:
    """Return what was shown, how long it took and with which seed."""
    metrics, parts = run.metrics, []
    kernels = n_kernels(run)
    # Fewer than were given if learning converged, more if they were shown again.
    counts = [metrics[name] for name in ("n_fit", "n_fit_shown") if name in metrics]
    if kernels and counts:
        what = "pairs" if has_senses(run) else "images"
        parts.append(
            f"{kernels} kernels learned from {whole(min(counts))} unlabelled {what}"
        )
    if "seconds_per_example" in metrics:
        parts.append(f"{duration(metrics['seconds_per_example'])} an image")
    if metrics.get("n_train") is not None:
        parts.append(f"readout from {whole(metrics['n_train'])} labelled images")
    if "seed" in run.record:
        parts.append(f"seed {run.record['seed']}")
    return ", ".join(parts)


def metric_rows(metrics: Mapping[str, Any]) -> list[Row]:
    """Return name and value of all metrics that a reader misses, known ones first."""
    known = [name for name in METRICS if metrics.get(name) is not None]
    rows = [(METRICS[name][0], METRICS[name][1](metrics[name])) for name in known]
    accuracy, control = metrics.get("accuracy"), metrics.get("control_accuracy")
    if accuracy is not None and control is not None:
        fewer = fewer_errors(accuracy, control)
        if fewer is not None:
            rows.insert(2, ("Fewer errors than the control", percent(fewer)))
    others = {
        name: value
        for name, value in metrics.items()
        if value is not None and name not in METRICS and name not in ELSEWHERE
    }
    return rows + [(readable(name), plain(value)) for name, value in others.items()]


def kernel_rows(run: Run) -> list[Row]:
    """Return what can be said about the kernels of each bank."""
    banks = _banks(run)
    if len(banks) == 1:
        return _kernel_rows("", banks[0][1])
    return [row for bank, kernels in banks for row in _kernel_rows(bank, kernels)]


def _kernel_rows(bank: str, kernels: Any) -> list[Row]:
    kernels = as_kernels(kernels)
    name = f"{bank}: " if bank else ""
    n_maps, height, width, channels = kernels.shape
    distinct = distinct_kernels(kernels)
    rows = [
        (f"{name}Kernels", f"{n_maps} of {height} x {width} x {channels}"),
        (f"{name}Distinct (cosine up to 0.95)", f"{distinct} of {n_maps}"),
    ]
    # The index means something between 0 and 1 only, where soft bounds keep weights.
    if kernels.min() >= 0 and kernels.max() <= 1:
        rows.append((f"{name}Mean of w (1 - w)", f"{convergence_index(kernels):.4f}"))
    return rows


def readable(name: str) -> str:
    """Return a key as words: "peak_memory" becomes "Peak memory"."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def plain(value: Any) -> str:
    """Return a value of a JSON file for a table cell."""
    if isinstance(value, bool):
        return yes_or_no(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return whole(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def spec_text(spec: Mapping[str, Any], section: str = "") -> str:
    """Return a nested specification as TOML.

    Parameters
    ----------
    spec : mapping
        Plain values, lists and nested mappings; None is left out.
    section : str
        Name of the table that `spec` is.

    Returns
    -------
    str
        TOML text that reads back as `spec`.
    """
    tables = {key: value for key, value in spec.items() if isinstance(value, Mapping)}
    values = {k: v for k, v in spec.items() if k not in tables and v is not None}
    lines = [f"[{section}]"] if section and (values or not tables) else []
    lines += [f"{_key(key)} = {_toml(value)}" for key, value in values.items()]
    blocks = ["\n".join(lines)] if lines else []
    for key, table in tables.items():
        inner = f"{section}.{_key(key)}" if section else _key(key)
        blocks.append(spec_text(table, inner))
    return "\n\n".join(block for block in blocks if block)


def _key(key: str) -> str:
    bare = key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key)
    return key if bare else json.dumps(key, ensure_ascii=False)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_key(k)} = {_toml(v)}" for k, v in value.items() if v is not None)
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value if item is not None) + "]"
    return json.dumps(value, ensure_ascii=False)
