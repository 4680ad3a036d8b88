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
from stdpnet.models.plasticity import TraceSTDP

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


def test_a_pipeline_learns_features_and_classifies_digits(conv, digits):
    images, labels = digits
    pipeline = Pipeline([("conv", conv()), ("svc", LinearSVC(C=0.1))])
    pipeline.fit(images[:400], labels[:400])
    assert pipeline.score(images[400:800], labels[400:800]) > 0.5  # ten classes


def test_clone_keeps_parameters_and_forgets_what_was_learned(fitted):
    encoding = Encoding(code=RankOrder(fill=0.8))
    fitted.set_params(encoding=encoding, rule__offset=0.5, feature_winners=3)
    cloned = clone(fitted)
    assert cloned.get_params() == fitted.get_params()
    assert not {name for name in vars(cloned) if name.endswith("_")}


def test_a_search_reaches_into_the_rule(conv, digits):
    images, labels = digits
    pipeline = Pipeline([("conv", conv()), ("svc", LinearSVC(C=0.01))])
    rates = [0.0, 0.05]
    search = GridSearchCV(pipeline, {"conv__rule__learning_rate": rates}, cv=2)
    search.fit(images[:100], labels[:100])
    fitted = search.best_estimator_["conv"]
    assert fitted.rule.learning_rate == search.best_params_["conv__rule__learning_rate"]
    assert len(set(search.cv_results_["mean_test_score"])) == len(rates)


def test_numpy_integers_of_a_search_are_integers(conv, fitted, images):
    sizes = {name: np.int64(fitted.get_params()[name]) for name in ("n_maps", "pool")}
    estimator = conv(**sizes, kernel_size=np.int64(5)).fit(images)
    assert np.array_equal(estimator.kernels_, fitted.kernels_)
    assert np.array_equal(estimator.transform(images), fitted.transform(images))


def test_nested_parameters_make_a_new_part(conv):
    shared = TraceSTDP(learning_rate=0.02)
    one, other = conv(rule=shared), conv(rule=shared)
    one.set_params(rule__learning_rate=0.5, encoding__code__fill=0.5)
    assert one.rule == TraceSTDP(learning_rate=0.5)
    assert one.encoding == Encoding(code=RankOrder(fill=0.5))
    assert other.rule.learning_rate == shared.learning_rate == 0.02
    assert other.encoding is None


def test_parts_and_their_parameters_are_set_in_one_call(conv):
    estimator = conv().set_params(
        encoding__code__normalize="fixed", encoding=Encoding(code=Latency())
    )
    assert estimator.encoding.code == Latency(normalize="fixed")


def test_parameters_of_parts_are_listed(conv):
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
        ({"n_maps__x": 1}, "ConvSTDP.n_maps has no parameters to set, it is 8"),
    ],
)
def test_parameters_that_do_not_exist_are_refused(conv, params, message):
    with pytest.raises(ValueError, match=message):
        conv().set_params(**params)


def test_a_union_puts_two_kernel_sizes_side_by_side(conv, images):
    small = conv(n_maps=2, kernel_size=3, backend="numpy")
    union = FeatureUnion([("large", conv()), ("small", small)]).fit(images[:5])
    features = union.transform(images[:5])
    parts = [bank.transform(images[:5]) for _, bank in union.transformer_list]
    assert [bank.kernels_.shape[1] for _, bank in union.transformer_list] == [5, 3]
    assert all(part.any() for part in parts)
    assert np.array_equal(features, np.hstack(parts))
    names = list(union.get_feature_names_out())
    assert len(names) == features.shape[1] == 32 + 8
    assert names[::32] == ["large__map0_y0_x0", "small__map0_y0_x0"]
