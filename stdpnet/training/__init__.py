"""From a specification and a data set to a finished run folder."""

from stdpnet.training.evaluation import evaluate as evaluate
from stdpnet.training.evaluation import load_banks as load_banks
from stdpnet.training.options import TrainOptions as TrainOptions
from stdpnet.training.train import TrainingInterrupted as TrainingInterrupted
from stdpnet.training.train import train as train
