"""Every learning rule: its traces, and what a spike does to a weight."""

from stdpnet.models.plasticity.base import PlasticityRule as PlasticityRule
from stdpnet.models.plasticity.binary import HybridSTDP as HybridSTDP
from stdpnet.models.plasticity.binary import LongShortTermSTDP as LongShortTermSTDP
from stdpnet.models.plasticity.binary import StochasticSTDP as StochasticSTDP
from stdpnet.models.plasticity.binary import WindowSTDP as WindowSTDP
from stdpnet.models.plasticity.post import ExponentialSTDP as ExponentialSTDP
from stdpnet.models.plasticity.post import PowerLawSTDP as PowerLawSTDP
from stdpnet.models.plasticity.post import SimplifiedSTDP as SimplifiedSTDP
from stdpnet.models.plasticity.post import TraceSTDP as TraceSTDP
from stdpnet.models.plasticity.prepost import PairSTDP as PairSTDP
from stdpnet.models.plasticity.prepost import SymmetricSTDP as SymmetricSTDP
from stdpnet.models.plasticity.prepost import TripletSTDP as TripletSTDP
