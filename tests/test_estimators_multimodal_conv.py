"""Senses of which one or all are convolutional: what joins them, what each does alone."""

from collections.abc import Callable
from functools import partial
from itertools import islice

import h5py
import numpy as np
import pytest
from sklearn.base import clone

from stdpnet import ConvSTDP, FullyConnectedSTDP, MultimodalSTDP
from stdpnet.encoding import Encoding, Intensity, Poisson, RankOrder
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.estimators.multimodal.recalling import weighted_fields
from stdpnet.models.neurons import AdaptiveIF, ConductanceLIF
from stdpnet.models.parts import Again
from stdpnet.models.plasticity import PowerLawSTDP, TripletSTDP
from stdpnet.units import Hz, ms, mV

RULE = PowerLawSTDP(learning_rate=0.05, offset=0.01, tau_pre=20 * ms, w_max=4.0)
#: Neurons of the small `ConvSTDP`: positions of 8 x 8 pixels, and maps.
N_IMAGE, N_AUDIO = 8 * 8 * 8, 7


@pytest.fixture(scope="module")
def image(conv) -> Callable[..., ConvSTDP]:
    """Make feature maps with times of a dense ensemble."""
    # Nothing in the last step: it counts only where others rest.
    code = RankOrder(fill=0.9)
    times = {"dt": "0.5 ms", "presentation": "40 ms"}
    return partial(conv, encoding=Encoding(code=code), dtype="float64", **times)


@pytest.fixture(scope="module")
def mix(image, dense) -> Callable[..., MultimodalSTDP]:
    """Make a model of feature maps and a dense ensemble, in which nothing is random."""
    audio = dense(
        n_neurons=N_AUDIO,
        # Pixels that are on spike in every step of 0.5 ms.
        encoding=Encoding(filter=Intensity(), code=Poisson(max_rate=2000 * Hz)),
        neuron=ConductanceLIF(theta_start=15 * mV),
        again=None,
        mean_weight=0.2,
        dtype="float64",
        presentation="40 ms",
        rest="20 ms",
    )

    def build(changed=None, **options) -> MultimodalSTDP:
        members = [("image", image(**(changed or {}))), ("audio", clone(audio))]
        totals = {"image": 3.0, "audio": 200.0}
        settings = {"cross_rule": RULE, "cross_total": totals, "random_state": 3}
        return MultimodalSTDP(members, **{"chunk_size": 20, **settings, **options})

    return build


@pytest.fixture(scope="module")
def two(conv) -> Callable[..., MultimodalSTDP]:
    """Make a model of two convolutional senses with times of their own."""

    def build(**options) -> MultimodalSTDP:
        members = [
            ("image", conv(dtype="float64")),
            ("audio", conv(n_maps=3, stride=2, dtype="float64")),
        ]
        settings = {"cross_rule": RULE, "cross_total": 3.0, "random_state": 3}
        return MultimodalSTDP(members, **{"chunk_size": 20, **settings, **options})

    return build


@pytest.fixture(scope="module")
def few(pairs) -> dict[str, np.ndarray]:
    """Sixty pairs; sounds are on or off."""
    sounds = (pairs["audio"][:60] > 9).astype(np.uint8)
    return {"image": pairs["image"][:60], "audio": sounds}


@pytest.fixture(scope="module")
def fitted_once(mix, few) -> MultimodalSTDP:
    return mix().fit(few)


@pytest.fixture
def fitted(fitted_once) -> MultimodalSTDP:
    return fitted_once.copy()


def some(pairs: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    return {name: values[:n] for name, values in pairs.items()}


# -- what is learned --------------------------------------------------------------


def test_learned_arrays_have_the_documented_shapes(fitted, few):
    assert {pair: w.shape for pair, w in fitted.cross_weights_.items()} == {
        ("image", "audio"): (N_IMAGE, N_AUDIO),
        ("audio", "image"): (N_AUDIO, N_IMAGE),
    }
    counts = fitted.counts(few)
    assert counts["image"].shape == (60, 2 * 2 * 8)
    assert counts["audio"].shape == (60, N_AUDIO)
    assert np.array_equal(fitted.transform(few), np.hstack(list(counts.values())))
    assert fitted.members_["image"].kernels_.shape == (8, 5, 5, 2)
    assert fitted.label(few, np.arange(60) % 10).predict(few).shape == (60,)


@pytest.mark.parametrize("senses", ["mix", "two"])
def test_it_does_what_plain_brian2_does(senses, few, monkeypatch, request):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    build, data = request.getfixturevalue(senses), some(few, 4)
    ours, plain = (
        build(backend=backend, cross_while_learning=True).fit(data)
        for backend in ("auto", "numpy")
    )
    for name, one in ours.members_.items():
        same = plain.members_[name]
        assert one.history_["spikes"].sum() > 5
        assert np.array_equal(one.history_["spikes"], same.history_["spikes"])
        for learned in (one._learned, "thresholds_"):
            values = getattr(one, learned), getattr(same, learned)
            assert values[0] == pytest.approx(values[1], rel=1e-9, abs=1e-12)
    for pair, w in ours.cross_weights_.items():
        assert w == pytest.approx(plain.cross_weights_[pair], rel=1e-9, abs=1e-12)
        assert np.ptp(w) > 0.1
    assert np.array_equal(ours.transform(data), plain.transform(data))


def test_without_connections_each_learns_as_it_would_alone(mix, few):
    both = mix(cross_rule=None).partial_fit(few)
    scaled = both.copy()
    scaled.members_["image"].feature_scale = 0.5
    for name, one in both.members_.items():
        alone = clone(one).partial_fit(few[name])
        assert np.array_equal(one._weights(), alone._weights())
        assert np.array_equal(both.counts(few)[name], alone.transform(few[name]))
        assert np.array_equal(
            both.counts({name: few[name]})[name], alone.transform(few[name])
        )
        if name == "image":
            alone.feature_scale = 0.5
            assert np.array_equal(scaled.counts(few)[name], alone.transform(few[name]))
            assert scaled.counts(few)[name].sum() > both.counts(few)[name].sum()


def test_a_modality_that_is_not_given_has_no_input(fitted, few):
    apart = fitted.copy().set_params(cross_scale=0.0)
    for name, other in (("image", "audio"), ("audio", "image")):
        counts = apart.counts({name: few[name]})
        assert counts[other].sum() == 0
        assert np.array_equal(counts[name], apart.counts(few)[name])
    evoked = fitted.counts({"audio": few["audio"]})
    assert evoked["image"].sum() > 0


def test_each_modality_gets_its_sum_of_weights(mix, few):
    still = mix(cross_rule=PowerLawSTDP(learning_rate=0.0, w_max=4.0))
    weights = still.fit(some(few, 2)).cross_weights_
    assert weights["audio", "image"].sum(axis=0) == pytest.approx(3.0)
    assert weights["image", "audio"].sum(axis=0) == pytest.approx(200.0)


def test_a_network_that_has_converged_learns_no_more(mix, few):
    model = mix({"tol": 0.26})
    found = []
    for _ in model.fit_steps(few):
        image, audio = model.members_["image"], model.members_["audio"]
        found.append((image.kernels_, image.thresholds_, audio.weights_))
        assert image.converged_
    for kernels, thresholds, _ in found[1:]:
        assert np.array_equal(kernels, found[0][0])
        assert np.array_equal(thresholds, found[0][1])
    assert not np.array_equal(found[1][2], found[2][2])
    assert len(found) == 3
    model.partial_fit(few)
    assert not np.array_equal(model.members_["image"].kernels_, found[0][0])


def test_thresholds_alone_adapt_at_the_end(mix, few):
    model = mix(n_settle=20)
    *_, before, _ = (model.copy() for _ in model.fit_steps(few))
    image, earlier = model.members_["image"], before.members_["image"]
    assert np.array_equal(image.kernels_, earlier.kernels_)
    assert not np.array_equal(image.thresholds_, earlier.thresholds_)
    for pair, w in model.cross_weights_.items():
        assert np.array_equal(w, before.cross_weights_[pair])


def test_only_a_dense_ensemble_asks_to_see_an_example_again(fitted):
    fitted.members_["audio"].again = Again(spikes=3)
    assert fitted.run_options(["image"])["again"] is None
    both = fitted.run_options(["image", "audio"])
    assert both["again"] == (("audio_features",), Again(spikes=3))
    assert (both["n_steps"], both["n_input_steps"]) == (120, 80)


def test_examples_are_shown_again_to_all(mix, few):
    model = mix()
    model.modalities[1][1].again = Again(spikes=200, limit=2)
    with pytest.warns(UserWarning, match="20 of 20 images had fewer than 200 spikes"):
        model.partial_fit(some(few, 20))
    assert [one.n_shown_ for one in model.members_.values()] == [60, 60]
    # Of the last presentation alone, as are counts.
    neurons = model._counts(few, pooled=False)["audio"]
    assert np.array_equal(neurons, model.counts(few)["audio"])


# -- recall -----------------------------------------------------------------------


def test_spikes_of_neurons_add_up_to_the_pooled_ones(fitted, few):
    neurons = fitted._counts(few, pooled=False)
    assert np.array_equal(neurons["audio"], fitted.counts(few)["audio"])
    windows = neurons["image"].reshape(60, 2, 4, 2, 4, 8).sum(axis=(2, 4))
    assert np.array_equal(windows.reshape(60, -1), fitted.counts(few)["image"])


def test_fields_are_the_kernels_where_the_neurons_are(rng):
    image = ConvSTDP(3, 4, stride=3, padding=2)
    image.image_shape_ = (8, 7, 1)
    layer, kernels = image.layer(), rng.random((3, 4, 4, 2))
    height, width, n_maps = layer.positions
    shares = rng.random((5, height * width * n_maps))
    expected = np.zeros((5, 8, 7, 2))
    for neuron in range(shares.shape[1]):
        y, x, one = np.unravel_index(neuron, layer.positions)
        for ky, kx in np.ndindex(4, 4):
            sy, sx = 3 * y - 2 + ky, 3 * x - 2 + kx
            if 0 <= sy < 8 and 0 <= sx < 7:
                expected[:, sy, sx] += shares[:, [neuron]] * kernels[one, ky, kx]
    assert weighted_fields(layer, kernels, shares) == pytest.approx(expected)


def test_fields_of_a_dense_ensemble_are_its_weights(rng):
    audio = FullyConnectedSTDP(6)
    audio.image_shape_ = (4, 5, 1)
    kernels, shares = rng.random((6, 4, 5, 1)), rng.random((3, 6))
    expected = (shares @ kernels.reshape(6, -1)).reshape(3, 4, 5, 1)
    assert weighted_fields(audio.layer(), kernels, shares) == pytest.approx(expected)


def test_feature_maps_recall_what_belongs_to_a_sound(mix):
    kinds = np.random.default_rng(0).integers(0, 2, 200)
    seen, heard = np.zeros((2, 2, 8, 8), np.uint8)
    seen[0, :2], seen[1, 6:], heard[0, :, :4], heard[1, :, 4:] = 9, 9, 9, 9
    data = {"image": seen[kinds], "audio": heard[1 - kinds]}
    # Only where an image is bright does anything spike.
    grey = Encoding(filter=Intensity(), code=RankOrder(fill=0.9))
    model = mix({"encoding": grey, "neuron": AdaptiveIF(theta_start=2)}).fit(data)
    images = model.recall({"audio": data["audio"]}, "image")
    assert images.shape == (200, 8, 8, 1)
    upper = images[:, :4].sum(axis=(1, 2, 3)) / images.sum(axis=(1, 2, 3))
    assert upper[kinds == 0].mean() > 0.7
    assert upper[kinds == 1].mean() < 0.3
    sounds = model.recall({"image": data["image"]}, "audio")
    left = sounds[:, :, :4].sum(axis=(1, 2, 3)) / sounds.sum(axis=(1, 2, 3))
    assert left[kinds == 1].mean() > 0.7
    assert left[kinds == 0].mean() < 0.3


# -- files ------------------------------------------------------------------------


def test_learning_goes_on_after_an_interruption(mix, fitted, few, tmp_path):
    part = mix()
    list(islice(part.fit_steps(few), 2))
    resumed = MultimodalSTDP.load(part.save(tmp_path / "part.h5"))
    assert len(list(resumed.fit_steps(few, resume=True))) == 1
    assert np.array_equal(resumed.transform(few), fitted.transform(few))
    for pair, w in resumed.cross_weights_.items():
        assert np.array_equal(w, fitted.cross_weights_[pair])


def test_a_saved_model_and_one_with_weights_of_earlier_files(fitted, few, tmp_path):
    path = fitted.save(tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        cross = file["learned/cross"]
        w = cross["image_to_audio.w"][()]
        del cross["image_to_audio.w"]
        cross["image_to_audio.w"] = w.reshape(1, 1, *w.shape)
    loaded = MultimodalSTDP.load(path)
    assert isinstance(loaded.members_["image"], ConvSTDP)
    assert loaded.cross_total == fitted.cross_total
    assert np.array_equal(loaded.transform(few), fitted.transform(few))


def test_a_file_with_another_network_is_refused(fitted, tmp_path):
    path = fitted.save(tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        file["modality_image"].attrs["class"] = "OtherSTDP"
    reason = r"model\.h5 is damaged or of a newer version: modality_image is a Other"
    with pytest.raises(ValueError, match=reason):
        MultimodalSTDP.load(path)


def test_what_a_part_lacks_is_said_once(fitted, tmp_path):
    path = fitted.save(tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        del file["modality_image/learned/image_shape_"]
    with pytest.raises(ValueError, match="it has no image_shape_; train again") as told:
        MultimodalSTDP.load(path)
    assert str(told.value).count("model.h5") == 1


def test_shuffling_keeps_what_each_neuron_gets(fitted):
    other = fitted.shuffled(seed=1).cross_weights_
    for pair, w in fitted.cross_weights_.items():
        assert not np.array_equal(other[pair], w)
        assert np.array_equal(np.sort(other[pair], axis=0), np.sort(w, axis=0))


# -- what cannot be joined --------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "options", "message"),
    [
        (
            {"dt": "1 ms"},
            {},
            "same dt, got '1 ms' in 'image' and '?0.5 ms'? in 'audio'; giv",
        ),
        (
            {"presentation": "50 ms"},
            {},
            "got '50 ms' in 'image' and '40 ms' in 'audio'",
        ),
        ({}, {"cross_rule": TripletSTDP()}, "but those of 'image_features' spike once"),
        ({"fit_on": "patches"}, {}, "ConvSTDP.fit_on must be 'images' in a Multimodal"),
        (
            {},
            {"cross_total": {"image": 3}},
            "a number or a dict with image, audio, got",
        ),
        ({}, {"cross_total": {"image": 3, "audio": "a"}}, "for each modality, got 'a'"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(
    mix, few, changed, options, message
):
    with pytest.raises(ValueError, match=message):
        mix(changed, **options).fit(few)


def test_too_many_connections_are_refused(conv, few):
    members = [(name, conv(n_maps=120)) for name in few]
    message = (
        r"'image' \(8 x 8 x 120 neurons\) to 'audio' \(8 x 8 x 120 neurons\) must be at "
        "most 50,000,000 weights, got 58,982,400; use fewer maps or neurons, or a larger"
    )
    with pytest.raises(ValueError, match=message):
        MultimodalSTDP(members).fit(few)
