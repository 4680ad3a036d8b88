"""The folder of a sweep: what it is, its trials, and where their numbers are kept."""

import json
import os
import shutil
from collections.abc import Mapping
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
    def create(
        cls, path: Path | None, name: str, record: Mapping[str, Any], spec: str
    ) -> Self:
        """Make a new folder, which appears when it is complete.

        Parameters
        ----------
        path : Path or None
            The folder; None for the next free ``sweeps/NAME-N``.
        name : str
            What is swept.
        record : mapping
            What the sweep is; ``"spec"`` is the name of its specification, ``"name"``
            that of the sweep, by default the folder's.
        spec : str
            The specification.

        Raises
        ------
        FileExistsError
            If there is one, and something in it.
        """
        path = next_free(name, Path("sweeps")) if path is None else path
        check_free(path)
        own = {"format": FORMAT, "id": uuid4().hex, "name": path.name}
        partial = path.with_name(f".{path.name}-{os.getpid()}.partial")
        try:
            (partial / "trials").mkdir(parents=True)
            cls(partial, {**own, **record})._write(spec)
            if path.exists():
                path.rmdir()  # empty, or taken meanwhile
            partial.rename(path)
        except OSError:
            check_free(path)
            raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return cls.open(path)

    def _write(self, spec: str) -> None:
        self.spec_file.write_text(spec)
        write_atomically(self.path / MARK, self.record["id"].encode())
        write_atomically(
            self.path / "sweep.json", json.dumps(self.record, indent=2).encode()
        )

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

    @property
    def spec_file(self) -> Path:
        """The specification with all that does not vary."""
        return self.path / f"{self.record['spec']}.toml"

    def run(self, trial: int, seed: int) -> Path:
        """Return where the run of a trial and a seed is."""
        return self.path.absolute() / "trials" / f"{trial:04d}" / f"seed-{seed}"


def check_free(path: Path) -> None:
    """Raise FileExistsError unless a sweep can be made in a folder."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        is_sweep = (path / "sweep.json").is_file()
        advice = ", or --resume to go on with it" if is_sweep else ""
        raise FileExistsError(f"{path} exists; give --out a new folder{advice}")
