"""Read classes out of spike counts: neuron votes, linear and layered classifiers."""

from stdpnet.readout.linear import LinearReadout as LinearReadout
from stdpnet.readout.mlp import MLPReadout as MLPReadout
from stdpnet.readout.selection import ChosenC as ChosenC
from stdpnet.readout.selection import choose_C as choose_C
from stdpnet.readout.votes import NeuronVoteClassifier as NeuronVoteClassifier
from stdpnet.readout.votes import assign_labels as assign_labels
from stdpnet.readout.votes import class_means as class_means
from stdpnet.readout.votes import vote as vote
