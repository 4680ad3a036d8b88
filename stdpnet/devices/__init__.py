"""Devices: from the physics of one part to a table that a network neuron can use."""

from stdpnet.devices.dynamics import advance as advance
from stdpnet.devices.dynamics import simulate as simulate
from stdpnet.devices.fitting import LogisticCurve as LogisticCurve
from stdpnet.devices.fitting import fit_logistic as fit_logistic
from stdpnet.devices.fitting import wilson_interval as wilson_interval
from stdpnet.devices.macrospin import Macrospin as Macrospin
from stdpnet.devices.samples import record_pulse as record_pulse
from stdpnet.devices.samples import sample_angles as sample_angles
from stdpnet.devices.switching import tabulate as tabulate
from stdpnet.devices.table import SwitchingTable as SwitchingTable
from stdpnet.devices.table import load_default_table as load_default_table
from stdpnet.devices.thermal import angle_density as angle_density
from stdpnet.devices.thermal import draw_resting as draw_resting
