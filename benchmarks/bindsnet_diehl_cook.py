"""BindsNET on the network of Diehl & Cook, timed in a process of its own.

    python benchmarks/bindsnet_diehl_cook.py [--neurons 400] [--batch 1]
        [--examples N] [--images FILE.npy] [--json]

`DiehlAndCook2015` with the settings and the loop of BindsNET's own
``batch_eth_mnist.py``, shown 350 steps of 1 ms: encode, run, reset, on one
thread, learning on. Pixels are Poisson rates of up to 128 Hz. Only the spikes
of the excitatory neurons are recorded, the example's voltages and plots are
left out. Times are medians over batches. Without BindsNET: exit status 2.

A torchvision whose compiled part was built for another torch does not import.
BindsNET needs none of that part, so the two operators that stop the import are
declared then, without an implementation; nothing else is replaced.
"""

import argparse
import json
import sys
import time
from importlib.metadata import version
from statistics import median

import numpy as np

STEPS, DT = 350, 1.0  # ms a step
INTENSITY = 128.0  # Hz, of a white pixel
#: Batches before those that count.
WARM_UP = 2


def import_bindsnet() -> None:
    """Import BindsNET, or end the program with one line that says why not."""
    try:
        import torch

        try:
            import torchvision  # noqa: F401
        except RuntimeError:  # "operator torchvision::nms does not exist"
            boxes = "Tensor dets, Tensor scores, float iou_threshold"
            for name in ("nms", "qnms"):
                torch.library.define(f"torchvision::{name}", f"({boxes}) -> Tensor")
        import bindsnet  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        why = str(error).partition("\n")[0]
        hint = "install it with: pip install bindsnet"
        print(f"BindsNET cannot be imported ({why}); {hint}", file=sys.stderr)
        sys.exit(2)


def strokes(n: int) -> np.ndarray:
    """Return n images (n, 28, 28), uint8, about as bright as MNIST's digits."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:28, :28]
    along = np.linspace(0, 1, 12)[:, None, None]
    pens = np.zeros((n, 28, 28))
    for pen in pens:
        for x0, y0, x1, y1 in rng.uniform(5, 22, (2, 4)):
            x, y = x0 + along * (x1 - x0), y0 + along * (y1 - y0)
            distance = np.hypot(columns - x, rows - y).min(axis=0)
            np.maximum(pen, np.clip(2.9 - distance, 0, 1), out=pen)
    return (255 * pens).astype(np.uint8)


def measure(images: np.ndarray, n_neurons: int, batch: int, n_batches: int) -> dict:
    """Train on the images and time it.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28)
        Shown in their order, from the start again when they run out.
    n_neurons : int
        Excitatory neurons; as many are inhibitory.
    batch : int
        Images shown at once.
    n_batches : int
        How many batches count, after `WARM_UP` others.

    Returns
    -------
    dict
        Per example: seconds, those of the processor and those of the encoding
        (both are part of the first), spikes of the inputs and of the neurons.
    """
    import torch
    from bindsnet.encoding import PoissonEncoder
    from bindsnet.models import DiehlAndCook2015
    from bindsnet.network.monitors import Monitor

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = DiehlAndCook2015(
        n_inpt=784, n_neurons=n_neurons, exc=22.5, inh=120, dt=DT, norm=78.4,
        nu=(1e-4, 1e-2), theta_plus=0.05, inpt_shape=(1, 28, 28),
    )  # fmt: skip
    output = Monitor(network.layers["Ae"], state_vars=["s"], time=STEPS)
    network.add_monitor(output, name="output")
    encoder = PoissonEncoder(time=STEPS, dt=DT)
    rates = torch.from_numpy(images[:, None] * np.float32(INTENSITY / 255))

    laps = []
    for number in range(WARM_UP + n_batches):
        shown = torch.arange(number * batch, (number + 1) * batch) % len(rates)
        start, processor = time.perf_counter(), time.process_time()
        spikes = torch.stack([encoder(rates[i]) for i in shown], dim=1)
        encoded = time.perf_counter()
        network.run(inputs={"X": spikes}, time=STEPS)
        fired = output.get("s").sum().item()
        network.reset_state_variables()
        end, processor_end = time.perf_counter(), time.process_time()
        times = (end - start, processor_end - processor, encoded - start)
        laps.append((*times, spikes.sum().item(), fired))
    names = "seconds", "cpu_seconds", "encoding_seconds", "input_spikes", "spikes"
    columns = zip(*laps[WARM_UP:], strict=True)
    return {
        name: median(column) / batch
        for name, column in zip(names, columns, strict=True)
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--neurons", type=int, default=400)
    parser.add_argument("--batch", type=int, default=1, help="images shown at once")
    parser.add_argument("--examples", type=int, help="to time, in whole batches")
    parser.add_argument("--images", type=np.load, help="uint8 (n, 28, 28), in .npy")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if given.examples is None:
        given.examples = max(20, 5 * given.batch)
    for name in ("neurons", "batch", "examples"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(given, name)}")
    return given


if __name__ == "__main__":
    args = arguments()
    import_bindsnet()
    pictures = strokes(200) if args.images is None else args.images
    n_batches = -(-args.examples // args.batch)
    result = measure(pictures, args.neurons, args.batch, n_batches)
    result |= {"batch": args.batch, "version": version("bindsnet")}
    if args.json:
        print(json.dumps(result))
    else:
        milliseconds = 1e3 * result["seconds"]
        print(f"BindsNET {result['version']}: {milliseconds:.1f} ms an example")
