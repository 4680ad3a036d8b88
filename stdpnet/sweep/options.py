"""What a sweep is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats.qmc import Sobol

from stdpnet.catalog import unknown_name
from stdpnet.config import SpecError
from stdpnet.specs import load_spec
from stdpnet.sweep.objectives import objective
from stdpnet.sweep.space import Choices, Range, Space
from stdpnet.sweep.study import PRUNERS, SAMPLERS

#: Trials of a sweep that says nothing else, and is no grid.
N_TRIALS = 20
#: Keys of the section ``[sweep]`` of a specification.
SECTION = ("parameters", "n_trials", "sampler", "seeds", "objectives", "pruner")


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """Settings of a sweep.

    Parameters
    ----------
    spec : str
        Name in the catalogue, or a TOML file; not for a sweep that is resumed.
    parameters : mapping
        What is varied, by key of the specification: ``"0.001:0.1:log"``, or a list of
        values (see `stdpnet.sweep.space.Space`). Beside those of its section ``[sweep]``.
    dataset : str
        Name of a data set, or a path to own data.
    n_trials : int, optional
        Combinations of values to try; default 20, with the sampler "grid" all.
    sampler : {"tpe", "random", "grid", "quasi-random", "nsga2"}
        How values are chosen.
    seeds : int
        Networks of each trial, with seeds 0, 1, ...; their mean is compared.
    objectives : tuple of str
        What is compared, such as ``("accuracy", "connectivity")``.
    pruner : {"none", "median", "halving"}
        Which trials are given up after a part of the images; the first seed decides.
    validation : float
        Share of the training images on which trials are scored. The test set is for
        the best trial alone.
    n_fit, n_train, n_test : int, optional
        Images for learning, labelled ones for the readout, and those that are scored.
    overrides : tuple of str
        ``"section.key=value"`` for all trials.
    control : bool
        Whether each network is compared with its shuffled control too.
    jobs : int
        Networks trained at once on this machine.
    scheduler : str, optional
        Address of a Dask scheduler whose workers train instead.
    storage : str, optional
        URL of a database for the trials; default a file in `out`.
    name : str, optional
        Name in that database; default that of the folder.
    out : path, optional
        Folder of the sweep; default ``sweeps/SPEC-DATASET-N``.
    resume : bool
        Go on with the sweep in `out`, or help whoever is at work on it.
    retry_failed : bool
        When it is resumed, try the values of trials that failed once more.
    seconds, megabytes : float, optional
        Limits of time and memory of a run.
    seed : int
        Seed of the choice of values and of the validation images.
    data : path, optional
        Folder of data sets.
    test_fraction : float
        Share of own data that is kept for the test.
    command : str
        Command line to show in reports.

    Raises
    ------
    ValueError
        If a value is out of range or not known.
    """

    spec: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    n_trials: int | None = None
    sampler: str | None = None
    seeds: int | None = None
    objectives: tuple[str, ...] = ()
    pruner: str | None = None
    validation: float = 0.2
    n_fit: int | None = None
    n_train: int | None = None
    n_test: int | None = None
    overrides: tuple[str, ...] = ()
    control: bool = False
    jobs: int = 1
    scheduler: str | None = None
    storage: str | None = None
    name: str | None = None
    out: Path | None = None
    resume: bool = False
    retry_failed: bool = False
    seconds: float | None = None
    megabytes: float | None = None
    seed: int = 0
    data: Path | None = None
    test_fraction: float = 0.2
    command: str = ""

    def __post_init__(self) -> None:
        for name in ("out", "data"):
            path = getattr(self, name)
            if isinstance(path, str):
                object.__setattr__(self, name, Path(path))
        for name, low in (("n_trials", 1), ("seeds", 1), ("jobs", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise ValueError(f"{_flag(name)} must be >= {low}, got {value}")
        for name in LIMITS:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{_flag(name)} must be > 0, got {value:g}")
        if not 0 < self.validation < 1:
            raise ValueError(
                f"--validation must lie between 0 and 1, got {self.validation:g}"
            )
        self._check_resumed()

    def _check_resumed(self) -> None:
        if self.retry_failed and not self.resume:
            raise ValueError("--retry-failed goes with --resume; give both, or neither")
        if not self.resume:
            return
        for one in fields(self):
            default = {} if one.name == "parameters" else one.default
            if one.name not in RESUMABLE and getattr(self, one.name) != default:
                raise ValueError(
                    "--resume goes on with what the sweep in --out has; leave "
                    f"{_flag(one.name)} out"
                )
        if self.out is None:
            raise ValueError("--resume needs --out with the sweep to go on with")

    def plain(self) -> dict[str, Any]:
        """Return the settings that decide what the runs are, for ``sweep.json``."""
        return {name: getattr(self, name) for name in DECISIVE}


LIMITS = ("seconds", "megabytes")
#: Settings that may be others when a sweep is resumed.
RESUMABLE = (
    "out",
    "resume",
    "retry_failed",
    "jobs",
    "scheduler",
    "storage",
    *LIMITS,
    "data",
    "command",
)
#: Settings that a sweep keeps when it is resumed.
DECISIVE = (
    "dataset",
    "validation",
    "n_fit",
    "n_train",
    "n_test",
    "control",
    *LIMITS,
    "seed",
    "test_fraction",
)


def _flag(name: str) -> str:
    names = {
        "seconds": "--max-seconds",
        "megabytes": "--max-memory",
        "n_trials": "--trials",
        "spec": "SPEC",
        "parameters": "--param",
        "objectives": "--objective",
        "overrides": "--set",
    }
    return names.get(name, "--" + name.replace("_", "-"))


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a sweep is, once nothing is left open; the same for all who work on it."""

    space: Space
    n_trials: int
    sampler: str
    seeds: int
    objectives: tuple[str, ...]
    pruner: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "parameters": self.space.to_dict(),
            "n_trials": self.n_trials,
            "sampler": self.sampler,
            "seeds": self.seeds,
            "objectives": list(self.objectives),
            "pruner": self.pruner,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], spec: str) -> "Definition":
        """Return what `to_dict` made plain, for the same specification."""
        found = dict(values)
        found["space"] = Space(found.pop("parameters")).of(spec)
        found["objectives"] = tuple(found["objectives"])
        return cls(**found)

    def waiting(self, seed: int) -> list[dict[str, Any]]:
        """Return the values of all trials; none where they depend on earlier ones."""
        if self.sampler == "grid":
            return self._grid()
        n_trials, n_parameters = self.n_trials, len(self.space.parameters)
        if self.sampler == "random":
            places = np.random.default_rng(seed).random((n_trials, n_parameters))
            return self.space.at(places)
        if self.sampler == "quasi-random":
            n_doublings = max(n_trials - 1, 1).bit_length()
            points = Sobol(n_parameters, rng=seed).random_base2(n_doublings)
            return self.space.at(points[:n_trials])
        return [{} for _ in range(n_trials)]

    def _grid(self) -> list[dict[str, Any]]:
        points: list[dict[str, Any]] = [{}]
        for key, values in self.space.parameters.items():
            found = _grid(key, values)
            points = [{**point, key: value} for point in points for value in found]
        return points


def define(options: SweepOptions) -> Definition:
    """Resolve options and the section ``[sweep]`` of the specification.

    Raises
    ------
    ValueError
        If a name is not known, or the specification does not take a value.
    """
    section = dict(load_spec(options.spec).get("sweep", {}))
    for key in section:
        if key not in SECTION:
            raise SpecError(unknown_name("sweep key", key, SECTION))
    given = {name: getattr(options, name) for name in SECTION[1:]}
    chosen = {**section, **{k: v for k, v in given.items() if v not in (None, ())}}
    parameters = {**section.get("parameters", {}), **options.parameters}
    space = Space(parameters).of(options.spec, options.overrides)
    objectives = chosen.get("objectives", ("accuracy",))
    objectives = (objectives,) if isinstance(objectives, str) else tuple(objectives)
    for name in objectives:
        objective(name)
    sampler = _known("sampler", chosen.get("sampler", "tpe"), SAMPLERS)
    pruner = _known("pruner", chosen.get("pruner", "none"), PRUNERS)
    if pruner != "none" and objectives != ("accuracy",):
        raise ValueError(
            f"--pruner {pruner} compares accuracy alone; leave it or other objectives out"
        )
    found = Definition(
        space=space,
        n_trials=_whole("n_trials", chosen.get("n_trials", N_TRIALS)),
        sampler=sampler,
        seeds=_whole("seeds", chosen.get("seeds", 1)),
        objectives=objectives,
        pruner=pruner,
    )
    return _whole_grid(found, asked=options.n_trials) if sampler == "grid" else found


def _known(name: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise SpecError(unknown_name(name, str(value), known))
    return str(value)


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SpecError(f"sweep.{name} must be a whole number >= 1, got {value!r}")
    return value


def _whole_grid(found: Definition, asked: int | None) -> Definition:
    n_points = len(found.waiting(seed=0))
    if asked is not None and asked != n_points:
        raise ValueError(
            f"--trials {asked} does not fit the grid, which has {n_points} points; "
            "leave --trials out"
        )
    return replace(found, n_trials=n_points)


def _grid(key: str, values: Range | Choices) -> list[Any]:
    points = values.grid()
    if points is None:
        raise SpecError(
            f"{key}={values.to_text()} has no end of values; for a grid list them, or "
            "give a step as in LOW:HIGH:STEP"
        )
    return points
