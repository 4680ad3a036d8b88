"""Runs of the reference network, presentation after presentation."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from stdpnet.engine.reference import ReferenceAssembly


def run_presentations(
    network: Any, assembly: ReferenceAssembly, n_examples: int, again: Any = None
) -> np.ndarray:
    """Run a network; return how often each example was shown.

    Parameters
    ----------
    again : (Again, callable), optional
        When an example is shown again; the numbers of spikes so far that count, of
        which each must be enough.
    """
    shown = np.ones(n_examples, np.uint32)
    if again is None:
        network.run(n_examples * assembly.clock.dt, namespace={})
    else:
        when, spikes = again
        for example in range(n_examples):
            for times in range(when.limit + 1):
                before = spikes()
                assembly.show(example, 1 + when.brighter * times)
                network.run(assembly.clock.dt, namespace={})
                if (spikes() - before >= when.spikes).all():
                    break
            shown[example] = times + 1
    end_last_presentation(assembly.clock, network.objects)
    return shown


def end_last_presentation(clock: Any, objects: Iterable[Any]) -> None:
    """Run what ends a presentation: Brian2 would with the first step of the next one."""
    ending = [part for part in objects if part.clock is clock and part.order < 0]
    for part in sorted(ending, key=lambda part: part.order):
        part.run()
