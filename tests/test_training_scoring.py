"""Numbers about a run: scores, the label curve, memory."""

import multiprocessing
import time
from dataclasses import replace

import numpy as np
import pytest

from stdpnet.datasets import Dataset, load_dataset
from stdpnet.readout import LinearReadout, MLPReadout
from stdpnet.training.memory import PeakMemory
from stdpnet.training.scoring import Features, Scores, Task, label_curve, score


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits")


def scores(right: list[bool], index: list[int]) -> Scores:
    """Scores of test images, of which some were classified correctly."""
    spikes = np.ones((len(right), 3), int)
    return Scores(
        np.ones(len(right), int), np.array(right, int), np.array(index), spikes
    )


def task(labels: np.ndarray) -> Task:
    """Examples whose only feature is the label."""
    features = Features(labels[:, None], np.ones((len(labels), 1), int))
    test = np.unique(labels)
    few = Features(test[:, None], np.ones((len(test), 1), int))
    return Task(features, labels, few, test, np.arange(len(test)))


def test_scores_are_of_the_test_images():
    labels = np.arange(200) % 2
    found = score(LinearReadout(C=1.0), task(labels))
    assert found.accuracy == 1
    assert np.array_equal(found.y_true, [0, 1])
    assert np.array_equal(found.test_index, [0, 1])


@pytest.mark.parametrize("visible", [True, False])
def test_progress_of_long_readouts_is_on_standard_error(visible, capsys):
    some = task(np.arange(400) % 2)
    score(MLPReadout(n_epochs=2), some, "epochs", visible=visible)
    score(LinearReadout(solver="streamed"), some, "steps", visible=visible)
    label_curve(LinearReadout(), some, 0, "fewer labels", visible=visible)
    out, err = capsys.readouterr()
    assert out == ""
    shown = [text in err for text in ("epochs", "steps", "fewer labels")]
    assert shown == [visible] * 3


def test_errors_are_compared_with_the_control(data):
    learned, control = scores([1, 1, 1, 0], range(4)), scores([1, 1, 0, 0], range(4))
    assert learned.metrics(control, data) == {
        "spikes_per_image": 3,
        "fewer_errors": 0.5,
    }
    assert learned.metrics(None, data) == {"spikes_per_image": 3}
    perfect = scores([1, 1], range(2))
    assert "fewer_errors" not in learned.metrics(perfect, data)


def test_accuracy_is_also_given_without_irregular_images(data):
    some = replace(data, irregular_test=np.array([7, 9]))
    found = scores([1, 0, 0, 1], [5, 7, 8, 9]).metrics(None, some)
    assert (found["n_irregular"], found["accuracy_without_irregular"]) == (2, 0.5)
    for index in ([1, 2], [7, 9]):  # none, and nothing else
        found = scores([1, 0], index).metrics(None, some)
        assert "accuracy_without_irregular" not in found


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [((200, 200), [300]), ((399, 1), []), ((1990, 10), [300, 1000]), ((20, 20), [])],
)
def test_label_curve_never_misses_a_class(counts, sizes):
    labels = np.repeat([0, 1], counts)
    found = label_curve(LinearReadout(C=1.0), task(labels), seed=0)
    assert list(found["n_labels"]) == sizes
    assert found["accuracy"].shape == (len(sizes), 3)


def test_peak_memory_remembers_what_was_freed():
    with PeakMemory(interval=0.001) as memory:
        block = np.ones(50_000_000 // 8)
        while memory.megabytes < block.nbytes / 1e6:
            pass
        before = memory.megabytes
        del block
    assert memory.megabytes >= before >= 50


def test_a_child_that_was_just_forked_is_no_second_copy():
    held = np.ones(30_000_000)  # 240 MB
    with PeakMemory(interval=0.01) as alone:  # with children of earlier tests
        time.sleep(0.1)
    with PeakMemory(interval=0.01) as memory:
        child = multiprocessing.get_context("fork").Process(
            target=time.sleep, args=(0.3,)
        )
        child.start()
        child.join()
    assert held.nbytes / 1e6 < memory.megabytes < alone.megabytes + 100
