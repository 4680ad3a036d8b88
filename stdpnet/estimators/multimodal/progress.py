"""How far a `MultimodalSTDP` is, by the names that every network has."""

from typing import Any


class JointProgress:
    """The part of a `MultimodalSTDP` that training runs ask."""

    members_: dict[str, Any]
    n_pairs_shown_: int

    @property
    def has_started(self) -> bool:
        """Whether there is something learned, if only a start."""
        return hasattr(self, "members_")

    @property
    def fitted_(self) -> bool:
        """Whether `fit` came to its end."""
        return self.has_started and all(one.fitted_ for one in self.members_.values())

    @property
    def converged_(self) -> bool:
        """Whether learning stopped by itself in every modality."""
        return all(one.converged_ for one in self.members_.values())

    @property
    def n_images_shown_(self) -> int:
        """Pairs shown while learning."""
        return self.n_pairs_shown_

    @property
    def n_shown_(self) -> int:
        """Presentations while learning, repetitions counted."""
        return max(int(one.n_shown_) for one in self.members_.values())
