"""What a stack tells of all its layers together."""

from typing import Any

from sklearn.utils.validation import check_is_fitted

from stdpnet.estimators.memory import Memory


class OverLayers:
    """The part of a `ConvStack` that sums up what its layers have learned."""

    layers: list[tuple[str, Any]]
    members_: dict[str, Any]

    def memory(self) -> Memory:
        """Return what all layers take for inference, as `save` stores them.

        Raises
        ------
        NotFittedError
            If nothing has been learned.
        """
        check_is_fitted(self, "members_")
        first, *others = (one.memory() for one in self.members_.values())
        return sum(others, first)

    @property
    def n_epochs(self) -> int:
        """How often `fit` shows every image, over all layers."""
        return sum(int(layer.n_epochs) for _, layer in self.layers)

    @property
    def has_started(self) -> bool:
        """Whether there is something learned, if only a start."""
        first = next(iter(getattr(self, "members_", {"": None}).values()))
        return first is not None and first.has_started

    @property
    def fitted_(self) -> bool:
        """Whether every layer has learned to its end."""
        members = getattr(self, "members_", {"": None})
        return all(getattr(one, "fitted_", False) for one in members.values())

    @property
    def converged_(self) -> bool:
        """Whether the kernels of every layer have converged."""
        return all(one.converged_ for one in self.members_.values())

    @property
    def n_shown_(self) -> int:
        """Images (or patches) shown while learning."""
        return self._sum("n_shown_")

    @property
    def n_images_shown_(self) -> int:
        """Images shown while learning."""
        return self._sum("n_images_shown_")

    @property
    def build_seconds_(self) -> float:
        """Seconds that building programs took."""
        return self._sum("build_seconds_")

    def _sum(self, name: str) -> Any:
        members = getattr(self, "members_", {})
        return sum(getattr(one, name, 0) for one in members.values())
