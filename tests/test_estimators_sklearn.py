"""`ConvSTDP` among scikit-learn's tools: its checks, pipelines, clones and searches."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from stdpnet.encoding import DifferenceOfGaussians, Encoding, Latency, RankOrder
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.models.neurons import AdaptiveIF
from stdpnet.models.plasticity import TraceSTDP
from stdpnet.models.projections import SumPooling

TINY = {
    "n_maps": 2,
    "kernel_size": 3,
    "presentation": "4 ms",
    "pool": 8,
    "chunk_size": 1000,
    "backend": "numpy",
}
_NO_LABELS = (
    "calls predict after fit alone, but predict needs `label`, because fit never "
    "sees labels; checked on `Labelled` instead"
)
#: What does not apply to ConvSTDP, and why.
EXCUSED = {
    name: _NO_LABELS
    for name in (
        "check_dict_unchanged",
        "check_dtype_object",
        "check_estimators_dtypes",
        "check_estimators_pickle",
        "check_f_contiguous_array_estimator",
        "check_fit_idempotent",
        "check_fit_score_takes_y",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_pipeline_consistency",
    )
}


class Labelled(ConvSTDP):
    """Votes right after `fit`, as scikit-learn's checks expect of a `predict`."""

    def fit(self, X, y=None):
        super().fit(X)
        return self if y is None else self.label(X, y)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.* images have no contrast")
@parametrize_with_checks(
    [ConvSTDP(**TINY), Labelled(**TINY)],
    expected_failed_checks=lambda e: EXCUSED if type(e) is ConvSTDP else {},
)
def test_scikit_learns_checks_hold(estimator, check):
    name = getattr(check, "func", check).__name__
    if type(estimator) is Labelled and name not in EXCUSED:
        pytest.skip("checked on ConvSTDP")
    check(estimator)


def conv(**changes) -> ConvSTDP:
    """An estimator of the one program that these tests share."""
    settings = {
        "n_maps": 8,
        "kernel_size": 5,
        "pool": 4,
        "neuron": AdaptiveIF(v_th=0, theta_start=5),
        "tol": 0,
        "chunk_size": 50,
        "random_state": 0,
    }
    return ConvSTDP(**settings | changes)


def test_a_pipeline_learns_features_and_classifies_digits(digits):
    images, labels = digits
    pipeline = Pipeline([("conv", conv()), ("svc", LinearSVC(C=0.1))])
    pipeline.fit(images[:400], labels[:400])
    assert pipeline.score(images[400:800], labels[400:800]) > 0.5  # ten classes


def test_clone_keeps_parameters_and_forgets_what_was_learned(digits):
    estimator = conv(encoding=Encoding(code=RankOrder(fill=0.8)), rule=TraceSTDP())
    estimator.set_params(rule__offset=0.5).fit(digits[0][:50])
    cloned = clone(estimator)
    assert cloned.get_params() == estimator.get_params()
    assert not hasattr(cloned, "kernels_")


def test_a_search_reaches_into_the_rule(digits):
    images, labels = digits
    pipeline = Pipeline([("conv", conv()), ("svc", LinearSVC(C=0.01))])
    rates = [0.0, 0.05]
    search = GridSearchCV(pipeline, {"conv__rule__learning_rate": rates}, cv=2)
    search.fit(images[:100], labels[:100])
    fitted = search.best_estimator_["conv"]
    assert fitted.rule.learning_rate == search.best_params_["conv__rule__learning_rate"]
    assert len(set(search.cv_results_["mean_test_score"])) == len(rates)


def test_a_search_over_numpy_integers_works(digits):
    fitted = conv(n_maps=np.int64(8), kernel_size=np.int64(5)).fit(digits[0][:50])
    assert fitted.kernels_.shape == (8, 5, 5, 2)


def test_nested_parameters_make_a_new_part():
    shared = TraceSTDP(learning_rate=0.02)
    one, other = conv(rule=shared), conv(rule=shared)
    one.set_params(rule__learning_rate=0.5, encoding__code__fill=0.5)
    assert one.rule == TraceSTDP(learning_rate=0.5)
    assert one.encoding == Encoding(code=RankOrder(fill=0.5))
    assert other.rule.learning_rate == shared.learning_rate == 0.02
    assert other.encoding is None


def test_parts_and_their_parameters_are_set_in_one_call():
    estimator = conv().set_params(
        encoding__code__normalize="fixed", encoding=Encoding(code=Latency())
    )
    assert estimator.encoding.code == Latency(normalize="fixed")


def test_parameters_of_parts_are_listed():
    params = conv(encoding=Encoding(), rule=TraceSTDP(offset=0.3)).get_params()
    assert params["rule__offset"] == 0.3
    assert params["encoding__filter"] == DifferenceOfGaussians()
    assert params["encoding__filter__cutoff"] == DifferenceOfGaussians().cutoff


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_mpas": 4}, "Invalid parameter 'n_mpas' for estimator ConvSTDP"),
        ({"roule__mu": 4}, "Invalid parameter 'roule' for estimator ConvSTDP"),
        ({"rule__learnin_rate": 4}, "learnin_rate.*Did you mean 'learning_rate'"),
        ({"rule__learning_rate": -1}, "TraceSTDP.learning_rate must be >= 0, got -1"),
        (
            {"inhibition__radius": 1},
            "ConvSTDP.inhibition has no parameters to set, it is 'winner-take-all'",
        ),
        ({"n_maps__x": 1}, "ConvSTDP.n_maps has no parameters to set, it is 8"),
    ],
)
def test_parameters_that_do_not_exist_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        conv().set_params(**params)


def test_a_union_puts_two_kernel_sizes_side_by_side(digits):
    images, _ = digits
    banks = [("large", conv()), ("small", conv(kernel_size=3))]
    union = FeatureUnion(banks).fit(images[:100])
    features = union.transform(images[:20])
    parts = [bank.transform(images[:20]) for _, bank in union.transformer_list]
    np.testing.assert_array_equal(features, np.hstack(parts))
    names = union.get_feature_names_out()
    assert len(names) == features.shape[1]
    assert names[0] == "large__map0_y0_x0"


def test_names_say_where_a_feature_looks(digits):
    """Shifted by one pooling stride, an image moves each feature to its neighbour."""
    near = DifferenceOfGaussians(sigma_center=0.5, sigma_surround=1, truncate=1)
    estimator = conv(encoding=Encoding(filter=near)).fit(digits[0][:50])
    estimator.thresholds_ = np.ones(8)  # whoever sees the dot responds
    corner, moved = np.zeros((2, 8, 8), np.uint8)
    corner[1, 1] = moved[1, 5] = 16
    before, after = estimator.transform([corner, moved]).astype(int)
    names = list(estimator.get_feature_names_out())
    assert len(names) == len(before) == 8 * 2 * 2
    left = [before[names.index(f"map{m}_y0_x0")] for m in range(8)]
    right = [after[names.index(f"map{m}_y0_x1")] for m in range(8)]
    assert before.any()
    assert sum(left) > 0.5 * before.sum()
    assert sum(right) > 0.5 * after.sum()
    first_pixels = estimator.get_feature_names_out()[:9]
    assert list(first_pixels[[0, 7, 8]]) == ["map0_y0_x0", "map7_y0_x0", "map0_y0_x1"]


def test_names_go_down_after_across(digits):
    estimator = conv(pool=SumPooling(size=4, stride=4)).fit(digits[0][:50])
    assert list(estimator.get_feature_names_out())[::8] == [
        "map0_y0_x0",
        "map0_y0_x1",
        "map0_y1_x0",
        "map0_y1_x1",
    ]


def test_output_can_be_a_data_frame_like_scikit_learns(digits):
    estimator = conv().fit(digits[0][:50])
    estimator.set_output(transform="default")
    assert estimator.fit_transform(digits[0][:50]).shape == (50, 32)
