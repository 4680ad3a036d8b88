"""Choice of C against fits made one by one."""

import h5py
import numpy as np
import pytest
from sklearn.svm import LinearSVC

from stdpnet.readout import LinearReadout, choose_C


@pytest.fixture
def flat_digits(digits):
    images, labels = digits
    return images.reshape(len(images), -1), labels


def test_table_holds_the_accuracies_of_linear_svc(flat_digits):
    X, y = flat_digits
    Cs = [1e-1, 1e-4, 1e-2]
    chosen = choose_C(X, y, Cs=Cs, n_validation=500, readout=LinearReadout(tol=1e-4))
    scaled = X / np.maximum(X[:-500].max(axis=0), 1)
    expected = [
        LinearSVC(C=C, dual=False, tol=1e-6)
        .fit(scaled[:-500], y[:-500])
        .score(scaled[-500:], y[-500:])
        for C in sorted(Cs)
    ]
    assert chosen.table["C"].tolist() == sorted(Cs)
    np.testing.assert_allclose(chosen.table["accuracy"], expected, atol=0.0021)
    assert chosen.C == chosen.table["C"][chosen.table["accuracy"].argmax()]
    assert np.all(chosen.table["n_validation"] == 500)


def test_held_out_examples_do_not_shape_the_solution(flat_digits):
    X, y = flat_digits
    options = {"Cs": [1e-3, 1e-2], "n_validation": 300}
    honest = choose_C(X, y, **options).table["n_errors"]
    shifted = np.concatenate([y[:-300], (y[-300:] + 1) % 10])
    wrong = choose_C(X, shifted, **options).table["n_errors"]
    # Every right answer becomes wrong, so no held-out label was learned.
    assert np.all(wrong >= 300 - honest)


def test_random_split_is_repeatable_and_reads_from_disk(flat_digits, tmp_path):
    X, y = flat_digits
    options = {"Cs": [1e-3], "n_validation": 300, "random_state": 3}
    options["readout"] = LinearReadout(batch_bytes=4000)
    first = choose_C(X, y, **options)
    with h5py.File(tmp_path / "X.h5", "w") as file:
        again = choose_C(file.create_dataset("X", data=X), y, **options)
    assert again.table.tolist() == first.table.tolist()
    assert first.table["accuracy"][0] > 0.85


def test_bad_requests_are_named(flat_digits):
    X, y = flat_digits
    with pytest.raises(ValueError, match=r"choose_C\.Cs must be values > 0"):
        choose_C(X, y, Cs=[], n_validation=10)
    with pytest.raises(ValueError, match=r"choose_C\.Cs must be values > 0"):
        choose_C(X, y, Cs=[0.1, -1], n_validation=10)
    with pytest.raises(ValueError, match=r"between 1 and 1796 .*, got 1797"):
        choose_C(X, y, Cs=[0.1], n_validation=1797)
    with pytest.raises(ValueError, match=r"LinearReadout\.tol must be a finite"):
        choose_C(X, y, Cs=[0.1], n_validation=10, readout=LinearReadout(tol=0))
