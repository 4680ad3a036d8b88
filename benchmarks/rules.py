"""What each learning rule costs, on the same events, in one run.

    python benchmarks/rules.py [--examples N] [--repeats R]
        [--network NAME] [--json]

The network of ``bench.py`` (32 kernels 5x5 on 28x28x2 inputs, 30 steps, Poisson spikes,
the program alone, one core), once for every rule, with winner-take-all inhibition
(a neuron spikes once an example) and without. All rules start from the same kernels, of zeros and
ones so that any rule can have them, and learn at a rate of 1e-12: all see the
same spikes at the same synapses. They take turns within a repeat; times are
medians. `times` refers to the plainest deterministic rule that acts on the
same events: TraceSTDP (post spikes alone) or PairSTDP (pre and post spikes).
"""

import argparse
import json
import sys
import time
from statistics import median
from typing import Any

import numpy as np
from bench import images, one_core

from stdpnet.config import concrete_subclasses
from stdpnet.encoding import Encoding, Poisson
from stdpnet.engine.run import run_chunk
from stdpnet.estimators.conv import ConvSTDP
from stdpnet.estimators.learning import Learning, encode
from stdpnet.models.neurons import IF
from stdpnet.models.plasticity import HybridSTDP, PlasticityRule
from stdpnet.units import Hz

RATE = 1e-12
NETWORKS = {"winner-take-all": "winner-take-all", "no inhibition": None}
V_TH = 8.0


def rules() -> dict[str, PlasticityRule]:
    """Return every rule there is, and the other form of one that has two, by name."""
    found = {
        name: kind(learning_rate=RATE)
        for name, kind in concrete_subclasses(PlasticityRule).items()
        if kind.__module__.startswith("stdpnet.models.plasticity")
    }
    mini_batch = HybridSTDP(learning_rate=RATE, aggregate="mini-batch")
    return found | {"HybridSTDP, mini-batch": mini_batch}


def fits(rule: PlasticityRule, network: str) -> bool:
    """Say whether neurons spike as often as a rule needs."""
    return NETWORKS[network] is None or not rule.needs_two_spikes


def peer(rule: PlasticityRule) -> str:
    """Return the name of the rule that a rule is compared with."""
    return "PairSTDP" if rule.on_pre else "TraceSTDP"


def draws(rule: PlasticityRule) -> bool:
    """Say whether a rule draws random numbers."""
    return "rand" in rule.on_pre + rule.on_post + rule.on_end


def chunk_job(rule: PlasticityRule, network: str, data: np.ndarray) -> dict[str, Any]:
    """Return the arguments of `run_chunk` for one chunk of learning."""
    estimator = ConvSTDP(
        n_maps=32,
        kernel_size=5,
        presentation="30 ms",
        encoding=Encoding(code=Poisson(max_rate=300 * Hz)),
        neuron=IF(v_th=V_TH),
        rule=rule,
        inhibition=NETWORKS[network],
        random_state=0,
    ).fit(data[:4])
    learning = Learning(estimator)
    start = estimator.state()
    kernels = np.random.default_rng(0).random(start["afferents.w"].shape) < 0.3
    start["afferents.w"] = w = kernels.astype(start["afferents.w"].dtype)
    for name, values in rule.synapses(w).items():
        start[f"afferents.{name}"] = values
    return {
        "program": learning.program,
        "stimuli": {"inputs": encode(estimator, data)},
        "state": {name: v for name, v in start.items() if name in known(learning)},
        "parameters": learning.parameters,
        "n_steps": estimator.n_steps(),
        "seed": 1,
    }


def known(learning: Learning) -> set[str]:
    """Return the names of the state of a program."""
    return set(learning.program.state_shapes())


def measure(names: list[str], network: str, data: np.ndarray, repeats: int) -> dict:
    """Return the median milliseconds an example of each rule, and its events."""
    jobs = {
        name: chunk_job(rules()[name], network, data)
        for name in names
        if fits(rules()[name], network)
    }
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    events = {}
    for _ in range(repeats):
        for name, job in jobs.items():
            start = time.perf_counter()
            result = run_chunk(**job)
            seconds[name].append(time.perf_counter() - start)
            events[name] = result.events
    found = {}
    for name, times in seconds.items():
        rule = rules()[name]
        found[name] = {
            "ms": 1e3 * median(times) / len(data),
            "peer": peer(rule),
            "limit": 3.0 if draws(rule) else 1.5,
            "updates": events[name]["afferents.updates"] / len(data),
        }
    for row in found.values():
        row["times"] = row["ms"] / found[row["peer"]]["ms"]
    return found


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| rule | ms | times | its peer | at most | updates |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in found.items():
        lines.append(
            f"| {name} | {row['ms']:.3f} | {row['times']:.2f} | {row['peer']} "
            f"| {row['limit']:g} | {row['updates']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="rules (default: all)")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--network", choices=NETWORKS, help="(default: both)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    unknown = set(options.names) - set(rules())
    if unknown:
        parser.error(
            f"unknown rules: {', '.join(sorted(unknown))}; known: {', '.join(rules())}"
        )
    one_core()
    data, source = images(options.examples)
    print(f"images: {source}, {len(data)} examples", file=sys.stderr)
    peers = {peer(rules()[name]) for name in options.names}
    names = [n for n in rules() if not options.names or n in peers | {*options.names}]
    networks = [options.network] if options.network else list(NETWORKS)
    found = {n: measure(names, n, data, options.repeats) for n in networks}
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        print("\n\n".join(f"{n}:\n\n{table(rows)}" for n, rows in found.items()))


if __name__ == "__main__":
    main()
