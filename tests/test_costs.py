"""Packed weights against what went in and bits counted by hand; costs by arithmetic."""

import json
import math
import re

import numpy as np
import pytest

from stdpnet.compression import QuantizationSchedule, prune_to
from stdpnet.costs import (
    LOIHI,
    TRUENORTH,
    Cost,
    EnergyPerEvent,
    bits_per_synapse,
    pack,
    packed_bytes,
    unpack,
)
from stdpnet.units import UNITS

SHAPES = [(), (0,), (1,), (9,), (3, 5), (5, 5, 1, 7), (2, 0, 3)]
COUNTS = {"spikes": 50, "synaptic_events": 4_000, "weight_updates": 600}


def draw(shape, n_levels, rng, dtype=np.float32):
    table = np.sort(rng.choice(1000, n_levels, replace=False)).astype(dtype) / 999
    kept = np.asarray(rng.random(shape) < 0.6)
    w = np.where(kept, rng.choice(table, shape), 0).astype(dtype)
    return w, kept, table


@pytest.mark.parametrize("n_levels", [1, 2, 3, 4, 5, 16, 17, 128, 129, 255, 256])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_packed_weights_come_back_exactly(n_levels, shape, dtype, rng):
    w, kept, table = draw(shape, n_levels, rng, dtype)
    packed = pack(w, kept, table)
    for array, given in zip(unpack(packed), (w, kept), strict=True):
        assert (array.dtype, array.shape) == (given.dtype, given.shape)
        np.testing.assert_array_equal(array, given)
    n_bits = next(n for n in range(9) if 2**n >= n_levels)
    assert bits_per_synapse(n_levels) == n_bits
    assert packed["mask"].nbytes == math.ceil(w.size / 8)
    assert packed["indices"].nbytes == math.ceil(kept.sum() * n_bits / 8)
    assert packed_bytes(packed) == sum(array.nbytes for array in packed.values())


@pytest.mark.parametrize("n_levels", range(1, 257))
def test_every_number_of_levels_comes_back(n_levels, rng):
    w, kept, table = draw((40, 17), n_levels, rng)
    for array, given in zip(unpack(pack(w, kept, table)), (w, kept), strict=True):
        np.testing.assert_array_equal(array, given)


def test_bits_are_where_a_loop_puts_them(rng):
    w, kept, table = draw((6, 5), 6, rng)
    written = "".join(
        f"{table.tolist().index(value):03b}" for value in w[kept].tolist()
    )
    packed = pack(w, kept, table)["indices"]
    read = "".join(f"{byte:08b}" for byte in packed.tolist())
    assert read[: len(written)] == written
    assert set(read[len(written) :]) <= {"0"}


def test_packed_weights_survive_a_file(rng, tmp_path):
    w, kept, table = draw((4, 4, 2, 10), 16, rng)
    np.savez(tmp_path / "w.npz", **pack(w, kept, table))
    with np.load(tmp_path / "w.npz", allow_pickle=False) as file:
        for array, given in zip(unpack(file), (w, kept), strict=True):
            np.testing.assert_array_equal(array, given)


def test_quantized_weights_can_be_packed(rng):
    w = rng.random((7, 7, 2, 12)).astype(np.float32)
    kept = prune_to(w, 0.8)
    schedule = QuantizationSchedule(levels=16, spacing="adaptive")
    rounded, table = schedule.quantize(w, kept, 1.0)
    packed = pack(rounded, kept, table)
    np.testing.assert_array_equal(unpack(packed)[0], rounded)
    cost = Cost(
        **COUNTS,
        n_examples=10,
        n_synapses=w.size,
        n_surviving=int(kept.sum()),
        bits_after=schedule.bits,
        n_levels=len(table),
    )
    # The file also has the shape, which a cost leaves out.
    assert cost.bytes_after == packed_bytes(packed) - packed["shape"].nbytes
    assert cost.bytes_before == w.nbytes


W = np.array([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0]])
KEPT, TABLE = W > 0, np.array([0.5, 1.0])
PACKED = pack(W, KEPT, TABLE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pack(W / 2, KEPT, TABLE), "on the levels, .* got 0.25 and 1 others"),
        (lambda: pack(W * np.nan, KEPT, TABLE), "on the levels, .* got nan"),
        (lambda: pack(W, KEPT & (W > 0.5), TABLE), "0 where .* got 0.5 and 1 others"),
        (lambda: pack(W, W, TABLE), "kept must be bool of shape .*, got float64"),
        (lambda: pack(W, KEPT[0], TABLE), r"kept .* \(2, 3\), got bool of \(3,\)"),
        (lambda: pack(W, KEPT, TABLE[::-1]), "table must ascend and be finite"),
        (lambda: pack(W, KEPT, TABLE * np.inf), "table must ascend and be finite"),
        (lambda: pack(W, KEPT, TABLE[:0]), r"table must be 1 to 256 .* shape \(0,\)"),
        (lambda: pack(W, KEPT, np.arange(257)), r"table must be .* shape \(257,\)"),
        (lambda: bits_per_synapse(0), "n_levels must be >= 1, got 0"),
        (lambda: unpack({"mask": KEPT}), "lack 'indices'; they hold"),
        (
            lambda: unpack({**PACKED, "mask": KEPT}),
            "damaged: mask must be 1 bytes, got",
        ),
        (lambda: unpack({**PACKED, "indices": KEPT[0]}), "damaged: indices must be 1"),
        (
            lambda: unpack({**PACKED, "table": TABLE[:1]}),
            "damaged: indices must be 0 bytes, got uint8",
        ),
        (
            lambda: unpack(
                pack(np.array([3.0]), np.array([True]), np.arange(4.0))
                | {"table": np.arange(3.0)}
            ),
            "damaged: level 3 of 3",
        ),
    ],
)
def test_what_cannot_be_packed_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def make(**changes) -> Cost:
    params = {"n_examples": 20, "n_synapses": 1000, "n_surviving": 100}
    return Cost.from_counts(COUNTS, **params | changes)


def test_the_arithmetic_of_a_cost():
    cost = make(bits_after=3, n_levels=5)
    assert cost.connectivity == 0.1
    assert cost.bytes_before == 1000 * 4
    assert cost.index_bytes == 125
    assert cost.bytes_after == math.ceil(100 * 3 / 8) + 5 * 4 + 125
    assert cost.per_example() == {
        "spikes": 2.5,
        "synaptic_events": 200.0,
        "weight_updates": 30.0,
    }
    assert cost.energy_estimate.dimension == UNITS["J"].dimension
    expected = (200 * 23.6 + 30 * 120) * 1e-12
    assert cost.energy_estimate.value == pytest.approx(expected)
    other = make(energy=TRUENORTH)
    assert other.energy_estimate.value == pytest.approx(200 * 26e-12)


def test_rows_of_sources_are_counted():
    cost = make(index="csr", n_targets=10)
    # 100 sources: 7 bits each; 11 offsets from 0 to 100: 7 bits each.
    assert cost.index_bytes == math.ceil(100 * 7 / 8) + math.ceil(11 * 7 / 8)
    assert cost.bytes_after == 100 * 4 + cost.index_bytes


@pytest.mark.parametrize("index", ["mask", "csr"])
def test_all_synapses_need_no_index(index):
    cost = make(n_surviving=1000, index=index, n_targets=10)
    assert cost.index_bytes == 0
    assert cost.bytes_after == cost.bytes_before == 4000
    assert cost.notes()[0] == "index: none, all synapses are left"


def test_a_baseline_fills_the_column_before():
    cost, baseline = make(n_surviving=250), make(n_surviving=1000)
    alone, compared = cost.rows(), cost.rows(baseline)
    assert [row[0] for row in alone] == [row[0] for row in compared]
    for (name, before, after), (_, then, now) in zip(alone, compared, strict=True):
        assert after == now
        assert before == (then if "an example" not in name else None)
    assert compared[-1][1] == baseline.energy_estimate


def test_the_table_says_what_it_assumes():
    twice = {name: 2 * count for name, count in COUNTS.items()}
    baseline = Cost.from_counts(twice, n_examples=20, n_synapses=1000, n_surviving=1000)
    text = make().table(baseline)
    lines = {re.split(r" {2,}", line)[0]: line for line in text.splitlines()}
    assert lines["synapses"].split() == ["synapses", "1,000", "100", "10"]
    assert lines["synaptic events an example"].split()[-3:] == ["400", "200", "2"]
    energy = lines["energy an example, estimated"].split()
    assert energy[-5:] == ["0.01664", "uJ", "0.00832", "uJ", "2"]
    assert "energy: an estimate, 23.6 pJ a synaptic event and 120 pJ a weight" in text
    assert LOIHI.source in text
    assert "one bit a synapse" in text
    assert "-" in make().table().splitlines()[-5].split()


def test_the_dictionary_goes_through_json():
    cost = make(energy=TRUENORTH, bits_after=2, n_levels=4)
    values = json.loads(json.dumps(cost.to_dict()))
    assert values["bytes_after"] == cost.bytes_after
    assert values["energy_estimate_joule"] == cost.energy_estimate.value
    assert values["energy"]["synaptic_event"] == "26 pJ"
    assert "doi:10.1126/science.1254642" in values["energy"]["source"]
    assert values["per_example"] == cost.per_example()
    assert {name: values[name] for name in COUNTS} == COUNTS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_examples": 0}, "Cost.n_examples must be >= 1, got 0"),
        ({"n_synapses": 0.5}, "Cost.n_synapses must be an integer, got 0.5"),
        ({"n_surviving": -1}, "Cost.n_surviving must be >= 0, got -1"),
        (
            {"n_surviving": 1001},
            "Cost.n_surviving must be <= n_synapses 1000, got 1001",
        ),
        ({"index": "list"}, "Cost.index must be one of 'mask', 'csr', got 'list'"),
        ({"index": "csr"}, "Cost.n_targets must divide n_synapses 1000 .* got 0"),
        ({"index": "csr", "n_targets": 7}, "Cost.n_targets must divide .* got 7"),
    ],
)
def test_costs_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_counts_are_named():
    others = {"n_examples": 1, "n_synapses": 1, "n_surviving": 1}
    with pytest.raises(ValueError, match=r"unknown count 'spike'; .* mean 'spikes'"):
        Cost.from_counts({**COUNTS, "spike": 1}, **others)
    with pytest.raises(ValueError, match="counts lack synaptic_events, weight_updates"):
        Cost.from_counts({"spikes": 1}, **others)
    with pytest.raises(ValueError, match=r"Cost\.spikes must be >= 0, got -1"):
        Cost.from_counts({**COUNTS, "spikes": -1}, **others)
    with pytest.raises(ValueError, match=r"baseline must have 1000 .* got 10; compare"):
        make().rows(make(n_synapses=10, n_surviving=10))
    with pytest.raises(ValueError, match=r"synaptic_event must have dimension .* 5 ms"):
        EnergyPerEvent(synaptic_event="5 ms")
