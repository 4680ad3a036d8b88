"""Layers on top of each other: greedy, frozen below, with sums and pooling."""

import h5py
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

from stdpnet import ConvStack, ConvSTDP
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.estimators.learning import encode
from stdpnet.models.network import NEVER, Counter, Input, Population, Projection
from stdpnet.models.neurons import AdaptiveIF, LatencyIF, SoftResetIF
from stdpnet.models.plasticity import HybridSTDP
from stdpnet.models.projections import OneToOne, SumPooling, WinnerTakeAll
from stdpnet.network import Network

N = 120
IMAGES = load_digits().images[:N]
THREE = ("conv1", "conv2", "conv3")


def layer(n_maps: int = 6, size: int = 3, **changed) -> ConvSTDP:
    options = {"neuron": AdaptiveIF(theta_start=1.0), "pool": 2, "tol": 0.0}
    return ConvSTDP(n_maps, size, **options | changed)


def stack(depth: int = 3, **changed) -> ConvStack:
    layers = [(name, layer()) for name in THREE[:depth]]
    options = {"layers": layers, "chunk_size": 40, "random_state": 3}
    return ConvStack(**options | changed)


@pytest.fixture(scope="module")
def residual() -> ConvStack:
    first = layer(feature_winners=2, feature_scale=0.9)
    layers = [("conv1", first), ("conv2", layer()), ("conv3", layer())]
    return stack(layers=layers, residual={"conv3": "conv1"}, features="all").fit(IMAGES)


@pytest.fixture(scope="module")
def pooled() -> ConvStack:
    windows = {"conv1": SumPooling(size=2)}
    return stack(2, pooling=windows).fit(IMAGES)


# -- greedy and frozen ----------------------------------------------------------------


def test_the_first_layer_is_the_layer_alone(residual):
    first = dict(residual.layers)["conv1"]
    alone = clone(first).set_params(chunk_size=40, random_state=3).fit(IMAGES)
    assert np.array_equal(residual.members_["conv1"].kernels_, alone.kernels_)
    assert np.array_equal(residual.members_["conv1"].thresholds_, alone.thresholds_)


def test_layers_below_do_not_change(residual):
    two = stack(layers=residual.layers[:2]).fit(IMAGES)
    for name in THREE[:2]:
        before, after = two.members_[name], residual.members_[name]
        assert before.kernels_.tobytes() == after.kernels_.tobytes()
        assert before.thresholds_.tobytes() == after.thresholds_.tobytes()
    for one in residual.members_.values():
        assert not np.array_equal(one.kernels_, one.initial_kernels_)


def test_the_same_seed_gives_the_same_stack(residual):
    again = clone(residual).fit(IMAGES)
    for name, one in again.members_.items():
        assert np.array_equal(one.kernels_, residual.members_[name].kernels_)
    assert np.array_equal(again.transform(IMAGES), residual.transform(IMAGES))


# -- what upper layers see, put together by hand ------------------------------------


def spikes(one, name: str, images: np.ndarray = IMAGES[:20]) -> np.ndarray:
    """Return the steps of the spikes of a group, (n, height, width, maps), or `NEVER`."""
    one.transform(images, record={f"{name}.spikes": True})
    shown, step, neuron = one.recordings_[f"{name}.spikes"].T
    shape = one.layer().network().shape(name)
    found = np.full((len(images), np.prod(shape)), NEVER, np.uint16)
    # Of neurons that spike more than once, the first.
    for row in range(len(shown))[::-1]:
        found[shown[row], neuron[row]] = step[row]
    return found.reshape(len(images), *shape)


def alone(one, stimulus: np.ndarray) -> np.ndarray:
    """Return the counts of the maps of a layer whose input spikes are given."""
    shape = one.layer().positions
    net = Network(
        inputs=(Input(name="below", shape=stimulus.shape[1:]),),
        populations=(
            Population(
                name="maps", shape=shape, neuron=one.neuron, competition=WinnerTakeAll()
            ),
        ),
        projections=(
            Projection(
                name="kernels",
                source="below",
                target="maps",
                geometry=one._convolution(),
                weights=np.moveaxis(one.kernels_, 0, -1),
            ),
        ),
        counters=(Counter(name="counts", source="maps", pooling=OneToOne()),),
        dt=one._time("dt"),
    )
    state = net.initial_state() | {"maps.theta": one.thresholds_}
    steps = one.run_options()["n_steps"]
    found = net.build().run(
        {"below": stimulus}, state, presentation=f"{steps} ms", learning=False
    )
    return found.counts["counts"]


def counted(one, name: str, images: np.ndarray = IMAGES[:20]) -> np.ndarray:
    return spikes(one, name, images) < NEVER


@pytest.mark.parametrize("fixture", ["residual", "pooled"])
def test_a_layer_answers_the_spikes_below_as_alone(fixture, request):
    fitted = request.getfixturevalue(fixture)
    one = fitted.members_["conv2"]
    below = "conv1" if fixture == "residual" else "conv1_pooled"
    stimulus = spikes(one, below)
    assert (stimulus < NEVER).sum() > 50
    assert np.array_equal(alone(one, stimulus), counted(one, "features"))


def test_a_residual_input_is_the_sum_of_spikes(residual):
    one = residual.members_["conv3"]
    images = IMAGES[:20]
    record = {f"{name}.spikes": True for name in ("conv1", "conv2", "features_sum")}
    one.transform(images, record=record)
    n_neurons = np.prod(one.layer().inputs)
    counts = {
        name: np.bincount(
            rows[:, 0] * n_neurons + rows[:, 2], minlength=len(images) * n_neurons
        )
        for name in ("conv1", "conv2", "features_sum")
        for rows in [one.recordings_[f"{name}.spikes"]]
    }
    assert np.array_equal(counts["features_sum"], counts["conv1"] + counts["conv2"])
    assert counts["features_sum"].max() == 2


def test_pooling_passes_on_the_first_spike_of_a_window(pooled):
    one = pooled.members_["conv2"]
    maps, windows = spikes(one, "conv1"), spikes(one, "conv1_pooled")
    n, height, width, n_maps = maps.shape
    tiles = maps.reshape(n, height // 2, 2, width // 2, 2, n_maps).min(axis=(2, 4))
    assert np.array_equal(windows, np.where(tiles < NEVER, tiles + 1, NEVER))


def test_pooling_may_take_the_average():
    many = layer(feature_winners=4, feature_scale=0.5)
    fitted = stack(
        layers=[("conv1", many), ("conv2", layer())],
        pooling={"conv1": 2},
        pool_neuron=SoftResetIF(v_th=4.0),
    ).fit(IMAGES)
    one = fitted.members_["conv2"]
    maps = counted(one, "conv1").astype(int)
    n, height, width, n_maps = maps.shape
    sums = maps.reshape(n, height // 2, 2, width // 2, 2, n_maps).sum(axis=(2, 4))
    assert np.array_equal(counted(one, "conv1_pooled"), sums >= 4)
    assert 50 < np.sum(sums >= 4)


def test_features_of_several_layers_stand_side_by_side(residual):
    every = residual.transform(IMAGES)
    sizes = [one.layer() for one in residual.members_.values()]
    n = int(np.prod(ConvSTDP.layer(residual.members_["conv1"]).features))
    assert every.shape == (N, 3 * n)
    assert len(sizes) == 3
    for features, columns in (
        ("last", every[:, 2 * n :]),
        (["conv1"], None),
        (["conv3", "conv2"], every[:, n:]),
    ):
        residual.set_params(features=features)
        found = residual.transform(IMAGES)
        if columns is None:  # alone it has less time: no layer waits for it
            columns = residual.members_["conv1"].transform(IMAGES)
        assert np.array_equal(found, columns)
    residual.set_params(features="all")


def test_features_have_names(residual):
    names = residual.get_feature_names_out()
    assert len(names) == residual.transform(IMAGES[:1]).shape[1] == len(set(names))
    assert names[0] == "conv1_map0_y0_x0"
    assert names[-1] == "conv3_map5_y3_x3"


def test_spikes_of_every_layer_are_recorded(residual):
    found = residual.transform(IMAGES[:5], record={"conv1.spikes": True})
    assert np.array_equal(found, residual.transform(IMAGES[:5]))
    shown, _, neuron = residual.recordings_["conv1.spikes"].T
    n_of_maps = np.bincount(neuron[shown < 5] % 6, minlength=6)
    assert n_of_maps.sum() == found[:, : 6 * 16].sum() > 0


def test_thresholds_of_lower_layers_are_those_of_features(residual):
    first, one = residual.members_["conv1"], residual.members_["conv2"]
    n_spikes = counted(one, "conv1").sum()
    for changed in ({"feature_winners": None}, {"feature_scale": 1.0}):
        kept = {name: getattr(first, name) for name in changed}
        first.set_params(**changed)
        assert counted(one, "conv1").sum() < n_spikes
        first.set_params(**kept)


@pytest.mark.parametrize(
    "backend", ["numpy", pytest.param("cython", marks=pytest.mark.slow)]
)
def test_every_backend_agrees(backend, monkeypatch, tmp_path):
    monkeypatch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
    options = {"residual": {"conv3": "conv1"}, "pool_neuron": LatencyIF(v_th=0.5)}
    layers = [(name, layer(4, dtype="float64")) for name in THREE]
    fitted = stack(layers=layers, features="all", **options).fit(IMAGES[:40])
    fitted.save(tmp_path / "stack.h5")
    other = ConvStack.load(tmp_path / "stack.h5").set_params(backend=backend)
    assert np.array_equal(other.transform(IMAGES[:5]), fitted.transform(IMAGES[:5]))


def test_a_stack_learns_with_any_rule():
    binary = {"rule": HybridSTDP(aggregate="mini-batch", batch=10)}
    layers = [("conv1", layer(**binary)), ("conv2", layer(**binary))]
    fitted = stack(layers=layers).fit(IMAGES)
    for one in fitted.members_.values():
        assert set(np.unique(one.kernels_)) == {0.0, 1.0}


# -- files and interruptions ----------------------------------------------------------


def test_save_and_load(residual, tmp_path):
    loaded = ConvStack.load(residual.save(tmp_path / "stack.h5"))
    assert str(loaded.get_params()) == str(residual.get_params())
    assert np.array_equal(loaded.transform(IMAGES), residual.transform(IMAGES))
    assert loaded.fitted_
    assert loaded.n_images_shown_ == 3 * N


def test_save_and_load_before_learning(tmp_path):
    made = stack(2, pooling={"conv1": 2}, pool_neuron=SoftResetIF(v_th=2))
    loaded = ConvStack.load(made.save(tmp_path / "stack.h5"))
    assert str(loaded.get_params()) == str(made.get_params())
    assert not loaded.has_started
    assert not loaded.fitted_


@pytest.mark.parametrize("n_chunks", [2, 3, 5])
def test_learning_goes_on_where_it_was_interrupted(pooled, n_chunks, tmp_path):
    part = clone(pooled)
    for number, _ in enumerate(part.fit_steps(IMAGES), start=1):
        if number == n_chunks:
            break
    loaded = ConvStack.load(part.save(tmp_path / "stack.h5"))
    assert not loaded.fitted_
    for _ in loaded.fit_steps(IMAGES, resume=True):
        pass
    for name, one in loaded.members_.items():
        whole = pooled.members_[name]
        assert np.array_equal(one.kernels_, whole.kernels_)
        assert np.array_equal(one.history_["spikes"], whole.history_["spikes"])


def test_not_a_stack(residual, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        ConvStack.load(tmp_path / "nothing.h5")
    residual.members_["conv1"].save(tmp_path / "layer.h5")
    with pytest.raises(ValueError, match="holds a ConvSTDP, not a ConvStack"):
        ConvStack.load(tmp_path / "layer.h5")
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(ValueError, match=r"text\.h5 is not a saved ConvStack"):
        ConvStack.load(tmp_path / "text.h5")


def test_parameters_of_layers(residual):
    made = clone(residual).set_params(conv2__n_maps=5, conv2__rule__learning_rate=0.5)
    assert made.get_params()["conv2__n_maps"] == 5
    assert dict(made.layers)["conv2"].rule.learning_rate == 0.5
    assert dict(residual.layers)["conv2"].n_maps == 6


def test_encode_is_that_of_the_first_layer(residual):
    first, last = residual.members_["conv1"], residual.members_["conv3"]
    assert np.array_equal(
        encode(first, IMAGES[:3, ..., None]), encode(last, IMAGES[:3, ..., None])
    )


def test_binary_kernels_are_stored_one_bit_each(tmp_path):
    rule = HybridSTDP(aggregate="mini-batch", batch=10, anti_hebbian=0.1)
    layers = [(name, layer(32, rule=rule)) for name in THREE[:2]]
    fitted = stack(layers=layers).fit(IMAGES)
    memory = fitted.memory()
    n_kernels = 32 * 9 * 2, 32 * 9 * 32
    assert memory.n_synapses == sum(n_kernels)
    assert memory.n_neurons == 2 * 64 * 32
    # Bits, one level and one threshold a map: by hand.
    assert memory.weight_bytes == sum(n // 8 for n in n_kernels) + 2 * 4
    assert memory.threshold_bytes == 2 * 32 * 4
    assert memory.synaptic_factor == pytest.approx(
        4 * sum(n_kernels) / (sum(n_kernels) / 8 + 2 * 4 + 2 * 32 * 4)
    )
    loaded = ConvStack.load(fitted.save(tmp_path / "stack.h5"))
    with h5py.File(tmp_path / "stack.h5") as file:
        for name, n in zip(THREE, n_kernels, strict=False):
            learned = file[f"layer_{name}/learned"]
            for kernels in ("kernels_", "initial_kernels_"):
                assert learned[kernels]["mask"].nbytes == n // 8
    for name, one in loaded.members_.items():
        assert np.array_equal(one.kernels_, fitted.members_[name].kernels_)
        assert np.array_equal(
            one.initial_kernels_, fitted.members_[name].initial_kernels_
        )


def test_layers_read_through_pooling_neurons():
    mean = {"feature_neuron": SoftResetIF(v_th=2.0), "pool": 4, "feature_scale": 0.5}
    layers = [(name, layer(**mean)) for name in THREE[:2]]
    fitted = stack(layers=layers, features="all").fit(IMAGES)
    features = fitted.transform(IMAGES[:20]).reshape(20, 2, 2, 2, 6)
    one = fitted.members_["conv2"]
    for number, name in enumerate(("conv1", "features")):
        maps = counted(one, name).astype(int)
        sums = maps.reshape(20, 2, 4, 2, 4, 6).sum(axis=(2, 4))
        # What comes in the last step is not counted, nor what is left over.
        found = features[:, number]
        assert (found <= sums // 2).all()
        assert found.sum() > 0.5 * (sums // 2).sum() > 20
