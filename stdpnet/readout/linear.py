"""A linear classifier for spike counts that do not fit in memory as floats."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from stdpnet.readout.base import (
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    RANDOM_STATE,
    CountReadout,
    Rule,
    is_integer,
)
from stdpnet.readout.blocks import BATCH_BYTES, FeatureBlocks, feature_blocks
from stdpnet.readout.checks import check_classes, checked_examples, checked_features
from stdpnet.readout.newton import Progress, Solution, SquaredHinge, solve

# Measured, two cores: liblinear on dense floats is the quicker one up to here.
LIBLINEAR_ENTRIES = 2_000_000


class LinearReadout(CountReadout):
    r"""Classify spike counts by one-vs-rest linear support vector machines.

    Minimizes, for each class k, the objective of `sklearn.svm.LinearSVC`,

    .. math::
        \tfrac12 |w_k|^2 + \tfrac12 b_k^2 + C \sum_i
            \max(0, 1 - y_{ik} (w_k^T t(x_i) / s + b_k))^2

    on transformed counts t(x) divided by a scale s, which are made batch by batch:
    the counts stay small integers in memory or on disk.

    Parameters
    ----------
    C : float
        Weight of the loss. The default suits some thousand features of unit range.
    loss : {"squared_hinge"}
        Loss of an example.
    scale : {"max", "std", "none"}
        Divide each feature by its largest absolute value or its standard deviation
        in the training set. Features are not centred, so zeros stay zeros.
    count_transform : {"none", "sqrt"}
        "sqrt" evens out the variance of counts; it needs non-negative features.
    solver : {"auto", "liblinear", "streamed"}
        "liblinear" converts all features to float64; "streamed" holds one batch for
        each thread. "auto" takes the first for up to two million feature values.
    batch_bytes : int
        Memory of one batch as floats, in bytes, for each thread. The default keeps a
        batch in the cache, which is faster than a larger one.
    memory_bytes : int
        The streamed solver keeps a sparse copy of the features if they are sparse
        enough to be faster that way (at most 12 % of them non-zero) and the copy
        (8 bytes for a non-zero count, 12 for float64) is at most this large.
        0 forbids it.
    tol : float
        Stop when the gradient's norm is at most `tol` times that at zero weights.
    max_iter : int
        Largest number of Newton steps.
    n_jobs : int, optional
        Threads of the streamed solver, as in joblib. The result does not depend on it.
    random_state : int, RandomState or None
        Passed to liblinear; the streamed solver draws no random numbers.
    fit_intercept : bool
        Whether each class has a (regularized) intercept.
    callback : callable, optional
        Called as ``callback(iteration, objective)`` after each Newton step of the
        streamed solver.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Sorted labels.
    coef_ : ndarray, shape (n_classes, n_features), or (1, n_features) for two classes
        Weights of the transformed, unscaled counts.
    intercept_ : ndarray, shape (n_classes,) or (1,)
        Intercepts.
    scale_ : ndarray, shape (n_features,)
        What the transformed counts were divided by.
    objective_ : float
        Sum of the objectives of all classes at the solution; NaN with liblinear.
    solver_ : str
        Solver used.
    n_iter_ : int
        Number of Newton steps.
    n_features_in_ : int
        Number of features.

    References
    ----------
    Fan et al. (2008), Journal of Machine Learning Research 9:1871-1874 (liblinear).
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "loss": ("squared_hinge",),
        "scale": ("max", "std", "none"),
        "count_transform": ("none", "sqrt"),
        "solver": ("auto", "liblinear", "streamed"),
    }
    rules: ClassVar[dict[str, Rule]] = {
        "C": POSITIVE,
        "tol": POSITIVE,
        "batch_bytes": COUNT,
        "max_iter": COUNT,
        "memory_bytes": NOT_NEGATIVE,
        "n_jobs": (
            "None or an integer other than 0",
            lambda v: v is None or (is_integer(v) and v != 0),
        ),
        "random_state": RANDOM_STATE,
        "fit_intercept": ("True or False", lambda v: isinstance(v, (bool, np.bool_))),
        "callback": ("None or a function", lambda v: v is None or callable(v)),
    }

    def __init__(
        self,
        C: float = 1e-3,
        loss: Literal["squared_hinge"] = "squared_hinge",
        scale: Literal["max", "std", "none"] = "max",
        count_transform: Literal["none", "sqrt"] = "none",
        solver: Literal["auto", "liblinear", "streamed"] = "auto",
        batch_bytes: int = BATCH_BYTES,
        memory_bytes: int = 600 * 2**20,
        tol: float = 1e-3,
        max_iter: int = 50,
        n_jobs: int | None = None,
        random_state: Any = None,
        fit_intercept: bool = True,
        callback: Progress | None = None,
    ) -> None:
        self.C = C
        self.loss = loss
        self.scale = scale
        self.count_transform = count_transform
        self.solver = solver
        self.batch_bytes = batch_bytes
        self.memory_bytes = memory_bytes
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.fit_intercept = fit_intercept
        self.callback = callback

    def fit(self, X: ArrayLike, y: ArrayLike) -> LinearReadout:
        """Learn from labelled features.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Features, usually uint8 or uint16 counts.
        y : array-like, shape (n_samples,)
            Labels.

        Returns
        -------
        LinearReadout
            This object.

        Raises
        ------
        ValueError
            If a parameter or a feature is out of range, sizes disagree, or there are
            fewer than two classes.
        """
        self.check_parameters()
        source, labels = checked_examples(self, X, y)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        check_classes(self, self.classes_)
        self.solver_ = self._resolved_solver(source)
        blocks = self._prepared(feature_blocks(source, **self._block_options()))
        if self.solver_ == "liblinear":
            return self._fit_liblinear(blocks, codes)
        self._fit_streamed(blocks, codes)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return signed scores.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_samples, n_classes), or (n_samples,) for two classes
            Larger is more certain; with two classes, positive is the second.

        Raises
        ------
        ValueError
            If the number of features differs, or a feature is out of range.
        """
        check_is_fitted(self)
        source = checked_features(self, X)
        return self._scores(feature_blocks(source, **self._block_options()))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the class with the highest score.

        Parameters
        ----------
        X : ndarray, memmap or h5py.Dataset, shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray, shape (n_samples,)
            Labels.
        """
        return self._labels(self.decision_function(X))

    def _labels(self, scores: np.ndarray) -> np.ndarray:
        if scores.ndim == 1:
            return self.classes_[(scores > 0).astype(int)]
        return self.classes_[scores.argmax(axis=1)]

    def _scores(self, blocks: FeatureBlocks) -> np.ndarray:
        products = blocks.forward(self.coef_.T).astype(np.float64)
        self._check_finite(products)
        scores = products + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def _resolved_solver(self, source: Any) -> str:
        if self.solver != "auto":
            return self.solver
        small = source.shape[0] * source.shape[1] <= LIBLINEAR_ENTRIES
        return "liblinear" if small else "streamed"

    def _block_options(self) -> dict[str, Any]:
        return {
            "sqrt": self.count_transform == "sqrt",
            "batch_bytes": self.batch_bytes,
            "n_jobs": self.n_jobs,
        }

    def _prepared(self, blocks: FeatureBlocks) -> FeatureBlocks:
        """Set the scale; return blocks in the form in which the solver reads them."""
        found = blocks.statistics()
        self._check_finite(found.mean)
        spread = {"max": found.maximum, "std": found.sd}.get(
            self.scale, np.ones(blocks.n_features)
        )
        self.scale_ = np.where(spread > 0, spread, 1).astype(np.float64)
        if self.solver_ == "liblinear":
            return blocks
        return blocks.cache_sparse(found.density, self.memory_bytes)

    def _fit_streamed(
        self, blocks: FeatureBlocks, codes: np.ndarray, start: np.ndarray | None = None
    ) -> Solution:
        signs = one_vs_rest(codes, len(self.classes_)).astype(blocks.dtype)
        problem = SquaredHinge(blocks, signs, self.scale_, self.C, self.fit_intercept)
        found = solve(
            problem,
            start=start,
            tol=self.tol,
            max_iter=self.max_iter,
            callback=self.callback,
        )
        self.coef_ = (found.weights[:-1] / self.scale_[:, None]).T.copy()
        self.intercept_ = found.weights[-1].copy()
        self.objective_, self.n_iter_ = found.objective, found.n_iter
        return found

    def _fit_liblinear(self, blocks: FeatureBlocks, codes: np.ndarray) -> LinearReadout:
        features = [blocks.dense(k) for k in range(len(blocks.blocks))]
        from sklearn.svm import LinearSVC  # a quarter of a second, and rarely needed

        machine = LinearSVC(
            C=self.C,
            dual=False,
            tol=self.tol,
            max_iter=self.max_iter,
            fit_intercept=self.fit_intercept,
            random_state=self.random_state,
        ).fit(np.concatenate(features, dtype=np.float64) / self.scale_, codes)
        self.coef_ = machine.coef_ / self.scale_
        self.intercept_ = np.broadcast_to(machine.intercept_, len(machine.coef_)).copy()
        self.objective_, self.n_iter_ = float("nan"), int(machine.n_iter_)
        return self


def one_vs_rest(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Return targets -1 or 1, shape (n_samples, n_classes), or one column for two."""
    columns = np.arange(n_classes) if n_classes > 2 else np.array([1])
    return np.where(codes[:, None] == columns, 1.0, -1.0)
