"""Squared-hinge classifiers by a modified finite Newton method on streamed features."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from stdpnet.readout.blocks import FeatureBlocks

Progress: TypeAlias = Callable[[int, float], object]

N_CONJUGATE_GRADIENTS = 100
# A first solution on every eighth batch saves the early steps on all rows.
COARSE_STEP, MIN_COARSE_BLOCKS = 8, 64
# Below this relative decrease the objective is at the precision of its sums.
STALLED = {4: 1e-6, 8: 1e-12}
TINY = 1e-300


@dataclass
class Solution:
    """Weights (n_features + 1, n_columns) in scaled units, the last row the intercepts."""

    weights: np.ndarray
    objective: float
    n_iter: int


@dataclass(frozen=True)
class SquaredHinge:
    r"""One-vs-rest problems over the same features, with a regularized intercept.

    .. math::
        f(w_k) = \tfrac12 |w_k|^2
            + C \sum_i \max(0, 1 - y_{ik} \, w_k^T (x_i / s, 1))^2

    Parameters
    ----------
    blocks : FeatureBlocks
        Features x, shape (n_samples, n_features).
    signs : ndarray, shape (n_samples, n_columns)
        Targets y, -1 or 1.
    scale : ndarray, shape (n_features,)
        Divisors s of the features.
    C : float
        Weight of the loss.
    intercept : bool
        Whether the features are extended by a constant 1.
    """

    blocks: FeatureBlocks
    signs: np.ndarray
    scale: np.ndarray
    C: float
    intercept: bool

    def columns(self, chosen: np.ndarray) -> SquaredHinge:
        """Return the problems of some columns."""
        return SquaredHinge(
            self.blocks, self.signs[:, chosen], self.scale, self.C, self.intercept
        )

    def coarse(self, step: int) -> SquaredHinge:
        """Return the problem on every `step`-th batch, its loss weighted up."""
        rows = self.blocks.rows(step)
        C = self.C * self.blocks.n_samples / len(rows)
        return SquaredHinge(
            self.blocks.every(step), self.signs[rows], self.scale, C, self.intercept
        )

    def responses(self, weights: np.ndarray) -> np.ndarray:
        """Return the decision values, shape (n_samples, n_columns)."""
        if not weights.any():
            return np.zeros_like(self.signs)
        products = self.blocks.forward(weights[:-1] / self.scale[:, None])
        return products + weights[-1].astype(products.dtype)

    def slack(self, responses: np.ndarray) -> np.ndarray:
        """Return how far each decision value is on the wrong side of its margin."""
        return np.maximum(1 - self.signs * responses, 0)

    def objective(self, weights: np.ndarray, responses: np.ndarray) -> np.ndarray:
        """Return the objective of each column, shape (n_columns,)."""
        loss = np.square(self.slack(responses)).sum(axis=0, dtype=np.float64)
        return 0.5 * np.square(weights).sum(axis=0) + self.C * loss

    def gradient(self, weights: np.ndarray, responses: np.ndarray) -> np.ndarray:
        """Return the gradient, shape (n_features + 1, n_columns)."""
        residuals = self.signs * self.slack(responses)
        sums = residuals.sum(axis=0, dtype=np.float64)
        return weights - self._extended(self.blocks.backward(residuals), sums)

    def hessian_product(self, direction: np.ndarray, active: np.ndarray) -> np.ndarray:
        """Return the generalized Hessian times a direction, column by column."""
        scaled = direction[:-1] / self.scale[:, None]
        product, sums = self.blocks.curvature(scaled, direction[-1], active)
        return direction + self._extended(product, sums)

    def _extended(self, product: np.ndarray, sums: np.ndarray) -> np.ndarray:
        last = sums if self.intercept else np.zeros_like(sums)
        return 2 * self.C * np.vstack([product / self.scale[:, None], last])


def solve(
    problem: SquaredHinge,
    *,
    start: np.ndarray | None = None,
    tol: float = 1e-3,
    max_iter: int = 50,
    callback: Progress | None = None,
) -> Solution:
    """Minimize the objective of all columns together.

    Parameters
    ----------
    problem : SquaredHinge
    start : ndarray, shape (n_features + 1, n_columns), optional
        Weights to start from, in scaled units.
    tol : float
        Stop when the norm of each gradient is at most `tol` times that at zero.
    max_iter : int
        Largest number of Newton steps.
    callback : callable, optional
        Called as ``callback(iteration, objective)`` after each step.

    Returns
    -------
    Solution

    References
    ----------
    Keerthi and DeCoste (2005), Journal of Machine Learning Research 6:341-361: least
    squares on the rows inside the margin, then an exact line search. Here the least
    squares are solved loosely (conjugate gradients) and for all classes at once.
    """
    if start is None:
        start = _coarse_start(problem, tol, max_iter)
    state = _State(problem, start.copy(), tol)
    n_iter = 0
    while state.unfinished().size and n_iter < max_iter:
        n_iter += 1
        state.step()
        if callback is not None:
            callback(n_iter, float(state.values.sum()))
    if state.unfinished().size:
        warnings.warn(
            f"streamed readout stopped after max_iter={max_iter} steps; "
            "increase max_iter or tol, or lower C",
            ConvergenceWarning,
            stacklevel=4,
        )
    return Solution(state.weights, float(state.values.sum()), n_iter)


class _State:
    """Weights, decision values, gradients and objectives of all columns."""

    def __init__(self, problem: SquaredHinge, weights: np.ndarray, tol: float) -> None:
        self.problem, self.weights = problem, weights
        self.responses = problem.responses(weights)
        self.values = problem.objective(weights, self.responses)
        self.gradient = problem.gradient(weights, self.responses)
        self.reference = np.linalg.norm(self.gradient, axis=0)
        if weights.any():
            zeros = np.zeros_like(weights), np.zeros_like(self.responses)
            self.reference = np.linalg.norm(problem.gradient(*zeros), axis=0)
        self.tol, self.stalled = tol, np.zeros(len(self.values), bool)

    def ratios(self) -> np.ndarray:
        """Return the gradients' norms relative to those at zero weights."""
        return np.linalg.norm(self.gradient, axis=0) / np.maximum(self.reference, TINY)

    def unfinished(self) -> np.ndarray:
        """Return the columns to go on with."""
        return np.flatnonzero((self.ratios() > self.tol) & ~self.stalled)

    def step(self) -> None:
        """Take one Newton step in the unfinished columns."""
        k = self.unfinished()
        part, ratios = self.problem.columns(k), self.ratios()[k]
        weights, responses = self.weights[:, k], self.responses[:, k]
        change = _newton_step(part, weights, responses, self.gradient[:, k], ratios)
        self.weights[:, k] = weights = weights + change[0]
        responses = (responses + change[1]).astype(responses.dtype)
        self.responses[:, k] = responses
        values = part.objective(weights, responses)
        precision = STALLED[responses.itemsize]
        self.stalled[k] = self.values[k] - values <= precision * values
        self.values[k] = values
        self.gradient[:, k] = part.gradient(weights, responses)


def _coarse_start(problem: SquaredHinge, tol: float, max_iter: int) -> np.ndarray:
    if len(problem.blocks.blocks) < MIN_COARSE_BLOCKS:
        return np.zeros((problem.blocks.n_features + 1, problem.signs.shape[1]))
    coarse = problem.coarse(COARSE_STEP)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return solve(coarse, tol=max(tol, 1e-2), max_iter=max_iter).weights


def _newton_step(
    problem: SquaredHinge,
    weights: np.ndarray,
    responses: np.ndarray,
    gradient: np.ndarray,
    ratios: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the changes of weights and of decision values."""
    active = problem.signs * responses < 1
    forcing = np.minimum(0.3, np.sqrt(ratios))
    direction = _conjugate_gradients(problem, gradient, active, forcing)
    change = problem.responses(direction)
    length = _line_search(problem, weights, responses, direction, change)
    return direction * length, change * length


def _conjugate_gradients(
    problem: SquaredHinge, gradient: np.ndarray, active: np.ndarray, forcing: np.ndarray
) -> np.ndarray:
    """Solve hessian @ direction = -gradient to the relative accuracy `forcing`."""
    direction, residual = np.zeros_like(gradient), -gradient
    search, squares = residual.copy(), np.square(residual).sum(axis=0)
    goal = squares * forcing**2
    todo = np.arange(len(goal))
    for _ in range(N_CONJUGATE_GRADIENTS):
        p = search[:, todo]
        product = problem.columns(todo).hessian_product(p, active[:, todo])
        length = squares[todo] / np.einsum("ij,ij->j", p, product)
        direction[:, todo] += length * p
        residual[:, todo] -= length * product
        new = np.square(residual[:, todo]).sum(axis=0)
        search[:, todo] = residual[:, todo] + new / squares[todo] * p
        squares[todo] = new
        todo = todo[new > goal[todo]]
        if not todo.size:
            break
    return direction


def _line_search(
    problem: SquaredHinge,
    weights: np.ndarray,
    responses: np.ndarray,
    direction: np.ndarray,
    change: np.ndarray,
) -> np.ndarray:
    """Minimize along each column's direction by Newton steps inside a bracket."""
    along = np.einsum("ij,ij->j", weights, direction)
    squared = np.square(direction).sum(axis=0)
    length, low = np.ones(len(squared)), np.zeros(len(squared))
    high = np.full(len(squared), np.inf)
    for _ in range(30):
        slack = problem.slack(responses + (length * change).astype(change.dtype))
        pull = (problem.signs * slack * change).sum(axis=0, dtype=np.float64)
        stiffness = np.square(change * (slack > 0)).sum(axis=0, dtype=np.float64)
        slope = along + length * squared - 2 * problem.C * pull
        low = np.where(slope < 0, length, low)
        high = np.where(slope > 0, length, high)
        step = slope / np.maximum(squared + 2 * problem.C * stiffness, TINY)
        middle = np.where(np.isinf(high), 2 * length, (low + high) / 2)
        inside = (length - step >= low) & (length - step <= high)
        length = np.where(inside, length - step, middle)
        if np.all(np.abs(step) <= 1e-5 * length):
            break
    return length
