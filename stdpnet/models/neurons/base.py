"""What every neuron says of itself; it runs nothing.

A neuron model is a frozen dataclass. Its class constants are Brian2 equations,
run as they stand here; its fields are the parameters, which enter the
equations as shared variables, so that changing one compiles nothing.
"""

from dataclasses import dataclass
from typing import ClassVar

from stdpnet.config import Parameters


@dataclass(frozen=True, kw_only=True)
class NeuronModel(Parameters, abstract=True):
    """Base of all neuron models.

    Subclasses set the class constants:

    equations : str
        Brian2 equations, one a line, with units.
    inputs : tuple of str
        What an arriving spike may add its weight to; the first is the default.
    per_map : tuple of str
        Variables that the neurons of one feature map share. In a dense
        population every neuron is a map of its own.
    precise : tuple of str
        Variables that are double in networks of single precision too, because they
        change by less than single precision sees.
    threshold, reset : str
        Condition for a spike, and what the neuron that spiked does.
    refractory : str
        Condition under which a neuron does not spike; equations marked
        ``(unless refractory)`` rest meanwhile. It applies after a spike only.
    start, end : str
        Statements before and after every presentation of an example.
    learning_parameters : tuple of str
        Parameters that are zero while learning is off.
    strength : str
        By what rivals are compared that cross in the same step, if their
        competition goes by it (`WinnerTakeAll.ties`).
    decays : tuple of str
        Parameters that are a fraction lost per presentation.
    spikes_once : bool
        Whether a neuron spikes at most once in a presentation.
    tables : dict of tuple
        Tabulated functions: ``name(x * second)`` is entry ``int(x)``.
    """

    kind: ClassVar[str] = "neuron"

    equations: ClassVar[str] = ""
    inputs: ClassVar[tuple[str, ...]] = ("v",)
    per_map: ClassVar[tuple[str, ...]] = ()
    precise: ClassVar[tuple[str, ...]] = ()
    threshold: ClassVar[str] = ""
    reset: ClassVar[str] = ""
    refractory: ClassVar[str] = ""
    start: ClassVar[str] = ""
    end: ClassVar[str] = ""
    learning_parameters: ClassVar[tuple[str, ...]] = ()
    strength: ClassVar[str] = "v"
    decays: ClassVar[tuple[str, ...]] = ()
    spikes_once: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """Name of the model in messages."""
        return type(self).__name__

    @property
    def tables(self) -> dict[str, tuple[float, ...]]:
        """Tabulated functions by name."""
        return {}

    def initial(self) -> dict[str, float]:
        """Return the values that variables of maps start from, where not zero."""
        return {}
