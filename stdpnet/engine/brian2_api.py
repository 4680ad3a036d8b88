"""The only file that touches Brian2's private interfaces.

Everything the engine needs beyond Brian2's documented API is here: groups
whose indices are computed by templates, the standalone device's run loop, and
the names of its array files. A new version of Brian2 is tried here first.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

SUPPORTED = ((2, 9), (2, 11))


def check_version() -> str:
    """Return Brian2's version.

    Raises
    ------
    ImportError
        If it is outside the supported range.
    """
    found = version("brian2")
    numbers = tuple(int(part) for part in found.split(".")[:2])
    low, high = SUPPORTED
    if not low <= numbers < high:
        wanted = f">={low[0]}.{low[1]},<{high[0]}.{high[1]}"
        raise ImportError(
            f"stdpnet works with Brian2 {wanted}, found {found}; "
            f"run: pip install 'brian2{wanted}'"
        )
    return found


check_version()

import brian2  # noqa: E402
import numpy as np  # noqa: E402
from brian2.codegen.generators.cpp_generator import c_data_type  # noqa: E402
from brian2.core.variables import Variables  # noqa: E402
from brian2.devices.cpp_standalone.codeobject import (  # noqa: E402
    CPPStandaloneCodeObject,
)
from brian2.devices.device import get_device, set_device  # noqa: E402
from brian2.groups.group import CodeRunner, Group  # noqa: E402
from brian2.synapses.synapses import Synapses  # noqa: E402

FLOATS = {"float32": np.float32, "float64": np.float64}
#: Variable with the neurons of a group that spike in a step; their number is last.
SPIKES = "_spikespace"
C_TYPES = {"float32": "float", "float64": "double"}


class Parts(Group):
    """Variables without a state update: parameters, kernels, computed indices."""

    def __init__(self, name: str, n: int = 1) -> None:
        self.codeobj_class = None
        super().__init__(name=name)
        self.variables = Variables(self)
        self.variables.add_constant("N", n)
        self._enable_group_attributes()


class SharedSynapses(Synapses):  # type: ignore[misc]
    """Synapses whose weights live in another group, several sharing one.

    Parameters
    ----------
    shared : dict
        Name here to (group, name there, index). Added before any code is checked.
    """

    def __init__(self, *args: Any, shared: dict[str, tuple], **kwds: Any) -> None:
        self._shared = shared
        super().__init__(*args, **kwds)

    def _create_variables(self, equations: Any, user_dtype: Any = None) -> None:
        super()._create_variables(equations, user_dtype)
        for name, (group, there, index) in self._shared.items():
            self.variables.add_reference(name, group, there, index=index)


def add_scalar(group: Any, name: str, unit: str, dtype: str) -> None:
    """Give a group a shared parameter that a run may set."""
    dimensions = brian2.Quantity(1).dim
    if unit != "1":
        dimensions = eval_unit(unit)
    group.variables.add_array(
        name,
        size=1,
        dimensions=dimensions,
        dtype=FLOATS[dtype],
        constant=True,
        scalar=True,
    )


def eval_unit(unit: str) -> Any:
    """Return the dimensions of a unit that `stdpnet.units.brian2_unit` wrote."""
    from brian2.equations.unitcheck import parse_expression_dimensions  # noqa: F401

    dimension = brian2.Quantity(1)
    for factor in (
        unit.split("*") if "**" not in unit else unit.replace("**", "^").split("*")
    ):
        name, _, power = factor.partition("^")
        dimension = dimension * getattr(brian2, name) ** float(power or 1)
    return dimension.dim


def add_stored_index(group: Any, name: str, values: np.ndarray) -> None:
    """Give a group an index whose entries are stored."""
    group.variables.add_array(
        name, size=len(values), values=values, dtype=np.int32, constant=True
    )


def add_array(group: Any, name: str, size: int, dtype: Any, index: str) -> None:
    """Give a group an array that is reached through a computed index."""
    group.variables.add_array(name, size=size, dtype=dtype, index=index)


def add_index(group: Any, name: str) -> None:
    """Declare an index that a template computes; its one stored entry is unused."""
    group.variables.add_array(name, size=1, dtype=np.int32, constant=True)


def compute_besides(thresholder: Any, name: str, expression: str, dtype: Any) -> None:
    """Let a thresholder's code compute another value besides its condition."""
    thresholder.variables.add_auxiliary_variable(name, dtype=dtype)
    before = thresholder.update_abstract_code

    def with_value(run_namespace: Any) -> None:
        before(run_namespace)
        thresholder.abstract_code += f"\n{name} = {expression}"
        thresholder.user_code = thresholder.abstract_code

    thresholder.update_abstract_code = with_value


def refer(
    group: Any, name: str, other: Any, there: str = "", index: str | None = None
) -> None:
    """Let statements of a group see a variable of another group."""
    group.variables.add_reference(name, other, there or name, index=index)


def see_spikes(group: Any, name: str, other: Any) -> None:
    """Give a group the list of neurons of another group that spike in a step."""
    refer(group, name, other, SPIKES, "0")


def has_variable(group: Any, name: str) -> bool:
    """Say whether statements of a group see a variable."""
    return name in group.variables


def get_values(group: Any, name: str) -> np.ndarray:
    """Return all stored values of a variable, without units."""
    return np.asarray(group.variables[name].get_value())


def set_values(group: Any, name: str, values: Any) -> None:
    """Set all stored values of a variable, in SI units."""
    group.variables[name].set_value(values)


def c_type(group: Any, name: str) -> str:
    """Return the C++ type of a variable's entries."""
    return str(c_data_type(group.variables[name].dtype))


def c_name(group: Any, name: str) -> str:
    """Return the name of a variable's array in the generated code."""
    return str(get_device().get_array_name(group.variables[name]))


def use_template(part: Any, template: str, **values: Any) -> None:
    """Generate the code of a part of a group from a template of ours."""
    part.template = template
    part.template_kwds = {**(part.template_kwds or {}), **values}


def on_spike(group: Any, statements: str, **options: Any) -> Any:
    """Return what runs statements for the neurons that spike, as Brian2's resets."""
    return CodeRunner(
        group,
        "reset",
        code=statements,
        needed_variables=[SPIKES],
        template_kwds={"eventspace_variable": group.variables[SPIKES]},
        **options,
    )


def crossed(group: Any, event: str) -> np.ndarray:
    """Return the neurons for which a custom event happens in this step."""
    values = get_values(group, f"_{event}space")
    return values[: values[-1]]


def use_templates(folder: Path) -> None:
    """Let standalone code objects find the templates in a folder of stdpnet."""
    CPPStandaloneCodeObject.templater = CPPStandaloneCodeObject.templater.derive(
        "stdpnet.engine", templates_dir=folder.name
    )


def start_standalone() -> Any:
    """Activate the C++ standalone device without an automatic build."""
    set_device("cpp_standalone", build_on_run=False)
    return get_device()


def replace_run_loop(device: Any, loop: str) -> None:
    """Call `loop` where the standalone program would call ``Network.run``."""
    function, (network, lines) = device.main_queue[-1]
    run_call = f"{network.name}.run("
    if function != "run_network" or not any(
        line.startswith(run_call) for line in lines
    ):
        raise RuntimeError("Brian2's standalone program has an unknown run loop")
    lines[:] = [
        loop.format(network=network.name) if line.startswith(run_call) else line
        for line in lines
    ]


def array_files(device: Any, groups: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return file name, type and size of every stored variable, by "group.name"."""
    files = {}
    for group_name, group in groups.items():
        for name, variable in group.variables.items():
            if variable in device.arrays and variable.owner.name == group.name:
                files[f"{group_name}.{name}"] = {
                    "file": Path(device.get_array_filename(variable)).name,
                    "dtype": np.dtype(variable.dtype).name,
                    "size": int(variable.size),
                }
    return files


__all__ = [
    "C_TYPES",
    "FLOATS",
    "SPIKES",
    "CodeRunner",
    "Parts",
    "SharedSynapses",
    "add_array",
    "add_index",
    "add_scalar",
    "add_stored_index",
    "array_files",
    "brian2",
    "c_name",
    "c_type",
    "check_version",
    "compute_besides",
    "crossed",
    "get_values",
    "has_variable",
    "on_spike",
    "refer",
    "replace_run_loop",
    "see_spikes",
    "set_values",
    "start_standalone",
    "use_template",
    "use_templates",
]
