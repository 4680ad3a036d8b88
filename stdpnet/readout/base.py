"""What readouts of transformed counts share."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from stdpnet.readout.checks import check_choice

Rule = tuple[str, Callable[[Any], bool]]


def is_number(value: Any) -> bool:
    """Say whether a value is a real number, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    """Say whether a value is an integer, and no truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_random_state(value: Any) -> bool:
    known = value is None or isinstance(value, np.random.RandomState)
    return known or (is_integer(value) and 0 <= value < 2**32)


POSITIVE: Rule = ("a finite number > 0", lambda v: is_number(v) and 0 < v < np.inf)
NOT_NEGATIVE: Rule = ("a number >= 0", lambda v: is_number(v) and v >= 0)
COUNT: Rule = ("an integer >= 1", lambda v: is_integer(v) and v >= 1)
RANDOM_STATE: Rule = ("None, an integer >= 0 or a RandomState", _is_random_state)


class CountReadout(ClassifierMixin, BaseEstimator):
    """A classifier of counts or their square roots, whose parameters are checked."""

    #: Values that a parameter can have.
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    #: What a parameter must be, and how to tell.
    rules: ClassVar[dict[str, Rule]] = {}

    count_transform: str

    def __sklearn_tags__(self) -> Any:
        """Say that square roots need non-negative features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.count_transform == "sqrt"
        return tags

    def check_parameters(self) -> None:
        """Raise ValueError for a parameter that cannot be used with any features.

        `fit` does this first. Call it to learn of a mistake before long work.
        """
        for name, choices in self.choices.items():
            check_choice(self, name, choices)
        for name, (rule, holds) in self.rules.items():
            value = getattr(self, name)
            if not holds(value):
                raise ValueError(
                    f"{type(self).__name__}.{name} must be {rule}, got {value!r}"
                )

    def _check_finite(self, found: np.ndarray) -> None:
        """Refuse features by what was computed of them: they are read only once."""
        if not np.isfinite(found).all():
            raise ValueError(
                "Negative values in data or NaN passed to "
                f"{type(self).__name__}: features must be finite, and >= 0 with "
                "count_transform='sqrt', got others with "
                f"count_transform={self.count_transform!r}; repair the features"
            )
