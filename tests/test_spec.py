"""Specifications: read, overridden, and turned into estimators and readouts."""

from copy import deepcopy

import pytest

from stdpnet.catalog import spec_names
from stdpnet.config import SpecError
from stdpnet.encoding import Latency
from stdpnet.estimators.spec import load_models, load_network, make_banks, make_readout
from stdpnet.models.neurons import AdaptiveLIF
from stdpnet.models.projections import SumPooling, WinnerTakeAll
from stdpnet.readout import LinearReadout, MLPReadout, NeuronVoteClassifier
from stdpnet.specs import load_spec
from stdpnet.units import ms

SPEC = """
[network]
n_maps = 4
pool = { type = "SumPooling", size = 3, stride = 2 }

[neuron]
type = "AdaptiveLIF"
tau_m = "30 ms"

[rule]
learning_rate = 0.02

[encoding.code]
type = "Latency"

[readout]
C = 0.5
"""


@pytest.fixture
def spec_file(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(SPEC)
    return path


@pytest.mark.parametrize("name", spec_names())
def test_every_specification_of_the_catalogue_resolves(name):
    spec = load_models(name)
    banks = make_banks(spec, seed=0)
    kinds = {
        "ConvSTDP": (LinearReadout, MLPReadout),
        "ConvStack": (LinearReadout, MLPReadout),
        "FullyConnectedSTDP": NeuronVoteClassifier,
        "MultimodalSTDP": NeuronVoteClassifier,
        "StochasticBinarySTDP": NeuronVoteClassifier,
    }
    kind = spec["network"].get("type", "ConvSTDP")
    assert {type(bank).__name__ for bank in banks.values()} == {kind}
    assert isinstance(make_readout(spec), kinds[kind])
    assert spec["about"]["title"]


def test_sections_become_parts(spec_file):
    spec = load_spec(spec_file)
    bank = make_banks(spec, seed=5, n_jobs=2, verbose=True)["main"]
    assert bank.n_maps == 4
    assert bank.pool == SumPooling(size=3, stride=2)
    assert bank.neuron == AdaptiveLIF(tau_m=30 * ms)
    assert bank.rule.learning_rate == 0.02
    assert bank.encoding.code == Latency()
    assert (bank.random_state, bank.n_jobs, bank.verbose) == (5, 2, True)
    readout = make_readout(spec, n_jobs=3)
    assert (readout.C, readout.n_jobs) == (0.5, 3)


def test_banks_differ_where_they_say_so_and_keep_their_order(spec_file):
    overrides = [
        "network.banks.small.kernel_size=3",
        "network.banks.large.n_maps=6",
        "network.banks.large.rule.learning_rate=0.5",
        "network.banks.large.neuron.v_th=2.0",
    ]
    banks = make_banks(load_spec(spec_file, overrides), seed=0)
    small, large = banks["small"], banks["large"]
    assert list(banks) == ["small", "large"]
    assert (small.kernel_size, small.n_maps, small.rule.learning_rate) == (3, 4, 0.02)
    assert (large.kernel_size, large.n_maps, large.rule.learning_rate) == (5, 6, 0.5)
    assert large.neuron == AdaptiveLIF(tau_m=30 * ms, v_th=2.0)
    assert small.random_state != large.random_state


def test_a_specification_can_be_used_twice(spec_file):
    overrides = ["network.banks.a.rule.mu=2", "network.inhibition=none"]
    spec = load_spec(spec_file, overrides)
    before = deepcopy(spec)
    one, two = (make_banks(spec, seed=0)["a"] for _ in range(2))
    assert one.get_params() == two.get_params()
    assert make_readout(spec).get_params() == make_readout(spec).get_params()
    assert spec == before


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("8", 8),
        (" 0.5 ", 0.5),
        ("1e-3", 1e-3),
        ("true", True),
        ('"same"', "same"),
        ("'same'", "same"),
        ("same", "same"),
        ("16 ms", "16 ms"),
        ("[1, 2]", [1, 2]),
        (
            '{ type = "WinnerTakeAll", radius = 1 }',
            {"type": "WinnerTakeAll", "radius": 1},
        ),
        ("", ""),
        ("a=b", "a=b"),
    ],
)
def test_overrides_are_read_like_toml_with_quotes_left_out(spec_file, written, value):
    spec = load_spec(spec_file, [f"network.anything={written}"])
    assert spec["network"]["anything"] == value
    assert spec["network"]["n_maps"] == 4


def test_overrides_reach_nested_tables_and_make_new_ones(spec_file):
    overrides = ["encoding.code.full_contrast=2", "encoding.filter.cutoff = 0.1"]
    encoding = make_banks(load_spec(spec_file, overrides), seed=0)["main"].encoding
    assert encoding.code == Latency(full_contrast=2)
    assert encoding.filter.cutoff == 0.1


def test_the_last_override_counts(spec_file):
    spec = load_spec(spec_file, ["network.n_maps=5", "network.n_maps=6"])
    assert spec["network"]["n_maps"] == 6


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.n_maps", "written section.key=value, got 'network.n_maps'"),
        ("n_maps=4", "written section.key=value, got 'n_maps=4'"),
        ("network.=4", "written section.key=value, got 'network.=4'"),
        ("=4", "written section.key=value, got '=4'"),
        ("network.n_maps.deep=4", "n_maps is a value, not a table"),
        ("nework.n_maps=4", "unknown section 'nework'.*Did you mean 'network'"),
    ],
)
def test_overrides_that_cannot_be_read_are_refused(spec_file, override, message):
    with pytest.raises(SpecError, match=message):
        load_spec(spec_file, [override])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[network", r"own\.toml is not TOML: "),
        ("[network]\nn_maps = 1\nn_maps = 2", r"own\.toml is not TOML: "),
        ("[netwrk]", r"own\.toml: unknown section 'netwrk'.*Did you mean 'network'"),
        ("network = 3", r"own\.toml: network must be a table, got 3"),
    ],
)
def test_files_that_are_no_specification_name_themselves(spec_file, text, message):
    spec_file.write_text(text)
    with pytest.raises(SpecError, match=message):
        load_spec(spec_file)


def test_bytes_that_are_no_text_are_not_toml(spec_file):
    spec_file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match=r"own\.toml is not TOML: "):
        load_spec(spec_file)


def test_a_missing_file_lists_the_catalogue(tmp_path):
    with pytest.raises(SpecError, match=r"no such file: .*absent\.toml; known specs: "):
        load_spec(tmp_path / "absent.toml")


def test_a_missing_name_proposes_one():
    with pytest.raises(SpecError, match=r"'conv-sdtp'.*Did you mean 'conv-stdp'"):
        load_spec("conv-sdtp")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.n_mapps=4", "unknown network key 'n_mapps'.*mean 'n_maps'"),
        ("network.type=ConvSDTP", "unknown network.type 'ConvSDTP'.*mean 'ConvSTDP'"),
        ("network.random_state=4", "unknown network key 'random_state'"),
        ("network.n_maps=0", "ConvSTDP.n_maps must be an integer >= 1, got 0"),
        ("network.n_maps=many", "ConvSTDP.n_maps must be an integer >= 1, got 'many'"),
        ("network.backend=gpu", "unknown ConvSTDP.backend 'gpu'; known: auto, cpp"),
        ("network.banks=3", "network.banks must be a table, got 3"),
        ("network.banks.a=3", "network.banks.a must be a table, got 3"),
        ("network.banks.a.rule=3", "network.banks.a.rule must be a table, got 3"),
        ("network.banks.a.n_mps=3", "unknown network key 'n_mps'"),
        ("network.pool.type=SumPoling", "unknown geometry 'SumPoling'.*'SumPooling'"),
        ("network.pool.strid=2", "unknown SumPooling parameter 'strid'.*'stride'"),
        ("neuron.type=AdaptivLIF", "unknown neuron 'AdaptivLIF'.*mean 'AdaptiveLIF'"),
        ("neuron.tau_n=1", "unknown AdaptiveLIF parameter 'tau_n'.*mean 'tau_m'"),
        ("neuron.tau_m=3 mV", "AdaptiveLIF.tau_m must have dimension 's'"),
        ("rule.type=TraceSTPD", "unknown rule 'TraceSTPD'.*mean 'TraceSTDP'"),
        ("rule.learning_rate=-1", "TraceSTDP.learning_rate must be >= 0, got -1"),
        ("encoding.cod.fill=1", "unknown encoding parameter 'cod'.*mean 'code'"),
        ("encoding.code.type=Latecy", "unknown code 'Latecy'.*mean 'Latency'"),
    ],
)
def test_names_and_values_are_checked_before_any_work(spec_file, override, message):
    spec = load_spec(spec_file, [override])
    with pytest.raises(ValueError, match=message):
        make_banks(spec, seed=0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("readout.D=4", "unknown readout key 'D'; known: "),
        ("readout.type=svm", "unknown readout.type 'svm'; known: linear, mlp"),
        ("readout.callback=x", "unknown readout key 'callback'"),
    ],
)
def test_readout_keys_are_checked(spec_file, override, message):
    with pytest.raises(SpecError, match=message):
        make_readout(load_spec(spec_file, [override]))


@pytest.mark.parametrize(
    ("written", "inhibition"),
    [
        ("none", None),
        ("winner-take-all", "winner-take-all"),
        ('{ type = "WinnerTakeAll", radius = 1 }', WinnerTakeAll(radius=1)),
    ],
)
def test_inhibition_can_be_written_in_three_ways(spec_file, written, inhibition):
    spec = load_spec(spec_file, [f"network.inhibition={written}"])
    assert make_banks(spec, seed=0)["main"].inhibition == inhibition


def test_a_network_comes_ready_from_the_catalogue():
    network = load_network("conv-stdp", ["network.n_maps=3"], random_state=7)
    assert (network.n_maps, network.kernel_size, network.random_state) == (3, 5, 7)


def test_a_network_of_several_banks_is_a_union():
    banks = ["network.banks.a.kernel_size=3", "network.banks.b.kernel_size=5"]
    union = load_network("conv-stdp", banks)
    sizes = {name: bank.kernel_size for name, bank in union.transformer_list}
    assert sizes == {"a": 3, "b": 5}
