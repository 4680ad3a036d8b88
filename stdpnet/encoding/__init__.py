"""Images to spikes: filters give contrasts, codes turn contrasts into stimuli."""

from stdpnet.encoding.codes import NEVER as NEVER
from stdpnet.encoding.codes import Code as Code
from stdpnet.encoding.codes import Latency as Latency
from stdpnet.encoding.codes import Poisson as Poisson
from stdpnet.encoding.codes import PoissonFrames as PoissonFrames
from stdpnet.encoding.codes import RankOrder as RankOrder
from stdpnet.encoding.codes import count_blank as count_blank
from stdpnet.encoding.filters import DifferenceOfGaussians as DifferenceOfGaussians
from stdpnet.encoding.filters import Filter as Filter
from stdpnet.encoding.filters import Intensity as Intensity
from stdpnet.encoding.images import to_unit_range as to_unit_range
from stdpnet.encoding.pipeline import Encoding as Encoding
from stdpnet.encoding.whitening import Whitening as Whitening
from stdpnet.encoding.whitening import fit_zca as fit_zca
from stdpnet.encoding.windows import count_windows as count_windows
from stdpnet.encoding.windows import sample_windows as sample_windows
