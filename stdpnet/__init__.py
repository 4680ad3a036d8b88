"""Unsupervised STDP in shallow spiking networks, at native speed."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stdpnet.datasets import load_dataset as load_dataset
    from stdpnet.estimators.conv import ConvSTDP as ConvSTDP
    from stdpnet.estimators.fully_connected import (
        FullyConnectedSTDP as FullyConnectedSTDP,
    )
    from stdpnet.estimators.multimodal import MultimodalSTDP as MultimodalSTDP
    from stdpnet.estimators.spec import load_network as load_network
    from stdpnet.estimators.stack import ConvStack as ConvStack
    from stdpnet.estimators.stochastic_binary import (
        StochasticBinarySTDP as StochasticBinarySTDP,
    )
    from stdpnet.models.parts import Again as Again
    from stdpnet.models.parts import Counter as Counter
    from stdpnet.models.parts import Input as Input
    from stdpnet.models.parts import Population as Population
    from stdpnet.models.parts import Projection as Projection
    from stdpnet.network import Network as Network
    from stdpnet.readout import LinearReadout as LinearReadout
    from stdpnet.readout import NeuronVoteClassifier as NeuronVoteClassifier
    from stdpnet.sweep import Sweep as Sweep

__version__ = "0.1.0"

_PUBLIC = {
    "Again": "stdpnet.models.parts",
    "ConvSTDP": "stdpnet.estimators.conv",
    "ConvStack": "stdpnet.estimators.stack",
    "Counter": "stdpnet.models.parts",
    "FullyConnectedSTDP": "stdpnet.estimators.fully_connected",
    "Input": "stdpnet.models.parts",
    "LinearReadout": "stdpnet.readout",
    "MultimodalSTDP": "stdpnet.estimators.multimodal",
    "Network": "stdpnet.network",
    "NeuronVoteClassifier": "stdpnet.readout",
    "Population": "stdpnet.models.parts",
    "Projection": "stdpnet.models.parts",
    "StochasticBinarySTDP": "stdpnet.estimators.stochastic_binary",
    "Sweep": "stdpnet.sweep",
    "load_dataset": "stdpnet.datasets",
    "load_network": "stdpnet.estimators.spec",
}
__all__ = [
    "Again",
    "ConvSTDP",
    "ConvStack",
    "Counter",
    "FullyConnectedSTDP",
    "Input",
    "LinearReadout",
    "MultimodalSTDP",
    "Network",
    "NeuronVoteClassifier",
    "Population",
    "Projection",
    "StochasticBinarySTDP",
    "Sweep",
    "load_dataset",
    "load_network",
]


def __getattr__(name: str) -> Any:
    """Import public names when they are asked for: ``stdpnet --help`` should not wait."""
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'stdpnet' has no attribute {name!r}")
