"""``stdpnet device``: from the physics of a part to a neuron of a network."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stdpnet.cli.options import JsonOption, examples, whole_option
from stdpnet.cli.output import print_json, print_pairs, print_table

if TYPE_CHECKING:
    from stdpnet.analysis.device_plots import DeviceNumbers
    from stdpnet.devices import LogisticCurve, Macrospin, SwitchingTable

HELP = "Devices: simulate the physics of a part, for the neurons of a network."
EPILOG = examples("stdpnet device magnetoelectric")

#: Specification of the network whose neurons are made of the device.
SPEC = "magnetoelectric"
#: Folder, and the files in it.
NAME, TABLE, FIGURE = "device-magnetoelectric", "table.json", "switching.png"
#: Voltages of a table.
N_VOLTAGES = 15


def magnetoelectric(
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help='Change one value of the magnet, such as temperature="350 K"; '
            "can be given many times (default: none).",
        ),
    ] = None,
    pulses: Annotated[
        list[str] | None,
        typer.Option(
            "--pulse",
            metavar="TIME",
            help='Length of a pulse, such as "1 ns"; can be given many times '
            "(default: 1 ns, 2 ns, 4 ns).",
        ),
    ] = None,
    low: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="VOLTAGE",
            help="Lowest voltage (default: 0.45 of what switches without heat).",
        ),
    ] = None,
    high: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="VOLTAGE",
            help="Highest voltage (default: 1.15 of what switches without heat).",
        ),
    ] = None,
    samples: Annotated[
        int, whole_option("--samples", 1, "Magnets for each voltage.")
    ] = 300,
    seed: Annotated[
        int, whole_option("--seed", 0, "Seed of all randomness.", metavar="S")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help=f"New folder (default: runs/{NAME}-N, the next free N).",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Simulate how likely a pulse switches a nanomagnet, and make a neuron of it.

    Writes a folder with the table of probabilities and a figure, and prints the
    command that trains a network of such neurons.
    """
    from stdpnet.analysis.device_plots import sample_device
    from stdpnet.runs import check_new_folder

    magnet = _magnet(settings or [])
    voltages_v = _voltages_v(magnet, low, high)
    check_new_folder(out, NAME)
    with _progress() as show:
        table = _tabulate(magnet, voltages_v, pulses, samples, seed, show)
        curves = _fit(table)
        show("figure", 0, 1)
        path = _write(sample_device(table, curves), out)
        show("figure", 1, 1)
    found = _found(table, curves, path)
    if json:
        print_json(found)
    else:
        _print(found)


def _magnet(settings: list[str]) -> "Macrospin":
    from stdpnet.devices import Macrospin
    from stdpnet.devices.thermal import check_warm
    from stdpnet.specs import read_settings

    values = read_settings(settings)
    Macrospin.check_names(values)
    magnet = Macrospin(**values)
    check_warm(magnet)
    return magnet


def _voltages_v(magnet: "Macrospin", low: str | None, high: str | None) -> Any:
    """Return the voltages of the table in volt, or None for those of the magnet."""
    import numpy as np

    from stdpnet.devices.switching import VOLTAGES

    if low is None and high is None:
        return None
    first, last = VOLTAGES[[0, -1]] * magnet.critical_voltage.value
    first = first if low is None else _volts("--from", low)
    last = last if high is None else _volts("--to", high)
    if not first < last:
        raise ValueError(
            f"--from must be below --to, got {first * 1e3:.4g} mV and {last * 1e3:.4g} mV"
        )
    return np.linspace(first, last, N_VOLTAGES)


def _volts(option: str, text: str) -> float:
    from stdpnet.units import as_quantity, volt

    asked = as_quantity(text)
    if asked.dimension != volt.dimension:
        raise ValueError(f"{option} must be a voltage like 300 mV, got {text}")
    return asked.value


def _tabulate(
    magnet: "Macrospin",
    voltages_v: Any,
    pulses: list[str] | None,
    samples: int,
    seed: int,
    show: Callable[[str, int, int], None],
) -> "SwitchingTable":
    from stdpnet.devices import tabulate
    from stdpnet.devices.switching import PULSES
    from stdpnet.units import as_quantity

    lengths = [as_quantity(pulse) for pulse in pulses or PULSES]
    return tabulate(
        magnet,
        voltages_v=voltages_v,
        pulses=sorted(lengths, key=lambda length: length.value),
        n_samples=samples,
        seed=seed,
        progress=lambda done, total: show("pulses", done, total),
    )


def _fit(table: "SwitchingTable") -> "dict[float, LogisticCurve]":
    """Return a curve for each pulse length, in nanoseconds, where one fits."""
    from stdpnet.units import second

    curves = {}
    for pulse_ns in table.pulses_ns.tolist():
        try:
            curves[pulse_ns] = table.fit(pulse_ns * 1e-9 * second)
        except ValueError as error:
            warnings.warn(
                f"pulses of {pulse_ns:g} ns: {error} (--from, --to)", stacklevel=2
            )
    return curves


# -- the folder -------------------------------------------------------------------


def _write(numbers: "DeviceNumbers", path: Path | None) -> Path:
    """Write the folder and return it."""
    from stdpnet.analysis.device_plots import draw_device
    from stdpnet.analysis.drawing import save_drawing
    from stdpnet.runs import write_folder

    def fill(folder: Path) -> None:
        numbers.table.save(folder / TABLE)
        save_drawing(draw_device(numbers), folder / FIGURE)

    return write_folder(fill, path, NAME)


# -- what is shown ----------------------------------------------------------------


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show bars with the time left; yields a function of text, done and total."""
    from stdpnet.estimators.show import progress_bar

    bars = progress_bar()
    tasks: dict[str, Any] = {}
    with ExitStack() as shown:

        def show(text: str, done: int, total: int) -> None:
            if not tasks:  # errors at the start are to be one line
                shown.enter_context(bars)
            if text not in tasks:
                tasks[text] = bars.add_task(text, total=total)
            bars.update(tasks[text], completed=done)

        yield show


def _found(
    table: "SwitchingTable", curves: "dict[float, LogisticCurve]", path: Path
) -> dict[str, Any]:
    return {
        "path": path,
        "table": path / TABLE,
        "figure": path / FIGURE,
        "curves": [
            {
                "pulse_ns": pulse_ns,
                "v_half_mv": curve.v_half.value * 1e3,
                "v_width_mv": curve.v_width.value * 1e3,
                "residual": curve.residual,
            }
            for pulse_ns, curve in curves.items()
        ],
        "next": _next(next(iter(curves.values()), None)),
    }


def _next(curve: "LogisticCurve | None") -> str | None:
    """Return the command that trains a network, if it takes a voltage to switch."""
    from stdpnet.config import from_dict
    from stdpnet.models.neurons import NeuronModel
    from stdpnet.specs import load_spec

    if curve is None or curve.v_half.value <= 0:
        return None
    neuron = from_dict(NeuronModel, load_spec(SPEC)["neuron"])
    # As many inputs as before are to reach the voltage of half probability.
    v_unit = curve.v_half * (neuron.v_unit / neuron.v_half)
    values = {"v_half": curve.v_half, "v_width": curve.v_width, "v_unit": v_unit}
    settings = (
        f'--set "neuron.{name}={value.value * 1e3:.4g} mV"'
        for name, value in values.items()
    )
    return " ".join([f"stdpnet train {SPEC}", *settings])


def _print(found: Mapping[str, Any]) -> None:
    if found["curves"]:
        print_table(
            ("pulse", "v_half", "v_width", "residual"),
            (
                (
                    f"{curve['pulse_ns']:g} ns",
                    f"{curve['v_half_mv']:.1f} mV",
                    f"{curve['v_width_mv']:.1f} mV",
                    f"{curve['residual']:.3f}",
                )
                for curve in found["curves"]
            ),
        )
    names = ("table", "figure", "next")
    print_pairs({name: found[name] for name in names if found[name]})


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "magnetoelectric": (
        magnetoelectric,
        examples(
            "stdpnet device magnetoelectric",
            'stdpnet device magnetoelectric --set temperature="350 K" --pulse "1 ns"',
        ),
    ),
}
