"""Many runs of one specification: what is varied, who works on it, what came out."""

from stdpnet.sweep.frame import frame as frame
from stdpnet.sweep.options import SweepOptions as SweepOptions
from stdpnet.sweep.sweep import Sweep as Sweep
from stdpnet.sweep.sweep import SweepInterrupted as SweepInterrupted
