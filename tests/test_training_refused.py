"""What `train` refuses, before it has cost time or an earlier run."""

import numpy as np
import pytest

from stdpnet.config import SpecError
from stdpnet.runs import RunFolder

#: What only the specification and the data can show to be wrong.
MISTAKES = [
    ({"dataset": "digts"}, "digts"),
    ({"n_fit": 10**6}, "--n-fit 1000000 is more than the .* images of digits"),
    ({"n_train": 10**6}, "--n-train 1000000 is more than the"),
    ({"n_test": 10**6}, "--n-test 1000000 is more than the"),
    ({"overrides": ("rule.x=1",)}, "unknown TraceSTDP parameter 'x'"),
    ({"overrides": ("network.n_maps=0",)}, "ConvSTDP.n_maps must be an integer"),
    ({"overrides": ("readout.C=-1",)}, "LinearReadout.C must be"),
    ({"overrides": ("readout.loss=hinge",)}, "LinearReadout.loss 'hinge'"),
    ({"overrides": ("about.n_fit=0",)}, "about.n_fit must be a whole number >= 1"),
    ({"overrides": ("about.n_fit=many",)}, "about.n_fit must be .*, got 'many'"),
    (
        {"overrides": ("network.kernel_size=9", "network.padding=0")},
        "a kernel of 9 x 9 does not fit into 8 x 8",
    ),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_fit": 0}, "--n-fit must be >= 1, got 0"),
        ({"n_train": 1}, "--n-train must be >= 2, got 1"),
        ({"n_test": 0}, "--n-test must be >= 1, got 0"),
        ({"jobs": 0}, "--jobs must be >= 1, got 0"),
        ({"seed": -1}, "--seed must be >= 0, got -1"),
        *MISTAKES,
    ],
    ids=str,
)
def test_options_that_are_refused_leave_nothing_behind(
    train_small, tmp_path, changes, message
):
    with pytest.raises((ValueError, OSError), match=message):
        train_small(tmp_path / "run", **changes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("changes", "message"), MISTAKES, ids=str)
def test_a_mistyped_option_never_costs_an_earlier_run(
    train_small, tmp_path, changes, message
):
    earlier = RunFolder.create(tmp_path / "run", {"seed": 3})
    with pytest.raises((ValueError, OSError), match=message):
        train_small(earlier.path, force=True, **changes)
    assert RunFolder.open(earlier.path).metadata["seed"] == 3


def test_labels_of_one_class_are_refused_before_learning(train_small, digits, tmp_path):
    path, images = tmp_path / "same.npz", digits[0][:100]
    np.savez(
        path,
        X_train=images,
        y_train=np.ones(100, int),
        X_test=images[:9],
        y_test=np.ones(9, int),
    )
    with pytest.raises(ValueError, match="the 100 labelled images of same must be of"):
        train_small(tmp_path / "run", dataset=str(path), n_train=None, n_test=None)
    assert not (tmp_path / "run").exists()


def test_an_existing_run_is_refused_without_force(train_small, tmp_path):
    earlier = RunFolder.create(tmp_path / "run", {})
    with pytest.raises(FileExistsError, match="or --force to replace it"):
        train_small(earlier.path)


def test_an_unknown_spec_is_an_error(train_small, tmp_path):
    with pytest.raises(SpecError, match="Did you mean 'conv-stdp'"):
        train_small(tmp_path / "run", spec="conv-stpd")
