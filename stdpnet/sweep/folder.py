"""The folder of a sweep: what it is, its trials, and where their numbers are kept."""

import json
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from stdpnet.runs import next_free, read_record, write_atomically
from stdpnet.sweep.trial import MARK

#: Version of the layout.
FORMAT = 1


class SweepFolder:
    """A folder with ``sweep.json``, ``study.db`` and the runs, ``trials/NUMBER/seed-S``.

    Parameters
    ----------
    path : Path
        The folder.
    record : dict
        What ``sweep.json`` holds.
    """

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path, self.record = path, record

    @classmethod
    def create(cls, path: Path | None, name: str) -> Self:
        """Make a new folder; None for the next free ``sweeps/NAME-N``.

        Raises
        ------
        FileExistsError
            If there is one, and something in it.
        """
        path = next_free(name, Path("sweeps")) if path is None else path
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            is_sweep = (path / "sweep.json").is_file()
            advice = ", or --resume to go on with it" if is_sweep else ""
            raise FileExistsError(f"{path} exists; give --out a new folder{advice}")
        (path / "trials").mkdir(parents=True)
        return cls(path, {"format": FORMAT, "id": uuid4().hex})

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the folder of a sweep.

        Raises
        ------
        FileNotFoundError
            If there is no such sweep.
        RunError
            If it is damaged, or of a newer version.
        """
        path = Path(path)
        file, made_by = path / "sweep.json", ("the folder of a sweep", "stdpnet sweep")
        return cls(path, read_record(file, FORMAT, "id", made_by))

    def write(self) -> None:
        """Write ``sweep.json``, and the mark by which workers know the folder."""
        write_atomically(self.path / MARK, self.record["id"].encode())
        write_atomically(
            self.path / "sweep.json", json.dumps(self.record, indent=2).encode()
        )

    @property
    def spec_file(self) -> Path:
        """The specification with all that does not vary."""
        return self.path / f"{self.record['spec']}.toml"

    def run(self, trial: int, seed: int) -> Path:
        """Return where the run of a trial and a seed is."""
        return self.path.absolute() / "trials" / f"{trial:04d}" / f"seed-{seed}"
