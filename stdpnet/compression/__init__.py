"""Fewer synapses and fewer values of weights, while a network learns or afterwards.

Weights are arrays of any shape whose last axis is the target neuron or feature
map; a mask of the same shape says which synapses are kept.
"""

from stdpnet.compression.pruning import PruningSchedule as PruningSchedule
from stdpnet.compression.pruning import prune_to as prune_to
from stdpnet.compression.pruning import random_mask as random_mask
from stdpnet.compression.quantization import (
    QuantizationSchedule as QuantizationSchedule,
)
from stdpnet.compression.schedule import Schedule as Schedule
