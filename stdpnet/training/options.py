"""What a training run is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stdpnet.catalog import unknown_name
from stdpnet.estimators.control import KERNELS

#: Settings that decide the result, beside the specification.
DECISIVE = (
    "dataset",
    "n_fit",
    "n_train",
    "n_test",
    "seed",
    "control",
    "control_kernels",
    "test_fraction",
)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Settings of one training run.

    Parameters
    ----------
    spec : str
        Name in the catalogue, or a TOML file.
    dataset : str, optional
        Name of a data set, or a path to own data; for a network of several modalities
        one of each, with ``+`` between them. Default: the specification's, else digits.
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
        Whether to train and score a control too.
    control_kernels : {"shuffled", "random"}
        Kernels of the control: the learned ones in another order, or those that learning
        began with.
    test_fraction : float
        Share of own data that is kept for the test.
    force : bool
        Replace a run in `out`.
    on_disk : bool
        Whether features are kept in ``features/`` of the run, not in memory.
    command : str
        Command line to show in reports.
    visible : bool
        Whether to show progress on standard error.

    Raises
    ------
    ValueError
        If a number is out of range, `control_kernels` is something else, or `resume` is
        given without `out`.
    """

    spec: str
    dataset: str | None = None
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
    control_kernels: str = "shuffled"
    test_fraction: float = 0.2
    force: bool = False
    on_disk: bool = False
    command: str = ""
    visible: bool = True

    def __post_init__(self) -> None:
        lowest = {"n_fit": 1, "n_train": 2, "n_test": 1, "jobs": 1, "seed": 0}
        for name, low in lowest.items():
            value = getattr(self, name)
            if value is not None and value < low:
                flag = "--" + name.replace("_", "-")
                raise ValueError(f"{flag} must be >= {low}, got {value}")
        if self.control_kernels not in KERNELS:
            raise ValueError(
                unknown_name("--control-kernels", self.control_kernels, KERNELS)
            )
        if self.resume and self.out is None:
            raise ValueError("--resume needs --out with the run folder to go on with")

    def plain(self) -> dict[str, Any]:
        """Return the settings that decide the result, for ``run.json``."""
        return {name: getattr(self, name) for name in DECISIVE}
