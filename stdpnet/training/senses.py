"""A training run of several modalities: what each tells alone, and all together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import h5py
import numpy as np
from sklearn.base import clone

from stdpnet.datasets.paired import PairedDataset, Pairs
from stdpnet.estimators.multimodal import MultimodalSTDP
from stdpnet.estimators.multimodal.voting import shares
from stdpnet.estimators.spec import Readout, make_readout
from stdpnet.readout import NeuronVoteClassifier
from stdpnet.training import results
from stdpnet.training.job import TrainingJob, few_of
from stdpnet.training.scoring import Scores
from stdpnet.training.split import Split, is_labelled

Counts = Mapping[str, np.ndarray]
#: Group of ``run.h5`` with the predictions of every comparison, and of what is recalled.
SENSES, RECALL = "senses", "recall"
JOINED, APART, SHUFFLED = "joined", "not joined", "shuffled"


@dataclass(frozen=True)
class View:
    """Which modalities are given, to a model with which connections."""

    model: str
    given: tuple[str, ...]
    all_given: bool = True

    @property
    def name(self) -> str:
        """What tables and figures call it."""
        whom = "both" if len(self.given) == 2 else "all"
        if not self.all_given:
            whom = " and ".join(self.given) + " alone"
        return f"{whom}, {self.model}"


def views(names: Sequence[str]) -> Iterator[View]:
    """Yield what is compared: all modalities and each alone, joined or not."""
    for model in (JOINED, APART, SHUFFLED):
        yield View(model, tuple(names))
    for model in (APART, JOINED):
        for name in names:
            yield View(model, (name,), all_given=False)


def compared(joint: MultimodalSTDP, which: Sequence[str]) -> dict[str, MultimodalSTDP]:
    """Return a model as it is, without its connections, and with shuffled ones."""
    make = {
        JOINED: lambda: joint,
        APART: lambda: joint.copy().set_params(cross_scale=0.0),
        SHUFFLED: joint.shuffled,
    }
    return {name: make[name]() for name in which}


def score_views(
    readout: Readout,
    models: Mapping[str, MultimodalSTDP],
    wanted: Sequence[View],
    data: PairedDataset,
    split: Split,
) -> dict[str, Scores]:
    """Return scores of every view; labels of training pairs teach the readouts."""
    found: dict[str, Scores] = {}
    y_train, y_test = data.y_train[split.train], data.y_test[split.test]
    for model_name, model in models.items():
        train = model.counts(data.X_train[split.train].arrays())
        for view in (one for one in wanted if one.model == model_name):
            test = model.counts(_only(data.X_test[split.test], view.given))
            given = list(view.given)
            y_pred, labels = classify(readout, train, y_train, test, given)
            spikes = np.hstack(list(test.values()))
            found[view.name] = Scores(
                y_test, y_pred, split.test, spikes, neuron_labels=labels
            )
    return {view.name: found[view.name] for view in wanted}


def classify(
    readout: Readout, train: Counts, y: np.ndarray, test: Counts, given: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the classes of test counts, and the labels of neurons that vote.

    Neurons that vote give each modality one voice. A linear readout sees the counts of
    all modalities that are given side by side.
    """
    if not isinstance(readout, NeuronVoteClassifier):
        side_by_side = clone(readout).fit(np.hstack([train[name] for name in given]), y)
        return side_by_side.predict(np.hstack([test[name] for name in given])), None
    voters = {
        name: clone(readout).fit(shares(counts), y) for name, counts in train.items()
    }
    votes = sum(voters[name].votes(shares(test[name])) for name in given)
    labels = np.concatenate([voter.neuron_labels_ for voter in voters.values()])
    return np.unique(y)[np.asarray(votes).argmax(axis=1)], labels


def _only(pairs: Pairs, given: Sequence[str]) -> dict[str, np.ndarray]:
    arrays = pairs.arrays()
    return {name: arrays[name] for name in given}


class JointJob(TrainingJob):
    """A run of a network of several modalities."""

    data: PairedDataset  # type: ignore[assignment]

    @property
    def joint(self) -> MultimodalSTDP:
        """The network."""
        return self.banks["main"]

    def run(self) -> dict[str, Any]:
        """Learn, score and write ``run.h5``; return the numbers."""
        self._learn(self._shown())
        self.found = self._score_views()
        first = next(iter(self.found))
        self.scores = self.found[first]
        for name, scores in self.found.items():
            if name.endswith(SHUFFLED):
                self.control_scores = scores
        with self.folder.writing("run.h5") as file:
            results.write_banks(file, self.joint.members_, {}, {"main": self.joint})
            results.write_scores(file, self.scores, self.control_scores)
            first_name, first_data = next(iter(self.data.parts.items()))
            results.write_example(file, self.joint.members_[first_name], first_data)
            self._write_senses(file)
        return self._metrics() | {
            "accuracies": {name: one.accuracy for name, one in self.found.items()}
        }

    def learn_part(self, until: float) -> float | None:
        """Learn from a share of the pairs; return the accuracy, None at the end."""
        self._learn(self._shown(), until)
        if self.joint.fitted_:
            return None
        split = few_of(self.split)
        view = next(views(list(self.joint.members_)))
        models = compared(self.joint, [view.model])
        readout = make_readout(self.spec)
        scores = score_views(readout, models, [view], self.data, split)
        return scores[view.name].accuracy

    def _shown(self) -> Any:
        return self.data.X_train[self.split.fit].arrays()

    def _score_views(self) -> dict[str, Scores]:
        assert is_labelled(self.data)  # or there would be no pairs
        wanted = list(views(list(self.joint.members_)))
        if not self.options.control:
            wanted = wanted[:1]
        models = compared(self.joint, list(dict.fromkeys(v.model for v in wanted)))
        readout = make_readout(self.spec, n_jobs=self.options.jobs)
        with self._timed("features"):
            return score_views(readout, models, wanted, self.data, self.split)

    def _write_senses(self, file: h5py.File) -> None:
        group = file.create_group(SENSES, track_order=True)
        for name, scores in self.found.items():
            group[name] = scores.y_pred
        if self.joint.cross_weights_:
            self._write_recall(file.create_group(RECALL))

    def _write_recall(self, file: h5py.Group) -> None:
        """Write what the first test pair of each class evokes in the other modalities."""
        y = self.data.y_test[self.split.test]
        firsts = self.split.test[np.unique(y, return_index=True)[1]]
        shown = self.data.X_test[firsts].arrays()
        for source, target in permutations(shown, 2):
            group = file.create_group(f"{source}/{target}")
            group["shown"] = shown[source]
            group["recalled"] = self.joint.recall({source: shown[source]}, target)
            group["label"] = self.data.y_test[firsts]
