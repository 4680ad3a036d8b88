"""What ConvSTDP refuses, and what it says: the name, the rule, the value, the way out."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from stdpnet.models.projections import WinnerTakeAll

IMAGES = np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_maps": 0}, "ConvSTDP.n_maps must be an integer >= 1, got 0"),
        ({"n_maps": 2.5}, "ConvSTDP.n_maps must be an integer >= 1, got 2.5"),
        ({"n_maps": True}, "ConvSTDP.n_maps must be an integer >= 1, got True"),
        ({"kernel_size": "5"}, "ConvSTDP.kernel_size must be an integer >= 1, got '5'"),
        ({"stride": -1}, "ConvSTDP.stride must be an integer >= 1, got -1"),
        ({"n_epochs": 0}, "ConvSTDP.n_epochs must be an integer >= 1, got 0"),
        ({"chunk_size": None}, "ConvSTDP.chunk_size must be an integer >= 1, got None"),
        ({"patches_per_image": 0}, "patches_per_image must be an integer >= 1, got 0"),
        ({"padding": -1}, "ConvSTDP.padding must be 'same' or an integer >= 0, got -1"),
        ({"padding": "valid"}, "padding must be 'same' or an .* got 'valid'"),
        ({"pool": 0}, "ConvSTDP.pool must be a SumPooling or an integer >= 1, got 0"),
        ({"pool": WinnerTakeAll()}, "ConvSTDP.pool must be a SumPooling or .* Winner"),
        ({"feature_scale": 0}, "ConvSTDP.feature_scale must be a number > 0, got 0"),
        ({"feature_scale": "x"}, "feature_scale must be a number > 0, got 'x'"),
        ({"feature_winners": 0}, "feature_winners must be None or an integer >= 1"),
        ({"feature_winners": 1.5}, "feature_winners must be None or .*, got 1.5"),
        ({"feature_neuron": 3}, "feature_neuron must be a NeuronModel or None, got 3"),
        ({"feature_code": "time"}, "unknown ConvSTDP.feature_code 'time'.*latency"),
        ({"tol": -0.1}, "ConvSTDP.tol must be a number >= 0, got -0.1"),
        ({"tol": np.nan}, "ConvSTDP.tol must be a number >= 0, got nan"),
        ({"tol": None}, "ConvSTDP.tol must be a number >= 0, got None"),
        ({"dt": "1 mV"}, "ConvSTDP.dt must be a time > 0 like '1 ms', got '1 mV'"),
        ({"dt": "soon"}, "ConvSTDP.dt must be a time > 0 like '1 ms', got 'soon'"),
        ({"dt": None}, "ConvSTDP.dt must be a time > 0 like '1 ms', got None"),
        ({"presentation": 16}, "presentation must be a time > 0 like '1 ms', got 16"),
        ({"presentation": "0 ms"}, "presentation must be a time > 0 .* got '0 ms'"),
        ({"presentation": "0.1 ms"}, r"must be at least dt \(1 ms\), got '0.1 ms'"),
        ({"fit_on": "patch"}, "unknown ConvSTDP.fit_on 'patch'.*mean 'patches'"),
        ({"dtype": "float16"}, "unknown ConvSTDP.dtype 'float16'.*mean 'float"),
        ({"backend": "cp"}, "unknown ConvSTDP.backend 'cp'.*Did you mean 'cpp'"),
        ({"neuron": "LIF"}, "ConvSTDP.neuron must be a NeuronModel or None, got 'LIF'"),
        ({"rule": {}}, "ConvSTDP.rule must be a PlasticityRule or None, got {}"),
        ({"encoding": 3}, "ConvSTDP.encoding must be a Encoding or None, got 3"),
        ({"inhibition": "lateral"}, "inhibition must be a WinnerTakeAll, .*'lateral'"),
        ({"image_shape": 8}, r"image_shape must be \(height, width\[, channels\]\) or"),
        ({"image_shape": (8, 0)}, r"image_shape must be .*, got \(8, 0\)"),
        ({"image_shape": (64,)}, r"image_shape must be .*, got \(64,\)"),
        ({"image_shape": (8, 7)}, r"\(8, 7\) holds 56 pixels, but X has 64 features"),
    ],
    ids=str,
)
def test_parameters_are_refused_by_name_rule_and_value(conv, params, message):
    with pytest.raises(ValueError, match=message):
        conv(**params).fit(IMAGES.reshape(4, 64))


def test_a_kernel_that_does_not_fit_says_so(conv):
    with pytest.raises(
        ValueError, match="9 x 9 does not fit into 8 x 8 with padding 0"
    ):
        conv(kernel_size=9, padding=0).fit(IMAGES)


def test_a_seed_that_is_none_is_refused(conv):
    with pytest.raises(ValueError, match="'lucky' cannot be used to seed"):
        conv(random_state="lucky").fit(IMAGES)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (IMAGES[:0], "0 sample"),
        (np.zeros((0, 64)), "0 sample"),
        (np.zeros((4, 0)), "0 feature"),
        (IMAGES[0, 0], "Expected 2D array, got 1D array"),
        (
            IMAGES.reshape(4, 8, 8, 1, 1),
            r"n, height, width\[, channels\]\), got \(4, 8",
        ),
        (np.where(IMAGES == 9, np.nan, IMAGES), "contains NaN"),
        (np.where(IMAGES == 9, np.inf, IMAGES), "contains infinity"),
        (IMAGES - 1.0, "Negative values in data passed to ConvSTDP: .* got -1; shift"),
        (IMAGES.astype(np.int16) - 9, "Negative values .* pixels must be >= 0, got -9"),
        ([["a", "b"]], "could not convert string to float|dtype='numeric'"),
        (IMAGES.astype(complex), "Complex data not supported"),
    ],
    ids=[
        "empty",
        "empty2d",
        "no pixels",
        "1d",
        "5d",
        "nan",
        "inf",
        "neg",
        "int",
        "str",
        "i",
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "transform"])
def test_images_that_cannot_be_used_are_refused(conv, fitted, method, X, message):
    estimator = fitted if method == "transform" else conv()
    if method == "transform" and np.ndim(X) == 2 and np.shape(X)[1] != 64:
        message = f"{message}|expecting 64 features"
    with pytest.raises(ValueError, match=message):
        getattr(estimator, method)(X)


@pytest.mark.parametrize("method", ["transform", "predict", "partial_fit"])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (
            IMAGES[:, :7],
            r"of shape \(7, 8, 1\), but ConvSTDP was fitted on \(8, 8, 1\)",
        ),
        (np.stack([IMAGES] * 3, axis=-1), r"\(8, 8, 3\), but ConvSTDP was fitted on"),
        (
            IMAGES.reshape(4, 64)[:, :49],
            "X has 49 features, but ConvSTDP is expecting 64",
        ),
    ],
    ids=["height", "channels", "features"],
)
def test_images_of_another_shape_are_refused_after_fit(fitted, method, X, message):
    with pytest.raises(ValueError, match=message):
        getattr(fitted, method)(X)


def test_nothing_works_before_fit(conv):
    for call in (
        lambda e: e.transform(IMAGES),
        lambda e: e.label(IMAGES, range(4)),
        lambda e: e.get_feature_names_out(),
        lambda e: list(e.fit_steps(IMAGES, resume=True)),
    ):
        with pytest.raises(
            NotFittedError, match="This ConvSTDP instance is not fitted"
        ):
            call(conv())


@pytest.mark.parametrize("method", ["predict", "score"])
def test_voting_needs_labels_first(conv, fitted, method):
    arguments = (IMAGES,) if method == "predict" else (IMAGES, np.arange(4))
    for estimator in (conv(), fitted):
        with pytest.raises(NotFittedError, match="no labels yet; call 'label' with"):
            getattr(estimator, method)(*arguments)


def test_labels_of_earlier_features_are_forgotten(fitted, digits):
    images, labels = digits
    fitted.label(images[:30], labels[:30])
    assert len(fitted.predict(images[:3])) == 3
    fitted.fit(images[100:130])
    with pytest.raises(NotFittedError, match="call 'label'"):
        fitted.predict(images[:3])


def with_blanks(images, n_blank):
    images = images.copy()
    images[:n_blank] = 7
    return images


def test_blank_images_teach_nothing_and_are_counted_once(conv, digits):
    images = with_blanks(digits[0][:60], 3)
    with pytest.warns(UserWarning, match="3 of 60 images have no contrast") as caught:
        estimator = conv(chunk_size=25).fit(images)
    assert len(caught) == 1
    with pytest.warns(
        UserWarning, match="3 of 60 .*; their features are zero"
    ) as caught:
        features = estimator.transform(images)
    assert len(caught) == 1
    assert not features[:3].any()
    assert features[3:].any()


def test_blank_images_are_counted_when_learning_stops_early(conv, digits):
    images = with_blanks(digits[0][:60], 60)
    images[0, 2:5, 2:5] = 16
    with pytest.warns(UserWarning, match="have no contrast; they teach nothing"):
        conv(chunk_size=20, tol=1).fit(images)


def test_a_first_chunk_without_contrast_is_no_error(conv, digits):
    images = with_blanks(digits[0][:60], 40)
    with pytest.warns(UserWarning, match="40 of 60 images have no contrast"):
        conv(chunk_size=20).partial_fit(images)


@pytest.mark.parametrize("value", [0, 7, 255])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_only_blank_images_are_refused(conv, method, value):
    estimator = conv()
    blank = np.full((70, 8, 8), value, np.uint8)
    message = r"none among 70 \(n_features=64\); check the data, or lower the cutoff"
    with pytest.raises(ValueError, match=message):
        getattr(estimator, method)(blank)
    with pytest.raises(NotFittedError):
        estimator.transform(blank)


def test_blank_images_alone_can_be_transformed(fitted):
    with pytest.warns(UserWarning, match="2 of 2 images have no contrast"):
        assert not fitted.transform(np.zeros((2, 8, 8), np.uint8)).any()
