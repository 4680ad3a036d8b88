"""Every neuron: its equations, its threshold, and what a spike does to it."""

from stdpnet.models.neurons.adaptive import AdaptiveIF as AdaptiveIF
from stdpnet.models.neurons.adaptive import AdaptiveLIF as AdaptiveLIF
from stdpnet.models.neurons.adaptive import ConductanceLIF as ConductanceLIF
from stdpnet.models.neurons.base import NeuronModel as NeuronModel
from stdpnet.models.neurons.integrate import IF as IF
from stdpnet.models.neurons.integrate import LIF as LIF
from stdpnet.models.neurons.integrate import LatencyIF as LatencyIF
from stdpnet.models.neurons.integrate import SoftResetIF as SoftResetIF
from stdpnet.models.neurons.stochastic import AdaptiveSigmoid as AdaptiveSigmoid
from stdpnet.models.neurons.stochastic import MagnetoelectricLIF as MagnetoelectricLIF
from stdpnet.models.neurons.stochastic import SigmoidNeuron as SigmoidNeuron
from stdpnet.models.neurons.stochastic import StochasticBit as StochasticBit
from stdpnet.models.neurons.stochastic import StochasticNeuron as StochasticNeuron
