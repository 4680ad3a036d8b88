"""Two senses that learn together: what joins them, what each does alone, bad input."""

from itertools import islice

import numpy as np
import pytest
from sklearn.base import clone

from stdpnet import MultimodalSTDP
from stdpnet.encoding import Encoding, Intensity, Poisson
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.models.neurons import ConductanceLIF
from stdpnet.units import Hz, mV

#: Pixels that are on spike in every step of 0.5 ms: nothing is random.
CERTAIN = Encoding(filter=Intensity(), code=Poisson(max_rate=2000 * Hz))


@pytest.fixture(scope="module")
def fitted_once(two_senses, pairs) -> MultimodalSTDP:
    return two_senses(n_epochs=2).fit(pairs)


@pytest.fixture
def fitted(fitted_once) -> MultimodalSTDP:
    return fitted_once.copy()


def certain(two_senses, **options) -> MultimodalSTDP:
    """Make one in which nothing is random."""
    network = {
        "encoding": CERTAIN,
        "neuron": ConductanceLIF(theta_start=15 * mV),
        "again": None,
        "mean_weight": 0.2,
        "dtype": "float64",
        "presentation": "40 ms",
        "rest": "20 ms",
    }
    return two_senses(network, network, **options)


def on_or_off(pairs: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    return {name: (values[:n] > 9).astype(np.uint8) for name, values in pairs.items()}


# -- what is learned --------------------------------------------------------------


def test_learned_arrays_have_the_documented_shapes_and_bounds(fitted, pairs):
    image, audio = fitted.members_["image"], fitted.members_["audio"]
    assert image.weights_.shape == (64, 10)
    assert audio.thresholds_.shape == (8,)
    assert fitted.n_pairs_shown_ == image.n_images_shown_ == 300
    assert set(fitted.cross_weights_) == {("image", "audio"), ("audio", "image")}
    counts = fitted.counts({name: values[:9] for name, values in pairs.items()})
    assert {name: found.shape for name, found in counts.items()} == {
        "image": (9, 10),
        "audio": (9, 8),
    }
    joined = fitted.transform({name: values[:9] for name, values in pairs.items()})
    assert np.array_equal(joined, np.hstack(list(counts.values())))
    for (source, target), w in fitted.cross_weights_.items():
        sizes = [fitted.members_[name].n_neurons for name in (source, target)]
        assert list(w.shape) == sizes
        assert w.min() >= 0
        assert w.max() <= fitted.cross_rule.w_max * (1 + 1e-6)


@pytest.fixture(scope="module")
def halves(two_senses) -> tuple[MultimodalSTDP, dict[str, np.ndarray], np.ndarray]:
    """A model that saw the upper half with the right one, or the lower with the left."""
    kinds = np.random.default_rng(0).integers(0, 2, 200)
    half = np.zeros((2, 8, 8), np.uint8)
    half[0, :4], half[1, 4:] = 9, 9
    data = {"image": half[kinds], "audio": half.swapaxes(1, 2)[1 - kinds]}
    return two_senses().fit(data), data, kinds


def test_one_modality_recalls_what_belongs_to_the_other(halves):
    model, data, kinds = halves
    seen = model.recall({"audio": data["audio"]}, "image")
    assert seen.shape == (200, 8, 8, 1)
    upper = seen[:, :4].sum(axis=(1, 2, 3)) / seen.sum(axis=(1, 2, 3))
    assert upper[kinds == 0].mean() > 0.7
    assert upper[kinds == 1].mean() < 0.3


def test_what_cannot_be_recalled_is_refused(fitted, two_senses, pairs):
    with pytest.raises(ValueError, match="unknown modality 'touch'"):
        fitted.recall(pairs, "touch")
    with pytest.raises(ValueError, match="'image' is shown, so it is not recalled; le"):
        fitted.recall(pairs, "image")
    few = on_or_off(pairs, 20)
    alone = certain(two_senses, cross_rule=None).fit(few)
    with pytest.raises(ValueError, match="nothing is recalled without connections be"):
        alone.recall({"audio": few["audio"]}, "image")


def test_neurons_that_spike_together_are_joined_most(halves):
    model, data, kinds = halves
    counts = model.copy().set_params(cross_scale=0.0).counts(data)
    kind_of = {}
    for name, found in counts.items():
        means = np.array([found[kinds == kind].mean(axis=0) for kind in (0, 1)])
        assert np.ptp(means, axis=0).max() > 1, "some neurons have learned one half"
        kind_of[name] = np.where(np.ptp(means, axis=0) > 1, means.argmax(axis=0), -1)
    for (source, target), w in model.cross_weights_.items():
        for kind in (0, 1):
            alike, unlike = (
                w[kind_of[source] == other][:, kind_of[target] == kind].mean()
                for other in (kind, 1 - kind)
            )
            assert alike > 2 * unlike


def test_labels_play_no_part(two_senses, pairs):
    y = np.arange(150) % 10
    one, other = two_senses().fit(pairs), two_senses().fit(pairs, y)
    assert np.array_equal(one.transform(pairs), other.transform(pairs))


@pytest.mark.parametrize("acts", [False, True], ids=["learn", "learn and act"])
def test_it_does_what_plain_brian2_does(two_senses, pairs, monkeypatch, acts):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    few = on_or_off(pairs, 4)
    ours, plain = (
        certain(two_senses, backend=backend, cross_while_learning=acts).fit(few)
        for backend in ("auto", "numpy")
    )
    for name, one in ours.members_.items():
        same = plain.members_[name]
        assert one.history_["spikes"].sum() > 20
        assert np.array_equal(one.history_["spikes"], same.history_["spikes"])
        assert one.weights_ == pytest.approx(same.weights_, rel=1e-9)
        assert one.thresholds_ == pytest.approx(same.thresholds_, rel=1e-9)
    for pair, w in ours.cross_weights_.items():
        assert w == pytest.approx(plain.cross_weights_[pair], rel=1e-9, abs=1e-12)
        assert np.ptp(w) > 0.1
    assert np.array_equal(ours.transform(few), plain.transform(few))


def test_without_connections_each_learns_as_it_would_alone(two_senses, pairs):
    few = on_or_off(pairs, 60)
    both = certain(two_senses, cross_rule=None).partial_fit(few)
    for name, one in both.members_.items():
        alone = clone(one).partial_fit(few[name])
        assert np.array_equal(one.weights_, alone.weights_)
        assert np.array_equal(both.counts(few)[name], alone.transform(few[name]))
    assert both.cross_weights_ == {}


def test_connections_that_only_learn_leave_the_modalities_alone(two_senses, pairs):
    few = on_or_off(pairs, 60)
    joined, apart = (
        certain(two_senses).fit(few),
        certain(two_senses, cross_rule=None).fit(few),
    )
    acting = certain(two_senses, cross_while_learning=True).fit(few)
    for name, one in joined.members_.items():
        assert np.array_equal(one.weights_, apart.members_[name].weights_)
        assert not np.array_equal(one.weights_, acting.members_[name].weights_)
    assert all(np.ptp(w) > 0.1 for w in joined.cross_weights_.values())


def test_connections_change_nothing_where_only_one_modality_is_given(two_senses, pairs):
    few = on_or_off(pairs, 60)
    model = certain(two_senses).fit(few)
    without = model.copy().set_params(cross_scale=0.0)
    assert not np.array_equal(model.transform(few), without.transform(few))
    for name in few:
        given = {name: few[name]}
        # What it evokes in the other may come back, but nothing else can.
        alone = model.members_[name].transform(few[name])
        assert np.array_equal(without.counts(given)[name], alone)
        assert np.array_equal(without.counts(few)[name], alone)
        (other,) = set(few) - {name}
        assert without.counts(given)[other].sum() == 0


def test_shuffling_keeps_what_each_neuron_gets(fitted):
    other = fitted.shuffled(seed=1)
    for pair, w in fitted.cross_weights_.items():
        mixed = other.cross_weights_[pair]
        assert not np.array_equal(mixed, w)
        assert np.array_equal(np.sort(mixed, axis=0), np.sort(w, axis=0))
    assert np.array_equal(
        fitted.shuffled(seed=1).cross_weights_["image", "audio"],
        other.cross_weights_["image", "audio"],
    )


# -- predictions ------------------------------------------------------------------


def votes(known: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the votes of one modality, neuron by neuron."""
    share = [row / max(row.sum(), 1) for row in known]
    means = np.array([np.mean(np.array(share)[labels == c], axis=0) for c in range(10)])
    found, sizes = np.zeros((len(counts), 10)), np.zeros(10)
    for neuron, mean in enumerate(means.T):
        if mean.max() > 0:
            weight = mean.max() / mean.sum()
            spikes = counts[:, neuron] / np.maximum(counts.sum(axis=1), 1)
            found[:, mean.argmax()] += weight * spikes
            sizes[mean.argmax()] += 1
    return found / np.maximum(sizes, 1)


def test_any_subset_of_modalities_predicts(fitted, pairs, digits):
    labels = digits[1][:150]
    fitted.label(pairs, labels)
    for given in (("image",), ("audio",), ("audio", "image")):
        X = {name: pairs[name] for name in given}
        known, counts = fitted.counts(pairs), fitted.counts(X)
        expected = sum(votes(known[n], labels, counts[n]) for n in given).argmax(axis=1)
        assert np.array_equal(fitted.predict(X), expected)
        assert fitted.score(X, labels) == np.mean(expected == labels)
    assert fitted.score(pairs, labels) > 0.3


def test_each_modality_has_one_voice(fitted, pairs, digits, monkeypatch):
    fitted.label(pairs, digits[1][:150])
    before = fitted.predict(pairs)
    loud = {
        name: found * (7 if name == "audio" else 1)
        for name, found in fitted.counts(pairs).items()
    }
    monkeypatch.setattr(fitted, "counts", lambda X: loud)
    assert np.array_equal(fitted.predict(pairs), before)


# -- learning goes on -------------------------------------------------------------


def test_learning_goes_on_after_an_interruption(
    two_senses, fitted_once, pairs, tmp_path
):
    part = two_senses(n_epochs=2)
    list(islice(part.fit_steps(pairs), 2))
    path = part.save(tmp_path / "part.h5")
    resumed = MultimodalSTDP.load(path)
    progress = list(resumed.fit_steps(pairs, resume=True))
    assert len(progress) == 4
    assert progress[-1].n_shown == 300
    assert np.array_equal(resumed.transform(pairs), fitted_once.transform(pairs))


def test_thresholds_alone_adapt_at_the_end(two_senses, pairs):
    model = two_senses(n_settle=50)
    steps = list(model.fit_steps(pairs))
    assert len(steps) == 3
    unsettled = two_senses()
    list(islice(unsettled.fit_steps(pairs), 2))
    for name, one in model.members_.items():
        before = unsettled.members_[name]
        assert np.array_equal(one.weights_, before.weights_)
        assert not np.array_equal(one.thresholds_, before.thresholds_)
    for pair, w in model.cross_weights_.items():
        assert np.array_equal(w, unsettled.cross_weights_[pair])


def test_a_saved_model_predicts_the_same(fitted, pairs, tmp_path):
    loaded = MultimodalSTDP.load(fitted.save(tmp_path / "model.h5"))
    assert np.array_equal(loaded.transform(pairs), fitted.transform(pairs))
    assert loaded.get_params()["image__n_neurons"] == 10
    assert loaded.cross_rule == fitted.cross_rule


def test_a_model_that_has_learned_nothing_is_saved_too(two_senses, tmp_path):
    loaded = MultimodalSTDP.load(
        two_senses(cross_rule=None).save(tmp_path / "model.h5")
    )
    assert loaded.cross_rule is None
    assert not hasattr(loaded, "members_")


def test_parameters_of_networks_can_be_set(two_senses):
    model = two_senses().set_params(image__n_neurons=4, audio__rule__learning_rate=0.5)
    assert model.modalities[0][1].n_neurons == 4
    assert clone(model).get_params()["audio"].rule.learning_rate == 0.5
