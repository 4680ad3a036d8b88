"""What a sweep is asked for, and what is refused before anything runs."""

import pytest

from stdpnet.config import SpecError
from stdpnet.sweep.objectives import OBJECTIVES, measured, objective
from stdpnet.sweep.options import Definition, SweepOptions, define

VARIED = {"rule.learning_rate": "0.01:0.02"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_trials": 0}, "--trials must be >= 1, got 0"),
        ({"seeds": 0}, "--seeds must be >= 1, got 0"),
        ({"jobs": 0}, "--jobs must be >= 1, got 0"),
        ({"seed": -1}, "--seed must be >= 0, got -1"),
        ({"seconds": 0}, "--max-seconds must be > 0, got 0"),
        ({"megabytes": -1}, "--max-memory must be > 0, got -1"),
        ({"validation": 1.0}, "--validation must lie between 0 and 1, got 1"),
        ({"resume": True}, "--resume goes on with .*; leave SPEC out"),
        ({"resume": True, "spec": ""}, "--resume needs --out with the sweep to go on"),
        ({"retry_failed": True}, "--retry-failed goes with --resume; give both"),
        (
            {"resume": True, "spec": "", "out": "x", "n_fit": 3},
            "--resume goes on with what the sweep in --out has; leave --n-fit out",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SweepOptions(**{"spec": "conv-stdp", **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "gird"}, "unknown sampler 'gird'.*Did you mean 'grid'"),
        ({"pruner": "medium"}, "unknown pruner 'medium'.*Did you mean 'median'"),
        ({"objectives": ("acuracy",)}, "unknown objective.*Did you mean 'accuracy'"),
        (
            {"pruner": "median", "objectives": ("accuracy", "bytes")},
            "--pruner median compares accuracy alone",
        ),
        ({"sampler": "grid"}, "has no end of values; for a grid list them"),
        (
            {
                "sampler": "grid",
                "parameters": {"network.n_maps": [4, 8]},
                "n_trials": 3,
            },
            "--trials 3 does not fit the grid, which has 2 points; leave --trials out",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(small_spec, options, message):
    with pytest.raises(ValueError, match=message):
        define(SweepOptions(spec=str(small_spec), **{"parameters": VARIED, **options}))


@pytest.fixture
def swept_spec(small_spec, tmp_path):
    """A specification with a section of its own for sweeps."""
    file = tmp_path / "swept.toml"

    def write(section: str) -> str:
        file.write_text(f"{small_spec.read_text()}\n{section}")
        return str(file)

    return write


def test_a_specification_says_what_is_swept_and_options_change_it(swept_spec):
    spec = swept_spec(
        """
        [sweep]
        n_trials = 7
        seeds = 2
        objectives = "accuracy"
        [sweep.parameters]
        "rule.learning_rate" = "0.01:0.02"
        "network.n_maps" = [4, 8]
        """
    )
    found = define(SweepOptions(spec=spec))
    assert (found.n_trials, found.seeds, found.objectives) == (7, 2, ("accuracy",))
    assert list(found.space.parameters) == ["rule.learning_rate", "network.n_maps"]
    changed = {"network.n_maps": [2], "rule.w_max": "0.5:1"}
    found = define(SweepOptions(spec=spec, n_trials=3, parameters=changed))
    assert (found.n_trials, found.seeds) == (3, 2)
    assert found.space.parameters["network.n_maps"].values == ("2",)
    assert len(found.space.parameters) == 3


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("[sweep]\ntrials = 3", "unknown sweep key 'trials'.*Did you mean 'n_trials'"),
        ("[sweep]\nn_trials = 'a'", "sweep.n_trials must be a whole number >= 1"),
        ("[sweep]\nseeds = 0", "sweep.seeds must be a whole number >= 1, got 0"),
    ],
)
def test_a_section_that_cannot_be_used_is_refused(swept_spec, section, message):
    with pytest.raises(SpecError, match=message):
        define(SweepOptions(spec=swept_spec(section), parameters=VARIED))


def test_a_grid_has_every_pair_of_values_once(small_spec):
    parameters = {"network.n_maps": "4:8:2", "rule.learning_rate": [0.01, 0.02]}
    found = define(
        SweepOptions(spec=str(small_spec), parameters=parameters, sampler="grid")
    )
    points = [tuple(point.values()) for point in found.waiting(0)]
    assert found.n_trials == len(points) == len(set(points)) == 6


@pytest.mark.parametrize("sampler", ["random", "quasi-random"])
def test_values_that_depend_on_no_other_trial_are_known_from_the_beginning(
    small_spec, sampler
):
    parameters = {
        "rule.learning_rate": "0.001:0.1:log",
        "neuron.theta_start": "1:9",
        "network.n_maps": "4:8:2",
        "rule.bounds": ["hard", "soft"],
    }
    found = define(
        SweepOptions(
            spec=str(small_spec), parameters=parameters, sampler=sampler, n_trials=100
        )
    )
    points = found.waiting(seed=1)
    assert points == found.waiting(seed=1) != found.waiting(seed=2)
    for key, values in found.space.parameters.items():
        drawn = [point[key] for point in points]
        if values.grid() is not None:
            counts = [drawn.count(value) for value in values.grid()]
            assert sum(counts) == 100
            # Binomial: five standard deviations.
            expected = 100 / len(counts)
            assert max(abs(n - expected) for n in counts) < 5 * expected**0.5
        else:
            low, high = values.ends
            assert low <= min(drawn) < max(drawn) <= high
            middle = (low * high) ** 0.5 if values.log else (low + high) / 2
            assert abs(sum(value < middle for value in drawn) - 50) < 5 * 5


def test_a_definition_reads_back(small_spec):
    found = define(SweepOptions(spec=str(small_spec), parameters=VARIED, seeds=3))
    again = Definition.from_dict(found.to_dict(), str(small_spec))
    assert again.to_dict() == found.to_dict()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_a_number_of_every_run(train_small, tmp_path, name):
    from stdpnet.analysis import load_run

    run = load_run(train_small(tmp_path / "run").path)
    assert isinstance(measured(run)[name], float)
    assert objective(name).direction in ("maximize", "minimize")
