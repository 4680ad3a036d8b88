"""Programs of trials, compiled here and sent to workers elsewhere."""

from collections.abc import Iterable
from typing import Any

from stdpnet.datasets.paired import AnyDataset
from stdpnet.engine.compiler import find_compiler
from stdpnet.engine.shipping import install, packed
from stdpnet.estimators.spec import load_models, make_banks
from stdpnet.training.data import layers_of


class Programs:
    """Sends the program of each trial to all workers, once.

    Parameters
    ----------
    client : distributed.Client
        Of the workers.
    spec : str
        File of the specification.
    data : Dataset or PairedDataset
        Whose images say how large the network is.
    """

    def __init__(self, client: Any, spec: str, data: AnyDataset) -> None:
        self._client, self._spec, self._data = client, spec, data
        self._sent: set[str] = set()

    def send(self, overrides: Iterable[str]) -> None:
        """Build what a trial needs, if there is a compiler, and send it where it is not.

        A trial whose network cannot be built is left to a worker, which says why.
        """
        if find_compiler() is None:
            return
        try:
            banks = make_banks(load_models(self._spec, overrides), seed=0).values()
            for bank in banks:
                for layers in layers_of(bank, self._data.X_train):
                    self._send(packed(bank.program(layers)))
        except (ValueError, OSError):
            return

    def _send(self, program: tuple[str, bytes] | None) -> None:
        if program is not None and program[0] not in self._sent:
            self._sent.add(program[0])
            self._client.run(install, *program)
