"""The linear readout against scikit-learn's LinearSVC and closed forms."""

import h5py
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from stdpnet.readout import LinearReadout
from stdpnet.readout.blocks import feature_blocks
from stdpnet.readout.newton import SquaredHinge


@parametrize_with_checks(
    [
        LinearReadout(solver="streamed"),
        LinearReadout(solver="liblinear"),
        LinearReadout(C=1.0, solver="streamed", count_transform="sqrt"),
    ],
)
def test_linear_readout_is_an_estimator(estimator, check):
    # Few rows, so that batches and the steps between them are part of the check.
    estimator.set_params(batch_bytes=4096, max_iter=200)
    check(estimator)


def counts(rng, n=600, n_features=40, n_classes=3):
    labels = rng.integers(n_classes, size=n)
    rates = rng.gamma(0.5, size=(n_classes, n_features))
    return rng.poisson(rates[labels]).astype(np.uint8), labels


def objective(machine, X, y, C):
    """The objective of `LinearSVC` as its user guide writes it, in scaled units."""
    signs = np.where(y[:, None] == np.unique(y), 1, -1)
    weights, offsets = machine.coef_, machine.intercept_
    slack = np.maximum(0, 1 - signs * (X @ weights.T + offsets))
    return 0.5 * ((weights**2).sum() + (offsets**2).sum()) + C * (slack**2).sum()


@pytest.mark.parametrize("C", [1e-3, 0.1, 3.0])
@pytest.mark.parametrize("memory_bytes", [0, 10**9])
def test_streamed_solution_is_that_of_linear_svc(rng, C, memory_bytes):
    X, y = counts(rng)
    scaled = X / np.maximum(X.max(axis=0), 1)
    reference = LinearSVC(C=C, dual=False, tol=1e-8, max_iter=10_000).fit(scaled, y)
    machine = LinearReadout(
        C=C, solver="streamed", tol=1e-5, batch_bytes=4096, memory_bytes=memory_bytes
    ).fit(X, y)

    best = objective(reference, scaled, y, C)
    assert machine.objective_ == pytest.approx(best, rel=1e-4)
    np.testing.assert_allclose(
        machine.coef_ * machine.scale_,
        reference.coef_,
        atol=2e-3 * abs(reference.coef_).max(),
    )


def test_sparse_and_dense_passes_agree(rng):
    X = rng.binomial(3, 0.03, size=(300, 50)).astype(np.uint8)
    dense = feature_blocks(X, sqrt=True, batch_bytes=2000)
    sparse = dense.cache_sparse(0.1, 10**9)
    assert sparse.cached is not None
    weights, active = rng.normal(size=(50, 4)), rng.random((300, 4)) < 0.1
    roots, offset = np.sqrt(X.astype(float)), rng.normal(size=4)
    residuals = rng.normal(size=(300, 4))
    response = active * (roots @ weights + offset)
    for blocks in (dense, sparse):
        np.testing.assert_allclose(blocks.forward(weights), roots @ weights, atol=1e-5)
        np.testing.assert_allclose(
            blocks.backward(residuals), roots.T @ residuals, atol=1e-4
        )
        product, sums = blocks.curvature(weights, offset, active)
        np.testing.assert_allclose(product, roots.T @ response, atol=1e-4)
        np.testing.assert_allclose(sums, response.sum(axis=0), atol=1e-4)


def test_sparse_copy_is_made_only_within_its_memory_and_density(rng):
    blocks = feature_blocks(rng.integers(2, size=(100, 10)).astype(np.uint8))
    assert blocks.cache_sparse(0.5, 10**9).cached is None
    assert blocks.cache_sparse(0.1, 8 * 100 - 1).cached is None
    assert blocks.cache_sparse(0.1, 8 * 100).cached is not None
    doubles = feature_blocks(rng.random((100, 10)))
    assert doubles.cache_sparse(0.1, 12 * 100 - 1).cached is None
    assert doubles.cache_sparse(0.1, 12 * 101).cached is not None


def test_gradient_is_the_slope_of_the_objective(rng):
    X, y = counts(rng, n=80, n_features=6)
    signs = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    blocks = feature_blocks(X.astype(float))
    problem = SquaredHinge(blocks, signs, rng.uniform(1, 3, 6), 0.3, True)
    weights, step = rng.normal(size=(7, 3)), 1e-6 * rng.normal(size=(7, 3))

    def value(w):
        return problem.objective(w, problem.responses(w))

    slope = (problem.gradient(weights, problem.responses(weights)) * step).sum(axis=0)
    difference = (value(weights + step) - value(weights - step)) / 2
    np.testing.assert_allclose(difference, slope, rtol=1e-4)


def test_statistics_are_numpys(rng):
    X = rng.poisson(0.3, size=(500, 9)).astype(np.uint8)
    found = feature_blocks(X, sqrt=True, batch_bytes=400).statistics()
    roots = np.sqrt(X.astype(float))
    np.testing.assert_allclose(found.maximum, roots.max(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.mean, roots.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.sd, roots.std(axis=0), rtol=1e-5)
    assert found.density == np.mean(X > 0)


def test_result_depends_neither_on_threads_nor_on_where_features_are(rng, tmp_path):
    X, y = counts(rng)
    memmap = np.lib.format.open_memmap(
        tmp_path / "X.npy", mode="w+", dtype=X.dtype, shape=X.shape
    )
    memmap[:] = X
    with h5py.File(tmp_path / "X.h5", "w") as file:
        disk = file.create_dataset("X", data=X)
        machines = [
            LinearReadout(solver="streamed", batch_bytes=1000, n_jobs=jobs).fit(Z, y)
            for Z, jobs in ((X, 1), (X, 2), (memmap, 2), (disk, 2))
        ]
        predicted = machines[0].predict(disk)
    np.testing.assert_array_equal(predicted, machines[0].predict(X))
    for other in machines[1:]:
        np.testing.assert_array_equal(other.coef_, machines[0].coef_)


def test_order_of_features_does_not_matter(rng):
    X, y = counts(rng)
    order = rng.permutation(X.shape[1])
    one = LinearReadout(C=0.1, solver="streamed", tol=1e-5).fit(X, y)
    two = LinearReadout(C=0.1, solver="streamed", tol=1e-5).fit(X[:, order], y)
    np.testing.assert_allclose(two.coef_, one.coef_[:, order], atol=1e-3)


@pytest.mark.parametrize(("scale", "spread"), [("std", np.std), ("max", np.max)])
def test_scale_is_the_spread_of_transformed_counts(rng, scale, spread):
    X, y = counts(rng)
    X[:, 3] = 0
    machine = LinearReadout(solver="streamed", scale=scale, count_transform="sqrt").fit(
        X, y
    )
    expected = spread(np.sqrt(X.astype(float)), axis=0)
    expected[3] = 1
    np.testing.assert_allclose(machine.scale_, expected, rtol=1e-5)


def test_intercept_can_be_left_out(rng):
    X, y = counts(rng)
    for solver in ("streamed", "liblinear"):
        machine = LinearReadout(solver=solver, fit_intercept=False).fit(X, y)
        np.testing.assert_array_equal(machine.intercept_, np.zeros(3))


def test_auto_streams_only_large_problems(rng):
    X, y = counts(rng)
    assert LinearReadout().fit(X, y).solver_ == "liblinear"
    wide = np.tile(X, (1, 100))
    assert LinearReadout().fit(wide, y).solver_ == "streamed"


def test_callback_sees_the_objective_fall(rng):
    X, y = counts(rng)
    seen = []
    machine = LinearReadout(
        C=1.0, solver="streamed", callback=lambda *progress: seen.append(progress)
    ).fit(X, y)
    iterations, values = zip(*seen, strict=True)
    assert iterations == tuple(range(1, machine.n_iter_ + 1))
    assert np.all(np.diff(values) < 0)
    assert values[-1] == machine.objective_


def test_coarse_start_leads_to_the_same_minimum(rng):
    X, y = counts(rng, n=2000)
    fine = LinearReadout(C=0.1, solver="streamed", tol=1e-4).fit(X, y)
    coarse = LinearReadout(C=0.1, solver="streamed", tol=1e-4, batch_bytes=1600)
    assert coarse.fit(X, y).objective_ == pytest.approx(fine.objective_, rel=1e-5)


def test_few_steps_warn(rng):
    X, y = counts(rng)
    machine = LinearReadout(C=10.0, solver="streamed", tol=1e-6, max_iter=1)
    with pytest.warns(ConvergenceWarning, match="stopped after max_iter=1 steps"):
        machine.fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"C": 0}, r"LinearReadout\.C must be a finite number > 0, got 0$"),
        ({"C": "0.1"}, r"LinearReadout\.C must be a finite number > 0, got '0\.1'"),
        ({"C": np.inf}, r"LinearReadout\.C must be a finite number > 0, got inf"),
        ({"C": True}, r"LinearReadout\.C must be a finite number > 0, got True"),
        ({"tol": -1.0}, r"LinearReadout\.tol must be a finite number > 0, got -1\.0"),
        ({"tol": np.nan}, r"LinearReadout\.tol must be a finite number > 0, got nan"),
        ({"max_iter": 0}, r"LinearReadout\.max_iter must be an integer >= 1, got 0"),
        ({"max_iter": 2.5}, r"\.max_iter must be an integer >= 1, got 2\.5"),
        ({"batch_bytes": 0}, r"\.batch_bytes must be an integer >= 1, got 0"),
        ({"memory_bytes": -1}, r"\.memory_bytes must be a number >= 0, got -1"),
        ({"n_jobs": 0}, r"\.n_jobs must be None or an integer other than 0, got 0"),
        (
            {"random_state": -1},
            r"\.random_state must be None, an integer >= 0 or .* -1",
        ),
        ({"fit_intercept": "no"}, r"\.fit_intercept must be True or False, got 'no'"),
        ({"callback": 3}, r"LinearReadout\.callback must be None or a function, got 3"),
        (
            {"scale": "maxx"},
            r"unknown LinearReadout\.scale 'maxx'; known: max, std, none. Did you mean",
        ),
        (
            {"count_transform": "log"},
            r"unknown LinearReadout\.count_transform 'log'; known: none",
        ),
        ({"solver": "sgd"}, r"unknown LinearReadout\.solver 'sgd'; known: auto, lib"),
        ({"loss": "hinge"}, r"unknown LinearReadout\.loss 'hinge'; known: squared"),
    ],
)
def test_bad_parameters_are_named_before_any_work(parameters, message):
    machine = LinearReadout(**parameters)
    with pytest.raises(ValueError, match=message):
        machine.check_parameters()
    with pytest.raises(ValueError, match=message):
        machine.fit(None, None)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"C": np.float32(0.5), "tol": 1, "max_iter": np.int64(3)},
        {"memory_bytes": np.inf, "n_jobs": -1, "fit_intercept": np.False_},
        {"random_state": np.random.RandomState(0), "callback": print},
    ],
)
def test_good_parameters_pass(parameters):
    LinearReadout(**parameters).check_parameters()


def test_bad_features_are_refused(rng):
    X, y = counts(rng, n=20)
    machine = LinearReadout(solver="streamed").fit(X, y)
    with pytest.raises(ValueError, match="X has 39 features, but LinearReadout is"):
        machine.predict(X[:, 1:])
    with pytest.raises(ValueError, match="NaN"):
        machine.fit(np.where(X == 0, np.nan, X), y)
    with pytest.raises(ValueError, match="needs at least two classes in y, got one"):
        machine.fit(X, np.zeros(20))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        machine.fit(X, y[1:])
    with pytest.raises(ValueError, match="Negative values in data"):
        LinearReadout(count_transform="sqrt", n_jobs=2).fit(X - 1.0, y)
    roots = LinearReadout(count_transform="sqrt").fit(X, y)
    with pytest.raises(ValueError, match=r"must be finite, and >= 0 with count_trans"):
        roots.predict(X - 1.0)


def test_bad_data_sets_on_disk_are_refused(rng, tmp_path):
    X, y = counts(rng, n=20)
    with h5py.File(tmp_path / "X.h5", "w") as file:
        holes = file.create_dataset("holes", data=np.where(X == 0, np.nan, X))
        cube = file.create_dataset("cube", data=np.zeros((20, 2, 2)))
        empty = file.create_dataset("empty", data=np.zeros((0, 2)))
        with pytest.raises(ValueError, match="NaN passed to LinearReadout"):
            LinearReadout().fit(holes, y)
        with pytest.raises(ValueError, match=r"must have shape .*\(20, 2, 2\)"):
            LinearReadout().fit(cube, y)
        with pytest.raises(ValueError, match=r"both at least 1, got .*\(0, 2\)"):
            LinearReadout().fit(empty, y[:0])


def edge_counts(images):
    """Pooled counts of four directions of the gradient, (n, 4 * 49) uint8."""
    pixels = images.reshape(len(images), 28, 28).astype(np.int16)
    steps = [
        np.diff(pixels, axis=axis, append=0) * sign > 60
        for axis in (1, 2)
        for sign in (1, -1)
    ]
    pooled = [s.reshape(-1, 7, 4, 7, 4).sum((2, 4), dtype=np.uint8) for s in steps]
    return np.concatenate([p.reshape(len(images), -1) for p in pooled], axis=1)


@pytest.mark.slow
def test_accuracy_on_10_000_mnist_images_is_that_of_linear_svc(mnist):
    X, y = edge_counts(mnist.X_train[:10_000]), mnist.y_train[:10_000]
    X_test, y_test = edge_counts(mnist.X_test), mnist.y_test
    scale = np.maximum(X.max(axis=0), 1)
    reference = LinearSVC(C=0.01, dual=False, tol=1e-5).fit(X / scale, y)
    machine = LinearReadout(C=0.01, solver="streamed").fit(X, y)

    expected = reference.score(X_test / scale, y_test)
    assert expected > 0.9
    assert machine.score(X_test, y_test) == pytest.approx(expected, abs=0.001)
    best = objective(reference, X / scale, y, 0.01)
    assert machine.objective_ == pytest.approx(best, rel=1e-3)
