"""The readout with a hidden layer: scikit-learn's, on square roots that are standardized."""

import math

import h5py
import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from stdpnet.readout import LinearReadout, MLPReadout


@parametrize_with_checks(
    [
        MLPReadout(
            hidden=16,
            n_epochs=200,
            learning_rate=0.01,
            dropout=0,
            count_transform=name,
        )
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


@pytest.mark.parametrize("transform", ["none", "sqrt"])
def test_it_is_that_of_scikit_learn_on_standardized_features(rng, transform):
    X, y = quadrants(rng)
    machine = MLPReadout(
        hidden=20, n_epochs=9, dropout=0, averaged=0, count_transform=transform
    ).fit(X, y)
    values = (np.sqrt(X) if transform == "sqrt" else X).astype(np.float64)
    scaler = StandardScaler().fit(values)
    reference = MLPClassifier(
        (20,),
        alpha=0.1,
        batch_size=128,
        learning_rate_init=5e-4,
        random_state=0,
    )
    given = scaler.transform(values).astype(np.float32)
    for _ in range(9):
        reference.partial_fit(given, y, classes=[False, True])
    expected = reference.predict_proba(given)
    assert machine.predict_proba(X) == pytest.approx(expected, abs=1e-4)


def test_it_separates_what_a_linear_readout_cannot(rng):
    X, y = quadrants(rng)
    test, truth = quadrants(rng)
    machine = MLPReadout(hidden=32, n_epochs=100, learning_rate=0.01).fit(X, y)
    assert machine.score(test, truth) > 0.9
    assert LinearReadout().fit(X, y).score(test, truth) < 0.7


def test_epochs_are_a_choice_without_a_warning(rng):
    X, y = quadrants(rng)
    assert list(MLPReadout(n_epochs=3).fit_epochs(X, y)) == [1, 2, 3]


@pytest.mark.parametrize("averaged", [0, 0.3, 0.5, 1])
def test_weights_are_means_over_the_ends_of_the_last_epochs(rng, averaged):
    X, y = quadrants(rng)
    n_epochs = 4
    ends = [
        MLPReadout(hidden=8, n_epochs=n, averaged=0).fit(X, y).machine_.coefs_[0]
        for n in range(1, n_epochs + 1)
    ]
    machine = MLPReadout(hidden=8, n_epochs=n_epochs, averaged=averaged).fit(X, y)
    expected = np.mean(ends[-max(1, math.ceil(averaged * n_epochs)) :], axis=0)
    assert machine.machine_.coefs_[0] == pytest.approx(expected, abs=1e-6)


def test_the_number_of_threads_changes_nothing(rng):
    X, y = rng.poisson(3, (512, 900)).astype(np.uint16), np.arange(512) % 3
    learned = []
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            machine = MLPReadout(hidden=256, n_epochs=4).fit(X, y).machine_
        learned.append(np.concatenate([w.ravel() for w in machine.coefs_]))
    assert np.array_equal(*learned)


def test_dropped_features_are_drawn_in_proportion_and_keep_the_mean(rng, monkeypatch):
    X = rng.poisson(30, (600, 50)).astype(np.uint16)
    y, shown = np.arange(600) % 2, []
    learn = MLPClassifier.partial_fit

    def spy(self, X, *args, **kwargs):
        shown.append(X.copy())
        return learn(self, X, *args, **kwargs)

    monkeypatch.setattr(MLPClassifier, "partial_fit", spy)
    MLPReadout(dropout=0.4, n_epochs=2).fit(X, y)
    MLPReadout(dropout=0, n_epochs=1).fit(X, y)
    *dropped, whole = shown
    assert not np.array_equal(dropped[0] == 0, dropped[1] == 0)
    for one in dropped:
        kept = one != 0
        # 30,000 draws: five standard errors are 0.014.
        assert (~kept).mean() == pytest.approx(0.4, abs=0.015)
        assert one[kept] == pytest.approx(whole[kept] / 0.6, rel=1e-5)


def test_every_example_is_shown_once_an_epoch(monkeypatch):
    n = 9000
    X, y = np.arange(n)[:, None], np.arange(n) % 2
    shown = []

    def spy(self, X, y, classes=None):
        self.coefs_, self.intercepts_ = [np.zeros((1, 1))] * 2, [np.zeros(1)] * 2
        shown.append((X[:, 0], y))

    monkeypatch.setattr(MLPClassifier, "partial_fit", spy)
    readout = MLPReadout(dropout=0, n_epochs=2, count_transform="none").fit(X, y)
    assert all(len(numbers) > n // 4 for numbers, _ in shown)
    epochs = np.split(np.arange(len(shown)), 2)
    orders = []
    for epoch in epochs:
        numbers = np.concatenate([shown[k][0] for k in epoch])
        numbers = np.rint(numbers * readout.scale_ + readout.mean_).astype(int)
        assert np.array_equal(np.sort(numbers), np.arange(n))
        assert np.array_equal(numbers % 2, np.concatenate([shown[k][1] for k in epoch]))
        orders.append(numbers)
    assert not np.array_equal(*orders)


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
        ({"dropout": 1}, "dropout must be a number from 0 to less than 1, got 1"),
        ({"averaged": 2}, "averaged must be a number from 0 to 1, got 2"),
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
        ValueError, match="Negative values in data or NaN passed to MLPReadout"
    ):
        MLPReadout().fit(X.astype(int) - 50, y)
