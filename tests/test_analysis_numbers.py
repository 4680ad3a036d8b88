"""Numbers in words, as people read them."""

import tomllib

import pytest

from stdpnet.analysis.numbers import duration, memory, metric_rows, spec_text


def test_rows_have_what_a_reader_misses():
    metrics = {
        "run": "runs/a",
        "control_spikes": {"main": [8.3, 8.7]},
        "versions": {"brian2": "2.9.0"},
        "extra_thing": 5,
        "control_seconds": None,
        "readout_seconds": 2.0,
        "fewer_errors": 0.5,
        "control_accuracy": 0.9,
        "accuracy": 0.95,
    }
    assert metric_rows(metrics) == [
        ("Test accuracy", "95.00 %"),
        ("Test accuracy of the control", "90.00 %"),
        ("Fewer errors than the control", "50.0 %"),
        ("Readout", "2.0 s"),
        ("Extra thing", "5"),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0013, "1.3 ms"),
        (0.9996, "1.0 s"),
        (2.64, "2.6 s"),
        (99.97, "1 min 40 s"),
        (210.4, "3 min 30 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_are_readable(seconds, text):
    assert duration(seconds) == text


def test_sizes_are_readable():
    assert (memory(640.2), memory(1620)) == ("640 MB", "1.62 GB")


def test_spec_text_reads_back():
    spec = {
        "n": 3,
        "a": {"x": 1.5, "deep": {"flag": True, "odd key": 'quote "'}},
        "empty": {},
        "banks": [{"n_maps": 2, "size": [3, 3]}, {"n_maps": 4}],
    }
    assert tomllib.loads(spec_text(spec)) == spec
