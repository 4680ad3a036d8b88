"""What a training run is asked for."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from stdpnet.runs import next_free


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Settings of one training run.

    Parameters
    ----------
    spec : str
        Name in the catalogue, or a TOML file.
    dataset : str
        Name of a data set, or a path to own data.
    n_fit : int, optional
        Unlabelled images for learning; default: the specification's, else all.
    n_train, n_test : int, optional
        Labelled images for the readout, and images to score; default all.
    overrides : tuple of str
        ``"section.key=value"`` each.
    seed : int
        Seed of everything random.
    out : Path, optional
        Run folder; default ``runs/SPEC-DATASET-N``.
    resume : bool
        Go on with the run in `out`.
    jobs : int
        Parallel shards of the features.
    data : Path, optional
        Folder of data sets.
    control : bool
        Whether to train and score the shuffled control too.
    test_fraction : float
        Share of own data that is kept for the test.
    force : bool
        Replace a run in `out`.
    command : str
        Command line to show in reports.
    visible : bool
        Whether to show progress on standard error.
    """

    spec: str
    dataset: str = "digits"
    n_fit: int | None = None
    n_train: int | None = None
    n_test: int | None = None
    overrides: tuple[str, ...] = ()
    seed: int = 0
    out: Path | None = None
    resume: bool = False
    jobs: int = 1
    data: Path | None = None
    control: bool = True
    test_fraction: float = 0.2
    force: bool = False
    command: str = ""
    visible: bool = True

    def __post_init__(self) -> None:
        for name, low in (("n_fit", 1), ("n_train", 2), ("n_test", 1), ("jobs", 1)):
            value = getattr(self, name)
            if value is not None and value < low:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"{flag} must be >= {low}, got {value}")
        if self.seed < 0:
            raise ValueError(f"--seed must be >= 0, got {self.seed}")
        if self.resume and self.out is None:
            raise ValueError("--resume needs --out with the run folder to go on with")

    def with_folder(self) -> Self:
        """Return the options with a run folder, the next free one if none was named."""
        if self.out is not None:
            return self
        name = f"{Path(self.spec).stem}-{Path(self.dataset).stem}"
        return replace(self, out=next_free(name))

    def plain(self) -> dict[str, Any]:
        """Return the settings that decide the result, for ``run.json``."""
        values = asdict(self)
        names = (
            "dataset",
            "n_fit",
            "n_train",
            "n_test",
            "seed",
            "control",
            "test_fraction",
        )
        return {name: values[name] for name in names}
