"""Saved estimators: the same after loading, resumed bit for bit, clear when damaged."""

import re

import h5py
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from stdpnet.encoding import DifferenceOfGaussians, Encoding, Latency
from stdpnet.estimators import saving
from stdpnet.estimators.base import STDPTransformer
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import SumPooling, WinnerTakeAll
from stdpnet.units import ms


@pytest.fixture
def saved(fitted, tmp_path):
    return fitted.save(tmp_path / "layer.h5")


def test_a_loaded_estimator_is_the_same(fitted, saved, images):
    loaded = ConvSTDP.load(saved)
    assert loaded.get_params() == fitted.get_params()
    assert np.array_equal(loaded.transform(images), fitted.transform(images))
    assert set(vars(fitted)) - {"build_seconds_"} <= set(vars(loaded))
    for name in ConvSTDP._saved:
        if hasattr(fitted, name):
            np.testing.assert_equal(getattr(loaded, name), getattr(fitted, name))
            assert type(getattr(loaded, name)) is type(getattr(fitted, name))


def test_a_loaded_estimator_can_be_saved_and_learn_again(fitted, saved, images):
    loaded = ConvSTDP.load(saved)
    again = ConvSTDP.load(loaded.save(saved)).partial_fit(images[:30])
    expected = fitted.partial_fit(images[:30])
    assert np.array_equal(again.kernels_, expected.kernels_)


@pytest.mark.parametrize("names", [list("abcdefghij"), list(range(10, 20))])
def test_labels_are_saved_whatever_they_are(fitted, digits, tmp_path, names):
    labels = np.array(names)[digits[1][:100]]
    fitted.label(digits[0][:100], labels)
    loaded = ConvSTDP.load(fitted.save(tmp_path / "voter.h5"))
    predicted = loaded.predict(digits[0][:20])
    assert np.array_equal(predicted, fitted.predict(digits[0][:20]))
    assert predicted.dtype == labels.dtype


def test_every_kind_of_parameter_is_saved(tmp_path):
    estimator = ConvSTDP(
        n_maps=np.int64(4),
        padding=2,
        encoding=Encoding(filter=DifferenceOfGaussians(cutoff=0.1), code=Latency()),
        neuron=AdaptiveIF(v_th=2),
        rule=TraceSTDP(tau_pre=7 * ms, bounds="hard"),
        inhibition=WinnerTakeAll(radius=1, ties="highest"),
        pool=SumPooling(size=3, stride=2),
        dt=0.1 * ms,
        presentation="7 ms",
        image_shape=(8, 8, 1),
        random_state=7,
        n_jobs=2,
    )
    loaded = ConvSTDP.load(estimator.save(tmp_path / "unfitted.h5"))
    expected = estimator.get_params() | {"dt": str(estimator.dt)}
    assert loaded.get_params() == expected
    assert loaded._time("dt") == 0.1 * ms
    with pytest.raises(NotFittedError):
        loaded.transform(np.ones((1, 8, 8)))


def test_quantities_of_brian2_are_saved(conv, tmp_path):
    brian2 = pytest.importorskip("brian2")
    estimator = conv(dt=0.5 * brian2.ms, rule=TraceSTDP(tau_pre=7 * brian2.ms))
    loaded = ConvSTDP.load(estimator.save(tmp_path / "units.h5"))
    assert loaded._time("dt") == 0.5 * ms
    assert loaded.rule.tau_pre == 7 * ms


def test_no_state_of_a_random_generator_is_saved(conv, images, tmp_path):
    estimator = conv(random_state=np.random.RandomState(3)).fit(images[:30])
    loaded = ConvSTDP.load(estimator.save(tmp_path / "layer.h5"))
    assert loaded.random_state is None
    assert np.array_equal(loaded.transform(images), estimator.transform(images))


def test_a_file_that_is_missing_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file: .*absent\.h5"):
        ConvSTDP.load(tmp_path / "absent.h5")


def test_a_file_of_a_newer_format_asks_for_an_upgrade(saved):
    with h5py.File(saved, "a") as file:
        file.attrs["format"] = saving.FILE_FORMAT + 1
    newer = f"has format {saving.FILE_FORMAT + 1}.* up to {saving.FILE_FORMAT}; upgrade"
    with pytest.raises(ValueError, match=newer):
        ConvSTDP.load(saved)


def test_a_file_of_another_class_says_whose_it_is(saved):
    class Other(STDPTransformer):
        pass

    with pytest.raises(ValueError, match=r"layer\.h5 holds a ConvSTDP, not a Other"):
        Other.load(saved)


@pytest.mark.parametrize("keep", [0, 10, 2000])
def test_a_truncated_file_is_not_an_estimator(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"layer\.h5 is not a saved ConvSTDP: "):
        ConvSTDP.load(saved)


@pytest.mark.parametrize("name", ["format", "class", "params"])
def test_a_file_without_its_attributes_is_not_an_estimator(saved, name):
    with h5py.File(saved, "a") as file:
        del file.attrs[name]
    with pytest.raises(ValueError, match="is not a saved ConvSTDP: "):
        ConvSTDP.load(saved)


def test_parameters_that_are_not_json_are_not_an_estimator(saved):
    with h5py.File(saved, "a") as file:
        file.attrs["params"] = '{"n_maps": '
    with pytest.raises(ValueError, match="is not a saved ConvSTDP: "):
        ConvSTDP.load(saved)


def test_a_failed_save_leaves_the_old_file_alone(fitted, saved):
    before = saved.read_bytes()
    fitted.n_shown_ = object()
    with pytest.raises(TypeError):
        fitted.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_file_is_replaced_as_a_whole(fitted, saved):
    before = saved.read_bytes()
    fitted.n_shown_ = 7
    with saved.open("rb") as reader:
        fitted.save(saved)
        assert reader.read() == before
    assert ConvSTDP.load(saved).n_shown_ == 7
    assert list(saved.parent.iterdir()) == [saved]


def test_saving_into_a_folder_that_is_missing_is_an_error(fitted, tmp_path):
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "absent"))):
        fitted.save(tmp_path / "absent" / "layer.h5")


# -- resuming ----------------------------------------------------------------------


def interrupted(estimator: ConvSTDP, images, n_chunks: int, path) -> ConvSTDP:
    """Learn some chunks, go through a file, and learn the rest."""
    steps = estimator.fit_steps(images)
    for _ in range(n_chunks):
        next(steps)
    loaded = ConvSTDP.load(estimator.save(path))
    assert loaded.n_chunks_ == n_chunks
    assert not loaded.fitted_
    for _ in loaded.fit_steps(images, resume=True):
        pass
    assert loaded.fitted_
    return loaded


@pytest.fixture(scope="module", params=["images", "patches"])
def uninterrupted(request, conv, images) -> ConvSTDP:
    return conv(fit_on=request.param, n_epochs=2).fit(images)


@pytest.mark.parametrize("n_chunks", [1, 4, 6, 8])
def test_resumed_learning_ends_with_the_same_bits(
    uninterrupted, images, tmp_path, n_chunks
):
    """Four chunks an epoch: in the middle, at its end, in the next one, and at the end."""
    estimator = clone(uninterrupted)
    resumed = interrupted(estimator, images, n_chunks, tmp_path / "half.h5")
    assert uninterrupted.n_chunks_ == resumed.n_chunks_ == 8
    for name in ("kernels_", "thresholds_", "history_", "n_shown_", "n_images_shown_"):
        np.testing.assert_equal(getattr(resumed, name), getattr(uninterrupted, name))
    features = uninterrupted.transform(images[:30])
    assert np.array_equal(resumed.transform(images[:30]), features)


def test_learning_that_converged_is_not_resumed(conv, images, tmp_path):
    """A checkpoint of the last chunk knows that learning is over."""
    settings = {"tol": 0.18, "n_epochs": 3, "rule": TraceSTDP(learning_rate=0.02)}
    expected = conv(**settings).fit(images)
    assert expected.converged_
    last = expected.n_chunks_
    assert 1 <= last < 12
    resumed = interrupted(conv(**settings), images, last, tmp_path / "last.h5")
    assert resumed.converged_
    assert resumed.n_chunks_ == last
    assert np.array_equal(resumed.kernels_, expected.kernels_)
