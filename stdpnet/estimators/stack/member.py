"""A layer of a stack: a `ConvSTDP` that sees the spikes of frozen layers."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from stdpnet.estimators.base import Progress
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.conv_layer import ConvLayer
from stdpnet.estimators.show import track
from stdpnet.estimators.stack.layer import Lower, StackLayer
from stdpnet.models.neurons import NeuronModel
from stdpnet.models.projections import Shape, SumPooling


@dataclass(frozen=True)
class Stage:
    """A fitted layer, and how those above get its spikes.

    Attributes
    ----------
    name : str
        Of the layer.
    estimator : ConvSTDP
        What has been learned.
    windows : SumPooling or None
        Pooling between this layer and the next.
    added : tuple of str
        Earlier layers whose spikes its kernels see besides.
    """

    name: str
    estimator: ConvSTDP
    windows: SumPooling | None
    added: tuple[str, ...]

    def lower(self, source: Shape) -> Lower:
        """Return the layer as others see it; `source` is what its kernels see."""
        one = self.estimator
        neuron = one._part("neuron", NeuronModel)
        if name := one.threshold_name():
            neuron = replace(
                neuron, **{name: getattr(neuron, name) * one.feature_scale}
            )
        inhibition = one._inhibition()
        if inhibition is not None and one.feature_winners is not None:
            inhibition = replace(inhibition, winners=one.feature_winners)
        convolution = one._convolution()
        return Lower(
            name=self.name,
            source=source,
            shape=convolution.target_shape(source, int(one.n_maps)),
            convolution=convolution,
            neuron=neuron,
            inhibition=inhibition,
            windows=self.windows,
            reading=one.reading(),
            added=self.added,
        )

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learned under the names of `Lower`."""
        found = {}
        for name, values in ConvSTDP._state(self.estimator).items():
            part, _, variable = name.partition(".")
            if part == "features":
                found[f"{self.name}.{variable}"] = values
        kernels = np.moveaxis(self.estimator.kernels_, 0, -1)
        return found | {f"{self.name}_kernels.w": kernels}


def lowers(stages: tuple[Stage, ...], image: Shape) -> tuple[Lower, ...]:
    """Return layers as others see them, on encoded images of a shape."""
    found: list[Lower] = []
    for stage in stages:
        found.append(stage.lower(found[-1].passed_on if found else image))
    return tuple(found)


class StackedConv(ConvSTDP):
    """A `ConvSTDP` whose kernels see the spikes of the layers below, in one program.

    The layers below do not change. It has no encoding of its own.

    Attributes
    ----------
    below_ : tuple of Stage
        The layers below, the first one first.
    added_, read_ : tuple of str
        Earlier layers whose spikes the kernels see besides, and layers whose counts
        are features too.
    pooler_ : NeuronModel
        Neuron of the pooling between layers.
    name_ : str
        Of this layer.
    """

    below_: tuple[Stage, ...]
    added_: tuple[str, ...] = ()
    read_: tuple[str, ...] = ()
    pooler_: NeuronModel
    name_: str

    @property
    def first_(self) -> ConvSTDP:
        """The layer that sees the images."""
        return self.below_[0].estimator

    def placed_as(self, other: "StackedConv") -> "StackedConv":
        """Give this layer the place of another one."""
        for name in ("below_", "added_", "read_", "pooler_", "name_"):
            if name in vars(other):
                setattr(self, name, getattr(other, name))
        return self

    def __sklearn_clone__(self) -> "StackedConv":
        return type(self)(**self.get_params(deep=False)).placed_as(self)

    def _resolved_part(self, name: str) -> Any:
        if name == "encoding":
            return self.first_._encoding()
        return super()._resolved_part(name)

    def _fitted_encoding(self, images: np.ndarray) -> dict[str, np.ndarray]:
        return self.first_.encoding_arrays_

    def layer(self) -> StackLayer:
        """Return this layer and those below, for the images it was fitted on."""
        height, width, channels = self.image_shape_
        image = (height, width, self._encoding().n_channels(channels))
        below = lowers(self.below_, image)
        own = super().layer()
        parts = {f.name: getattr(own, f.name) for f in fields(ConvLayer)}
        return StackLayer(
            **parts | {"inputs": below[-1].passed_on},
            image=image,
            below=below,
            added=self.added_,
            read=self.read_,
            pooler=self.pooler_,
        )

    def run_options(self) -> dict[str, Any]:
        """Return how long a presentation is: until the last spikes have come up."""
        n_steps = self.n_steps()
        return {"n_steps": n_steps + self.layer().delay, "n_input_steps": n_steps}

    def _state(self) -> dict[str, np.ndarray]:
        found = super()._state()
        for stage in self.below_:
            found |= stage.state()
        network = self.layer().network()
        for part in network.projections:
            if part.rule is None and f"{part.name}.w" not in found:
                # Additions and windows weigh one.
                ends = (network.shape(part.source), network.shape(part.target))
                shape = part.geometry.kernel_shape(*ends)
                found[f"{part.name}.w"] = np.ones(shape, self.dtype)
        return found

    def from_state(self, found: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return what a program left of this layer as attributes."""
        own = ("afferents.", "features.")
        return super().from_state(
            {name: values for name, values in found.items() if name.startswith(own)}
        )

    def _track(self, steps: Iterator[Progress], total: int) -> Iterator[Progress]:
        text = f"learning {self.name_}"
        return track(steps, total, text, self.verbose, self.n_images_shown_)
