"""`ConvSTDP` when something goes wrong: interrupts, damaged files, late mistakes."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

import h5py
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.exceptions import DataConversionWarning

from stdpnet.encoding import Encoding
from stdpnet.encoding.codes import NEVER
from stdpnet.estimators import conv, learning
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.learning import Learning
from stdpnet.models.custom import EquationRule
from stdpnet.models.neurons import (
    AdaptiveIF,
    StochasticBit,
)
from stdpnet.models.projections import SumPooling, WinnerTakeAll

SAVE_ON_A_FULL_DISK = """
import resource, sys
from stdpnet.estimators.conv import ConvSTDP

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    ConvSTDP().save(sys.argv[1])
except OSError as error:
    print(f"{error.filename} {error.strerror}")
"""


# -- files -------------------------------------------------------------------------


def test_a_save_on_a_full_disk_names_the_file_and_keeps_the_old(fitted, tmp_path):
    pytest.importorskip("resource")
    saved = fitted.save(tmp_path / "layer.h5")
    before = saved.read_bytes()
    ended = subprocess.run(
        [sys.executable, "-c", SAVE_ON_A_FULL_DISK, saved],
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{saved} cannot be written: {os.strerror(errno.EFBIG)}\n"
    assert saved.read_bytes() == before
    assert list(tmp_path.iterdir()) == [saved]


def damaged(path, name: str) -> str:
    return f"^{path} is damaged or of a newer version: .*{name}.*; train again, or upg"


@pytest.mark.parametrize("name", ConvSTDP._required())
def test_a_file_that_lost_an_array_is_damaged(fitted, tmp_path, name):
    saved = fitted.save(tmp_path / "layer.h5")
    with h5py.File(saved, "a") as file:
        del file["learned"][name]
    with pytest.raises(ValueError, match=damaged(saved, f"it has no {name}")):
        ConvSTDP.load(saved)


def test_a_file_of_before_there_were_counts_still_opens(fitted, images, tmp_path):
    saved = fitted.save(tmp_path / "layer.h5")
    with h5py.File(saved, "a") as file:
        for name in ("counts_", "other_state_"):
            del file["learned"][name]
    loaded = ConvSTDP.load(saved)
    assert np.array_equal(loaded.transform(images), fitted.transform(images))
    assert loaded.partial_fit(images[:30]).n_chunks_ == fitted.n_chunks_ + 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"warp": 9}, "unexpected keyword argument 'warp'"),
        ({"neuron": {"type": "WarpNeuron"}}, "unknown neuron 'WarpNeuron'"),
        ({"rule": {"type": "TraceSTDP", "warp": 9}}, "parameter 'warp'"),
        ({"pool": {"type": "SumPooling", "size": 0}}, "SumPooling.size must be >= 1"),
    ],
)
def test_unknown_parameters_in_a_file_name_the_file(fitted, tmp_path, change, reason):
    saved = fitted.save(tmp_path / "layer.h5")
    with h5py.File(saved, "a") as file:
        params = json.loads(file.attrs["params"])
        file.attrs["params"] = json.dumps(params | change)
    with pytest.raises(ValueError, match=damaged(saved, reason)):
        ConvSTDP.load(saved)


def test_an_estimator_inside_a_damaged_run_names_the_file(fitted, tmp_path):
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("estimators/main")
        fitted.write_to(group)
        del group["learned"]
        with pytest.raises(ValueError, match=damaged(path, "'learned'")):
            ConvSTDP.read_from(group)


def test_an_estimator_whose_fit_failed_is_saved_as_not_fitted(fitted, images, tmp_path):
    with pytest.raises(ValueError, match="none among 5"):
        fitted.fit(np.zeros_like(images[:5]))
    loaded = ConvSTDP.load(fitted.save(tmp_path / "layer.h5"))
    assert not {name for name in vars(loaded) if name.endswith("_")}
    assert loaded.get_params() == fitted.get_params()


# -- Ctrl-C ------------------------------------------------------------------------


def interrupted_fits(make, images) -> Iterator[ConvSTDP]:
    """Fit again and again, with Ctrl-C before an ever later line, until it is too late."""
    for line in count(1):
        estimator = make()
        with pressing_ctrl_c_at(line) as pressed:
            estimator.fit(images)
        if not pressed:
            assert line > 50
            return
        yield estimator


@contextmanager
def pressing_ctrl_c_at(line: int) -> Iterator[list[bool]]:
    """Raise KeyboardInterrupt before the n-th line that learning executes, if any."""
    files, lines, pressed = (conv.__file__, learning.__file__), count(1), []

    def trace(frame, event, _):
        if frame.f_code.co_filename not in files:
            return None
        if event == "line" and next(lines) == line:
            pressed.append(True)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield pressed
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)


@pytest.fixture
def remembered(monkeypatch):
    """Programs that are run once for every stimulus and state: the test is about the rest."""
    results, run = {}, learning.run_chunk

    def run_once(program, stimuli, state, parameters, **options):
        weights, thresholds = state["afferents.w"], state["features.theta"]
        key = (options["seed"], weights.tobytes(), thresholds.tobytes())
        if key not in results:
            results[key] = run(program, stimuli, state, parameters, **options)
        return results[key]

    monkeypatch.setattr(learning, "run_chunk", run_once)


@pytest.mark.usefixtures("remembered")
def test_ctrl_c_at_any_line_leaves_something_to_go_on_with(conv, images):
    images = images[:50]
    expected = conv().fit(images)
    assert expected.n_chunks_ == 2
    for estimator in interrupted_fits(conv, images):
        has_begun = hasattr(estimator, "kernels_")
        for _ in estimator.fit_steps(images, resume=has_begun):
            pass
        for name in (*ConvSTDP._required(), "counts_", "other_state_"):
            found = getattr(estimator, name)
            np.testing.assert_equal(found, getattr(expected, name))


@pytest.mark.usefixtures("remembered")
def test_a_chunk_is_taken_over_with_all_that_it_means_or_not_at_all(conv, images):
    make = partial(conv, tol=1, n_epochs=2)
    assert make().fit(images).converged_
    for estimator in interrupted_fits(make, images):
        shown = getattr(estimator, "n_chunks_", 0)
        assert shown in (0, 1)
        assert getattr(estimator, "converged_", False) == (shown == 1)
        assert getattr(estimator, "n_images_shown_", 0) == 30 * shown


# -- parameters that were changed after the check ------------------------------------

LATE = [
    ({"chunk_size": -1}, "ConvSTDP.chunk_size must be an integer >= 1, got -1"),
    ({"chunk_size": 0}, "ConvSTDP.chunk_size must be an integer >= 1, got 0"),
    ({"feature_scale": -1}, "ConvSTDP.feature_scale must be a number > 0, got -1"),
    ({"feature_scale": np.nan}, "ConvSTDP.feature_scale must be a number > 0, got nan"),
    ({"feature_scale": np.inf}, "ConvSTDP.feature_scale must be a number > 0, got inf"),
    ({"feature_scale": True}, "ConvSTDP.feature_scale must be a number > 0, got True"),
    ({"tol": False}, "ConvSTDP.tol must be a number >= 0, got False"),
    ({"tol": np.inf}, "ConvSTDP.tol must be a number >= 0, got inf"),
    ({"n_jobs": 0}, "ConvSTDP.n_jobs must be None or an integer other than 0, got 0"),
    ({"n_jobs": 1.5}, "ConvSTDP.n_jobs must be None or an integer .*, got 1.5"),
    ({"n_jobs": "all"}, "ConvSTDP.n_jobs must be None or an integer .*, got 'all'"),
]


@pytest.mark.parametrize(("params", "message"), LATE, ids=str)
def test_parameters_are_checked_again_when_they_are_used(
    fitted, images, params, message
):
    fitted.set_params(**params)
    for use in (
        fitted.transform,
        fitted.partial_fit,
        lambda X: list(fitted.fit_steps(X, resume=True)),
    ):
        with pytest.raises(ValueError, match=message):
            use(images)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"presentation": "16.4 ms"},
            r"ConvSTDP.presentation must be a multiple of dt \(1 ms\), got '16.4 ms'",
        ),
        ({"dt": "0.7 ms"}, r"presentation must be a multiple of dt \(0.7 ms\), got"),
        (
            {"kernel_size": 4},
            "ConvSTDP.padding 'same' needs an odd kernel_size, got 4; give the padding",
        ),
        (
            {"kernel_size": 9, "fit_on": "patches"},
            r"ConvSTDP.kernel_size must be at most the side of the images \(8\) with "
            "patches, got 9",
        ),
        (
            {"neuron": StochasticBit(), "feature_scale": 0.5},
            "feature_scale must be 1, as StochasticBit has no threshold to scale, got 0.5",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_parameters_that_do_not_fit_each_other_are_refused(
    conv, images, params, message, method
):
    with pytest.raises(ValueError, match=message):
        getattr(conv(**params), method)(images)


@pytest.mark.parametrize(
    ("presentation", "dt", "n_steps"),
    [("16 ms", "0.1 ms", 160), ("0.3 s", "0.1 ms", 3000), ("1.2 ms", "0.4 ms", 3)],
)
def test_times_that_are_multiples_but_for_rounding_are_used(
    conv, presentation, dt, n_steps
):
    estimator = conv(presentation=presentation, dt=dt)
    estimator.check_parameters()
    assert estimator.n_steps() == n_steps


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_numbers_of_numpy_scale_thresholds_like_others(fitted, images, kind):
    expected = fitted.set_params(feature_scale=0.5).transform(images)
    fitted.set_params(feature_scale=kind(0.5))
    assert {type(value) for value in fitted.feature_parameters().values()} == {float}
    assert np.array_equal(fitted.transform(images), expected)


def test_parts_written_short_have_parameters_too(conv):
    estimator = conv(pool=4).set_params(inhibition__radius=1, pool__size=3)
    assert estimator.inhibition == WinnerTakeAll(radius=1)
    assert estimator.pool == SumPooling(size=3, stride=3)
    assert conv(pool=4).set_params(pool__padding=1).pool == SumPooling(
        size=4, padding=1
    )


def test_parameters_of_a_part_are_set_together(conv):
    """Each alone would be refused, or would keep a stride that nobody gave."""
    wide = {"pool__padding": 3, "pool__size": 8}
    assert conv(pool=2).set_params(**wide).pool == SumPooling(size=8, padding=3)
    given = conv(pool=SumPooling(size=2)).set_params(**wide).pool
    assert given == SumPooling(size=8, padding=3, stride=2)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"inhibition__radius": 1},
            "ConvSTDP.inhibition has no parameters.* it is None",
        ),
        ({"pool__sise": 1}, "unknown SumPooling parameter 'sise'.*mean 'size'"),
        ({"rule__mu__x": 1}, "ConvSTDP.rule.mu has no parameters to set, it is 1.0"),
    ],
)
def test_parts_that_have_no_such_parameter_say_so(conv, params, message):
    with pytest.raises(ValueError, match=message):
        conv(inhibition=None).set_params(**params)


@pytest.mark.parametrize("value", [1, "no", None])
def test_whether_a_rule_of_text_is_gated_is_true_or_false(value):
    with pytest.raises(
        ValueError, match=r"EquationRule\.pre_needs_post must be true or false, got"
    ):
        EquationRule(pre_needs_post=value)


# -- labels ------------------------------------------------------------------------


def test_a_column_of_labels_is_a_row_with_a_warning(fitted, digits):
    images, labels = digits[0][:100], digits[1][:100]
    score = fitted.label(images, labels).score(images, labels)
    classes, preferred = fitted.classes_, fitted.neuron_labels_
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        fitted.label(images, labels[:, np.newaxis])
    assert np.array_equal(fitted.classes_, classes)
    assert np.array_equal(fitted.neuron_labels_, preferred)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        assert fitted.score(images, labels[:, np.newaxis]) == score


@pytest.mark.parametrize("method", ["label", "score"])
def test_labels_of_other_sizes_are_refused(fitted, digits, method):
    images, labels = digits[0][:30], digits[1][:30]
    fitted.label(images, labels)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[30, 1\]"):
        getattr(fitted, method)(images, labels[:1])
    with pytest.raises(ValueError, match="y should be a 1d array, got an array of "):
        getattr(fitted, method)(images, np.stack([labels, labels], axis=1))


# -- patches and progress ------------------------------------------------------------


@pytest.mark.parametrize(("stride", "padding"), [(2, 1), (3, 2), (2, "same")])
def test_patches_of_strided_kernels_let_thresholds_decay_like_images(
    conv, images, stride, padding
):
    """As many patches as an image has windows where a kernel stands: one decay."""
    neuron = AdaptiveIF(v_th=0, theta_start=5, theta_plus=0, theta_decay=0.1)
    settings = {"fit_on": "patches", "patches_per_image": 7, "padding": padding}
    estimator = conv(neuron=neuron, stride=stride, **settings)
    estimator.partial_fit(images[:10])
    steps = Encoding().encode(images[:10], {}, 16, "1 ms", 16)
    active = sliding_window_view(steps, (5, 5), axis=(1, 2)) != NEVER
    border = 2 if padding == "same" else padding
    starts = [y for y in range(-border, 4 + border, stride) if 0 <= y < 4]
    active = active[:, starts][:, :, starts]
    n_windows = active.any(axis=(3, 4, 5)).sum(axis=(1, 2)).mean()
    expected = 5 * 0.9 ** (10 * 7 / n_windows)
    assert estimator.thresholds_ == pytest.approx(expected, rel=1e-5)


def test_progress_of_another_batch_ends_at_its_total(fitted, images):
    steps = Learning(fitted).run_in_order(images[:70])
    shown = [(step.n_shown, step.n_total) for step in steps]
    assert shown == [(130, 170), (160, 170), (170, 170)]


def test_another_batch_shows_progress_when_asked_for(fitted, images, capsys):
    fitted.set_params(verbose=True).partial_fit(images[:20])
    out, err = capsys.readouterr()
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert last.startswith("learning")
    assert "120/120" in last
