"""Recordings of an estimator, and the network that it is built on."""

import numpy as np
import pytest

from stdpnet import ConvSTDP, Network
from stdpnet.models.neurons import ConductanceLIF


@pytest.fixture
def network(conv) -> ConvSTDP:
    return conv(chunk_size=8)


def test_chunks_of_a_recording_join(network, images):
    record = {"features.spikes": True, "features.v": [0, 5], "afferents.w": 4}
    network.fit(images[:20], record=record)
    found = network.recordings_
    n_steps = network.n_steps()
    assert found["features.v"].shape == (20, n_steps, 2)
    # Chunks of 8, 8 and 4 images: two records, two and one.
    assert len(found["afferents.w"]) == 5
    last = np.moveaxis(found["afferents.w"][-1], -1, 0)
    assert np.array_equal(last, network.kernels_)
    spikes = found["features.spikes"]
    assert len(spikes) == network.counts_["features.spikes"]
    assert set(spikes[:, 0]) <= set(range(20))
    assert spikes[:, 0].max() >= 16
    shown = np.bincount(spikes[:, 2] % network.n_maps, minlength=network.n_maps)
    per_chunk = network.history_["spikes"] * np.array([[8], [8], [4]])
    assert per_chunk.sum(axis=0) == pytest.approx(shown)


def test_features_are_what_was_recorded(network, images):
    network.fit(images[:20])
    assert network.recordings_ == {}
    counts = network.transform(images[:20], record={"features.spikes": True})
    spikes = network.recordings_["features.spikes"]
    totals = np.bincount(spikes[:, 0], minlength=20)
    windows = counts.reshape(20, -1).sum(axis=1)
    assert np.all(windows >= totals * (totals > 0))
    assert np.array_equal(counts, network.transform(images[:20]))


def test_recordings_survive_a_file(network, images, tmp_path):
    network.fit(images[:20], record={"theta": True})
    again = ConvSTDP.load(network.save(tmp_path / "network.h5"))
    for name, rows in network.recordings_.items():
        assert np.array_equal(again.recordings_[name], rows), name
    assert again.counts_ == network.counts_


def test_units_are_in_the_names(images):
    network = ConvSTDP(
        n_maps=3,
        kernel_size=3,
        neuron=ConductanceLIF(),
        inhibition=None,
        backend="numpy",
        random_state=0,
        dt="0.5 ms",
    )
    network.fit(images[:3], record={"features.v": [0], "awake": [0], "g_e": [0]})
    assert set(network.recordings_) == {
        "features.v_mV",
        "features.awake_ms",
        "features.g_e",
    }
    first = network.recordings_["features.v_mV"][:, 0]
    assert first == pytest.approx(-65, abs=1e-3)


def test_an_estimator_shows_its_network(network, images):
    with pytest.raises(AttributeError, match="network_ depends on the shape"):
        _ = network.network_
    network.fit(images[:20])
    found = network.network_
    assert isinstance(found, Network)
    assert found.shape("inputs")[:2] == images.shape[1:3]
    shape = tuple(found.describe()["projections"]["afferents"]["weights"])
    assert shape == np.moveaxis(network.kernels_, 0, -1).shape
