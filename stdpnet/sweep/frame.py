"""The numbers of a sweep as a table: a row a trial, or a row a run."""

from pathlib import Path
from typing import Any

import numpy as np

from stdpnet.extras import require
from stdpnet.runs import write_atomically
from stdpnet.sweep.folder import SweepFolder
from stdpnet.sweep.options import Definition
from stdpnet.sweep.storage import open_storage, sqlite_url
from stdpnet.sweep.study import ERROR, SEED, SweepStudy

#: How a table may be written.
SUFFIXES = (".csv", ".parquet")


def open_sweep(
    path: Path | str, storage: str | None = None
) -> tuple[SweepFolder, Definition, SweepStudy]:
    """Open the folder and the study of a sweep, for reading.

    Raises
    ------
    FileNotFoundError, ValueError, OSError
        If there is no sweep, or its storage does not answer.
    """
    require("sweep", "optuna", "pandas")
    folder = SweepFolder.open(path)
    record = folder.record
    definition = Definition.from_dict(record["definition"], str(folder.spec_file))
    url = storage or record["storage"] or sqlite_url(folder.path / "study.db")
    study = SweepStudy(
        open_storage(url), record["name"], definition.space, definition.objectives
    )
    study.open()
    return folder, definition, study


def frame(path: Path | str, *, runs: bool = False, storage: str | None = None) -> Any:
    """Return the trials of a sweep as a pandas DataFrame.

    Parameters
    ----------
    path : path
        Folder of the sweep.
    runs : bool
        A row for each network, not for each trial.
    storage : str, optional
        URL of the database, if it needs a password that is not kept in the folder.

    Returns
    -------
    pandas.DataFrame
        ``trial``, ``state``, the parameters; of every number the mean over the seeds
        and, as ``NAME_std``, the standard deviation; of runs ``seed`` and the numbers.
    """
    _, definition, study = open_sweep(path, storage)
    import pandas

    rows: list[dict[str, Any]] = []
    for trial in study.study.get_trials(deepcopy=False):
        start = {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            **trial.params,
        }
        found = run_values(trial, definition.seeds)
        if runs:
            rows += [{**start, "seed": seed, **one} for seed, one in found.items()]
        else:
            rows.append(start | _spread(list(found.values())) | _ending(trial))
    return pandas.DataFrame(rows)


def run_values(trial: Any, seeds: int) -> dict[int, dict[str, float]]:
    """Return the numbers of the finished runs of a trial, by seed."""
    names = {seed: f"{SEED}{seed}" for seed in range(seeds)}
    known = trial.user_attrs
    return {seed: known[name] for seed, name in names.items() if name in known}


def _spread(found: list[dict[str, float]]) -> dict[str, float]:
    row: dict[str, float] = {"n_seeds": len(found)}
    for name in found[0] if found else ():
        values = [one[name] for one in found if name in one]
        row[name] = float(np.mean(values))
        row[f"{name}_std"] = (
            float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
        )
    return row


def _ending(trial: Any) -> dict[str, Any]:
    took = trial.duration.total_seconds() if trial.datetime_complete else np.nan
    return {"duration": took, "error": trial.user_attrs.get(ERROR, "")}


def export(
    path: Path | str, out: Path, *, runs: bool = False, storage: str | None = None
) -> Path:
    """Write the table of a sweep as CSV or Parquet, by the end of the file's name.

    Raises
    ------
    ValueError
        If the name has another end.
    """
    if out.suffix not in SUFFIXES:
        raise ValueError(f"{out} must end in {' or '.join(SUFFIXES)}")
    table = frame(path, runs=runs, storage=storage)
    if out.suffix == ".parquet":
        require("sweep", "pyarrow")
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".csv":
        content = table.to_csv(index=False).encode()
    else:
        content = table.to_parquet(index=False)
    write_atomically(out, content)
    return out
