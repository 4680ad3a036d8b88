"""The network of Diehl & Cook (2015) in ordinary Brian2, without stdpnet's engine.

    python benchmarks/plain_diehl_cook.py time --examples 60 [--weights FILE.npz]
    python benchmarks/plain_diehl_cook.py train --images 5000 --out FILE.npz
    python benchmarks/plain_diehl_cook.py score FILE.npz --images 2000
    python benchmarks/plain_diehl_cook.py replay FILE.npz --out FILE.npz

Equations, constants and protocol are those of the code released with
doi:10.3389/fncom.2015.00099 (github.com/peter-u-diehl/stdp-mnist), but inputs
have no delays and potentials start at rest. Times exclude compilation. Weights
are saved as (inputs, neurons), theta in volts: a neuron spikes above theta - 72 mV.
`margin` presentations are run for an image in the mean, as dim ones are repeated.
`replay` reads ``times_step``, ``indices``, ``weights``, ``theta``, ``n_steps`` and
any other argument of the function `replay`.
"""

import argparse
import json
import tempfile
import time
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV, second

from stdpnet.datasets import load_dataset

DT = 0.5 * ms
STEPS = 1000  # of a presentation: 350 ms of input, 150 ms of rest
TAU_THETA = 1e7 * ms
PLASTICITY = {
    "tau_pre": 20 * ms, "tau_fast": 20 * ms, "tau_slow": 40 * ms,
    "nu_pre": 1e-4, "nu_post": 1e-2, "w_max": 1.0,
}  # fmt: skip
EXCITATORY = {
    "v_rest": -65 * mV, "v_reset": -65 * mV, "v_th": -72 * mV, "tau_m": 100 * ms,
    "e_exc": 0 * mV, "e_inh": -100 * mV, "tau_e": 1 * ms, "tau_i": 2 * ms,
    "tau_theta": TAU_THETA, "theta_plus": 0.05 * mV,
}  # fmt: skip
INHIBITORY = {
    "v_rest": -60 * mV, "v_reset": -45 * mV, "v_th": -40 * mV, "tau_m": 10 * ms,
    "e_exc": 0 * mV, "e_inh": -85 * mV, "tau_e": 1 * ms, "tau_i": 2 * ms,
}  # fmt: skip
MEMBRANE = """
dv/dt = (v_rest - v + g_e*(e_exc - v) + g_i*(e_inh - v)) / tau_m : volt (unless refractory)
dg_e/dt = -g_e / tau_e : 1
dg_i/dt = -g_i / tau_i : 1
"""
ADAPTATION = """
dtheta/dt = -theta / tau_theta : volt
dfast/dt = -fast / tau_fast : 1
dslow/dt = -slow / tau_slow : 1
total : 1
"""
TRACE = "\ndx/dt = -x / tau_pre : 1"
PRESENTER = "example : integer\nrepeats : integer\nn_spikes : integer"
INPUT = "rate : Hz\nexample : integer (linked)\nrepeats : integer (linked)"
SHOW = "rate = pixels(example*second, i)*(2 + repeats)*int(t_in_timesteps % 10 < 7)"
NEXT_PRESENTATION = """
done = int(n_spikes >= 5 or repeats >= 20)
example += done
repeats = (repeats + 1) * (1 - done)
n_spikes = 0
"""


def add_inputs(
    net: b2.Network, n: int, model: str, threshold: str, learning: bool, **more: Any
) -> b2.NeuronGroup:
    """Add inputs with a trace to a network and return them."""
    inputs = b2.NeuronGroup(
        n, model + TRACE * learning, "exact",
        threshold=threshold, reset="x = 1" * learning,
        namespace=PLASTICITY | more, name="inputs",
    )  # fmt: skip
    if learning:  # an input counts that spikes in the very step of a neuron's spike
        inputs.resetter["spike"].when = "before_synapses"
    net.add(inputs)
    return inputs


def add_neurons(
    net: b2.Network,
    weights: np.ndarray,
    theta: np.ndarray,
    learning: bool,
    *,
    inhibition: str = "explicit",
    total: float = 78.0,
    presentation_steps: int = STEPS,
) -> b2.NeuronGroup:
    """Add neurons and synapses to a network that has its inputs.

    Parameters
    ----------
    net : Network
        Has ``inputs``.
    weights : ndarray, shape (n_inputs, n_neurons)
        Afferent weights.
    theta : ndarray, shape (n_neurons,)
        Adaptive part of the thresholds, volts.
    learning : bool
        Whether weights and thresholds change.
    inhibition : {"explicit", "direct"}
        By a population of inhibitory neurons, or from neuron to neuron.
    total : float
        Sum of a neuron's weights at the start of a presentation.
    presentation_steps : int
        Time steps of a presentation.

    Returns
    -------
    NeuronGroup
        The excitatory neurons.
    """
    model, on_pre, on_post, reset = "theta : volt", "g_e_post += w", None, "v = v_reset"
    if learning:  # the reset comes after the synapses, they see the old fast and slow
        model = ADAPTATION
        on_pre += "; w = clip(w - nu_pre * fast_post, 0, w_max)"
        on_post = "w = clip(w + nu_post * x_pre * slow_post, 0, w_max)"
        reset += "; theta += theta_plus; fast = 1; slow = 1"
    exc = b2.NeuronGroup(
        weights.shape[1], MEMBRANE + model, "exponential_euler",
        threshold="v > theta + v_th", reset=reset, refractory=5 * ms,
        namespace=EXCITATORY | PLASTICITY,
    )  # fmt: skip
    exc.v, exc.theta = EXCITATORY["v_rest"], theta * b2.volt
    constants = PLASTICITY | {"sum_of_weights": total}
    afferents = b2.Synapses(
        net["inputs"], exc, "w : 1", on_pre=on_pre, on_post=on_post,
        namespace=constants, name="afferents",
    )  # fmt: skip
    afferents.connect()
    afferents.w = weights.ravel()
    if learning:
        each = presentation_steps * DT
        exc.run_regularly("total = 0", dt=each, order=1)
        afferents.run_regularly("total_post += w", dt=each, order=2)
        afferents.run_regularly("w *= sum_of_weights / total_post", dt=each, order=3)
    source = exc
    if inhibition == "explicit":
        source = b2.NeuronGroup(
            len(exc), MEMBRANE, "exponential_euler",
            threshold="v > v_th", reset="v = v_reset", refractory=2 * ms,
            namespace=INHIBITORY,
        )  # fmt: skip
        source.v = INHIBITORY["v_rest"]
        excite = b2.Synapses(exc, source, on_pre="g_e_post += 10.4")
        excite.connect(j="i")
        net.add(source, excite)
    inhibit = b2.Synapses(source, exc, on_pre="g_i_post += 17.0")
    inhibit.connect("i != j")
    net.add(exc, afferents, inhibit, b2.SpikeMonitor(exc, name="spikes"))
    return exc


def results(net: b2.Network, exc: b2.NeuronGroup) -> dict[str, Any]:
    """Return weights and theta at the end, and the neurons' spikes."""
    return {
        "weights": np.array(net["afferents"].w).reshape(-1, len(exc)),
        "theta": np.array(exc.theta),
        "times_step": np.rint(np.asarray(net["spikes"].t / DT)).astype(int),
        "indices": np.array(net["spikes"].i),
    }


def replay(
    times_step: np.ndarray,
    indices: np.ndarray,
    weights: np.ndarray,
    theta: np.ndarray,
    *,
    n_steps: int,
    learning: bool = True,
    target: str = "numpy",
    **options: Any,
) -> dict[str, Any]:
    """Let inputs spike in given time steps, at runtime; see `add_neurons`, `results`."""
    b2.defaultclock.dt = DT
    b2.prefs.codegen.target = target
    net, n = b2.Network(), len(weights)
    inputs = add_inputs(net, n, "due : integer", "due == t_in_timesteps", learning)
    inputs.due = -1
    recording = b2.SpikeGeneratorGroup(n, indices, times_step * DT, when="start")
    relay = b2.Synapses(recording, inputs, on_pre="due_post = t_in_timesteps")
    relay.connect(j="i")
    relay.pre.when = "before_thresholds"  # no step later
    net.add(recording, relay)
    exc = add_neurons(net, weights, theta, learning, **options)
    net.run(n_steps * DT, namespace={})
    return results(net, exc)


def present(
    images: np.ndarray,
    weights: np.ndarray,
    theta: np.ndarray,
    *,
    n_presentations: int,
    learning: bool = True,
    target: str = "standalone",
    seed: int = 0,
    apart: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Show images in turn, each again and brighter until there are five spikes.

    After the last image nothing is shown: theta does not decay, weights have their sum.
    A process can have one standalone network. Returns, besides `results`,
    ``responses`` of shape (n_done, n_neurons), the spikes in the presentation of an
    image that counts; ``repeats`` of shape (n_done,); the number of ``presentations``
    of images; and ``ms_per_presentation`` of simulation, empty ones included. With
    `apart`, Brian2's ``run`` is called for each presentation, as many scripts do.
    """
    if target == "standalone":
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.prefs.codegen.cpp.extra_link_args = ["-ffast-math"]  # flushes denormals
    else:
        b2.prefs.codegen.target = target
    b2.defaultclock.dt = DT
    b2.seed(seed)
    net, length, n_pixels = b2.Network(), STEPS * DT, images[0].size
    presenter = b2.NeuronGroup(1, PRESENTER)
    presenter.example, presenter.n_spikes = -1, 5
    presenter.run_regularly(NEXT_PRESENTATION, dt=length)
    shown = ["example", "repeats"]
    log = b2.StateMonitor(presenter, shown, record=True, dt=length, when="end")

    # After the last image there is nothing to see.
    flat = np.vstack([images.reshape(-1, n_pixels), np.zeros(n_pixels)])
    pixels = b2.TimedArray(flat / 8 * Hz, dt=1 * second)
    chance = "rate > 0*Hz and rand() < rate*dt"
    inputs = add_inputs(net, n_pixels, INPUT, chance, learning, pixels=pixels)
    for name in shown:
        setattr(inputs, name, b2.linked_var(presenter, name))
    inputs.run_regularly(SHOW, dt=length / 10, order=1)
    exc = add_neurons(net, weights, theta, learning, **options)
    counting = b2.Synapses(exc, presenter, on_pre="n_spikes_post += 1")
    counting.connect()
    net.add(presenter, log, counting)

    with tempfile.TemporaryDirectory() as folder:
        pieces = n_presentations if apart else 1
        start = time.perf_counter()
        for _ in range(pieces):
            net.run(n_presentations / pieces * length, namespace={})
        seconds = time.perf_counter() - start
        if target == "standalone":
            b2.device.build(directory=folder, with_output=False)
        result = results(net, exc)
        example, repeats = log.example[0], log.repeats[0]
    counts = np.zeros((n_presentations, len(exc)), np.uint16)
    np.add.at(counts, (result["times_step"] // STEPS, result["indices"]), 1)
    # An image is done when the next is shown; of its presentations the last counts.
    ends = np.flatnonzero(np.diff(example, append=example[-1] + (counts[-1].sum() > 4)))
    ends, empty = ends[example[ends] < len(images)], sum(example >= len(images))
    result["theta"] *= np.exp(empty * learning * float(length / TAU_THETA))
    result["responses"], result["repeats"] = counts[ends], repeats[ends]
    result["presentations"] = n_presentations - empty
    if not apart:  # of one long run without its preparation
        seconds = b2.device._last_run_time
    result["ms_per_presentation"] = seconds / n_presentations * 1e3
    return result


def classify(responses: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the class whose neurons spike most in the mean, for every response."""
    kinds = np.unique(classes)
    means = [responses[:, classes == kind].mean(axis=1) for kind in kinds]
    return kinds[np.argmax(means, axis=0)]


def show_mnist(args: argparse.Namespace) -> dict[str, Any]:
    """Time, train or score: show MNIST to a network from a file, or to a new one."""
    data, rng = load_dataset("mnist", download=False), np.random.default_rng(args.seed)
    learning = args.command != "score"
    n = args.images if learning else args.label_images
    order = rng.permutation(len(data.X_train))[:n]
    images, truth = data.X_train[order], np.asarray(data.y_test)[: args.images]
    if not learning:
        images = np.concatenate([images, np.asarray(data.X_test)[: args.images]])
    weights = 0.3 * (rng.random((784, args.neurons)) + 0.01)
    theta = np.full(args.neurons, 0.020)
    if args.file:
        with np.load(args.file) as file:
            weights, theta = file["weights"], file["theta"]
    keys = ("seed", "target", "inhibition", "apart")
    options: dict[str, Any] = {key: getattr(args, key) for key in keys}
    options["n_presentations"] = int(np.ceil(len(images) * args.margin))
    result = present(images, weights, theta, learning=learning, **options)
    if not learning:
        labelling, answers = np.split(result["responses"], [n])
        used = labelling.any(axis=0)
        labels = classify(labelling[:, used].T, np.asarray(data.y_train)[order])
        right = classify(answers[:, used], labels) == truth[: len(answers)]
        result["accuracy"] = right.mean()
    return result | {"order": order}


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("command", choices=["time", "train", "score", "replay"])
    parser.add_argument("file", nargs="?", help="weights and theta, or what to replay")
    parser.add_argument("--weights", help="the same as FILE")
    parser.add_argument("--images", "--examples", type=int, default=60)
    for name, default in {"neurons": 400, "label-images": 2000, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--margin", type=float, help="presentations of an image")
    parser.add_argument("--target", default="standalone", help="or cython, or numpy")
    parser.add_argument(
        "--inhibition", default="explicit", choices=["explicit", "direct"]
    )
    parser.add_argument("--apart", action="store_true", help="a run a presentation")
    parser.add_argument("--out", help="where to save all results (.npz)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    args.margin = args.margin or (1.0 if args.command == "time" else 2.0)
    args.file = args.file or args.weights
    if args.command == "replay":
        with np.load(args.file) as file:
            job = {k: v if v.ndim else v.item() for k, v in file.items()}
    result = show_mnist(args) if args.command != "replay" else dict(replay(**job))
    if args.out:
        np.savez_compressed(args.out, **result)
    short = {key: float(value) for key, value in result.items() if np.ndim(value) == 0}
    short["theta_mv"] = result["theta"].mean() * 1e3
    if "responses" in result:
        short["images_done"] = len(result["responses"])
        short["spikes_per_image"] = result["responses"].sum(axis=1).mean()
        short["repeats"] = float(result["repeats"].sum())
    lines = [f"{key}: {value:.6g}" for key, value in short.items()]
    print(json.dumps(short) if args.json else "\n".join(lines))


if __name__ == "__main__":
    main()
