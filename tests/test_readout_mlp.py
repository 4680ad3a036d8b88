"""The readout with a hidden layer: scikit-learn's, on square roots that are standardized."""

import h5py
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from stdpnet.readout import LinearReadout, MLPReadout


@parametrize_with_checks(
    [
        MLPReadout(hidden=16, n_epochs=200, learning_rate=0.01, count_transform=name)
        for name in ("none", "sqrt")
    ]
)
def test_mlp_readout_is_an_estimator(estimator, check):
    check(estimator)


def quadrants(rng, n=400):
    """Counts of two neurons and noise; the class is whether both or neither are high."""
    high = rng.random((n, 2)) < 0.5
    counts = rng.poisson(np.where(high, 20, 5))
    noise = rng.poisson(5, (n, 3))
    return np.hstack([counts, noise]).astype(np.uint16), high[:, 0] == high[:, 1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("transform", ["none", "sqrt"])
def test_it_is_that_of_scikit_learn_on_standardized_features(rng, transform):
    X, y = quadrants(rng)
    machine = MLPReadout(hidden=20, n_epochs=9, count_transform=transform).fit(X, y)
    values = (np.sqrt(X) if transform == "sqrt" else X).astype(np.float64)
    scaler = StandardScaler().fit(values)
    reference = MLPClassifier(
        (20,),
        alpha=0.1,
        batch_size=128,
        learning_rate_init=5e-4,
        max_iter=9,
        random_state=0,
    ).fit(scaler.transform(values).astype(np.float32), y)
    expected = reference.predict_proba(scaler.transform(values).astype(np.float32))
    assert machine.predict_proba(X) == pytest.approx(expected, abs=1e-4)


def test_it_separates_what_a_linear_readout_cannot(rng):
    X, y = quadrants(rng)
    test, truth = quadrants(rng)
    machine = MLPReadout(hidden=32, n_epochs=100, learning_rate=0.01).fit(X, y)
    assert machine.score(test, truth) > 0.9
    assert LinearReadout().fit(X, y).score(test, truth) < 0.7


def test_epochs_are_a_choice_without_a_warning(rng, recwarn):
    X, y = quadrants(rng)
    machine = MLPReadout(n_epochs=2).fit(X, y)
    assert machine.machine_.n_iter_ == 2
    assert not [w for w in recwarn if w.category is ConvergenceWarning]


def test_features_on_disk_are_read(rng, tmp_path):
    X, y = quadrants(rng)
    expected = MLPReadout(n_epochs=3).fit(X, y).predict_proba(X)
    with h5py.File(tmp_path / "features.h5", "w") as file:
        disk = file.create_dataset("X", data=X)
        found = MLPReadout(n_epochs=3).fit(disk, y).predict_proba(disk)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden": 0}, "MLPReadout.hidden must be an integer >= 1, got 0"),
        ({"n_epochs": 1.5}, "MLPReadout.n_epochs must be an integer >= 1, got 1.5"),
        ({"batch_size": -1}, "MLPReadout.batch_size must be an integer >= 1, got -1"),
        ({"alpha": -0.1}, "MLPReadout.alpha must be a number >= 0, got -0.1"),
        ({"learning_rate": 0}, "learning_rate must be a finite number > 0, got 0"),
        ({"random_state": "x"}, "random_state must be None, an integer >= 0"),
        ({"count_transform": "log"}, "unknown MLPReadout.count_transform 'log'"),
    ],
)
def test_parameters_out_of_range_are_refused(rng, params, message):
    with pytest.raises(ValueError, match=message):
        MLPReadout(**params).fit(*quadrants(rng))


def test_square_roots_of_negative_features_are_refused(rng):
    X, y = quadrants(rng)
    with pytest.raises(
        ValueError, match="Negative values in data passed to MLPReadout"
    ):
        MLPReadout().fit(X.astype(int) - 50, y)
