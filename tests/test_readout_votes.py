"""Neuron labels and votes against loops over neurons and examples."""

import h5py
import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from stdpnet.readout import NeuronVoteClassifier, assign_labels, class_means, vote


@parametrize_with_checks(
    [NeuronVoteClassifier(), NeuronVoteClassifier(vote="proportion")]
)
def test_vote_classifier_is_an_estimator(estimator, check):
    check(estimator)


def test_labels_and_votes_match_a_loop(rng):
    y = np.repeat(["a", "b", "c"], [50, 20, 10])
    counts = rng.poisson(1.0, size=(80, 12)).astype(np.uint8)
    classes = np.array(["a", "b", "c"])
    labels = assign_labels(counts, y, classes)
    for j in range(12):
        means = [counts[y == name, j].mean() for name in classes]
        assert labels[j] == int(np.argmax(means))

    predicted = vote(counts, labels, classes)
    for i in range(80):
        scores = [
            counts[i, labels == k].mean() if (labels == k).any() else 0
            for k in range(3)
        ]
        assert predicted[i] == classes[int(np.argmax(scores))]


def test_proportion_weights_by_selectivity(rng):
    y = rng.integers(3, size=60)
    counts = rng.poisson(1.0, size=(60, 9)).astype(np.uint8)
    machine = NeuronVoteClassifier(vote="proportion").fit(counts, y)
    means = np.array([counts[y == k].mean(axis=0) for k in range(3)])
    share = means / means.sum(axis=0)
    scores = np.zeros((60, 3))
    for k in range(3):
        mine = means.argmax(axis=0) == k
        scores[:, k] = (counts[:, mine] * share[k, mine]).sum(axis=1) / max(
            mine.sum(), 1
        )
    np.testing.assert_array_equal(machine.predict(counts), scores.argmax(axis=1))


def test_frequent_classes_gain_nothing():
    # Neuron 0 spikes more often in all for class 0, but more per example for class 1.
    counts = np.array([[1]] * 10 + [[2]] * 2, dtype=np.uint8)
    y = np.array([0] * 10 + [1] * 2)
    assert class_means(counts, y, [0, 1]).tolist() == [[1.0], [2.0]]
    assert assign_labels(counts, y, [0, 1]).tolist() == [1]


def test_ties_go_to_the_first_class():
    counts = np.array([[1, 0], [1, 0]], dtype=np.uint8)
    assert assign_labels(counts, [0, 1], [0, 1]).tolist() == [0, -1]
    assert vote(np.array([[2, 2]]), [1, 0], ["a", "b"]).tolist() == ["a"]


def test_silent_examples_get_the_most_frequent_class():
    counts = np.array([[3, 0, 0], [0, 3, 0], [0, 4, 0]], dtype=np.uint8)
    machine = NeuronVoteClassifier().fit(counts, ["a", "b", "b"])
    assert machine.neuron_labels_.tolist() == [0, 1, -1]
    assert machine.n_silent_ == 0
    # The third neuron never spiked in training, so it has no vote.
    unseen = np.array([[0, 0, 0], [0, 0, 5], [1, 0, 0]])
    assert machine.predict(unseen).tolist() == ["b", "b", "a"]
    assert machine.fit(unseen, ["a", "b", "b"]).n_silent_ == 1
    assert vote(unseen, [0, 1, -1], ["a", "b"]).tolist() == ["a", "a", "a"]
    default = vote(unseen, [0, 1, -1], ["a", "b"], default="none")
    assert default.tolist() == ["none", "none", "a"]


def test_permuted_neurons_have_permuted_labels(rng):
    y = rng.integers(4, size=100)
    counts = rng.poisson(0.5, size=(100, 30))
    order = rng.permutation(30)
    labels = assign_labels(counts, y, range(4))
    np.testing.assert_array_equal(
        assign_labels(counts[:, order], y, range(4)), labels[order]
    )


def test_counts_can_stay_on_disk(rng, tmp_path):
    counts = rng.poisson(0.5, size=(50, 20)).astype(np.uint16)
    y = rng.integers(3, size=50)
    expected = NeuronVoteClassifier().fit(counts, y).predict(counts)
    with h5py.File(tmp_path / "counts.h5", "w") as file:
        disk = file.create_dataset("counts", data=counts)
        machine = NeuronVoteClassifier().fit(disk, y)
        np.testing.assert_array_equal(machine.predict(disk), expected)


def test_bad_input_is_named():
    counts = np.array([[1.0, 0.0], [0.0, 1.0]])
    machine = NeuronVoteClassifier().fit(counts, [0, 1])
    with pytest.raises(ValueError, match=r"counts must be >= 0, got -1\.0"):
        machine.fit(-counts, [0, 1])
    with pytest.raises(ValueError, match="Negative values in data or NaN passed to"):
        machine.predict(-counts)
    with pytest.raises(ValueError, match="counts must be >= 0, got nan"):
        assign_labels(counts * np.nan, [0, 1], [0, 1])
    with pytest.raises(ValueError, match="NaN"):
        machine.predict(counts * np.nan)
    with pytest.raises(ValueError, match="X has 1 features, but NeuronVoteClassifier"):
        machine.predict(counts[:, :1])
    with pytest.raises(ValueError, match="needs at least two classes in y, got one"):
        machine.fit(counts, [1, 1])
    with pytest.raises(ValueError, match=r"unknown .*\.vote 'most'; known: all, prop"):
        NeuronVoteClassifier(vote="most").fit(counts, [0, 1])
    with pytest.raises(ValueError, match=r"at least one row and .* shape \(0, 2\)"):
        vote(counts[:0], [0, 1], [0, 1])
    with pytest.raises(ValueError, match="one label for each of the 2 examples, got 1"):
        assign_labels(counts, [0], [0, 1])
    with pytest.raises(ValueError, match="one entry for each of the 2 features, got 1"):
        vote(counts, [0], [0, 1])
