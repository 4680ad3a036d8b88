"""Commands about rules and neurons: lists, figures, errors."""

import json

import numpy as np
import pytest

from stdpnet.analysis import model_figures
from stdpnet.analysis.model_pages import built_in
from stdpnet.analysis.neuron_numbers import Curve, NeuronNumbers, Trace
from stdpnet.cli import main
from stdpnet.models.neurons import LIF

OWN_RULE = '''
from dataclasses import dataclass
from stdpnet.config import number
from stdpnet.models.plasticity import PlasticityRule

@dataclass(frozen=True, kw_only=True)
class MyRule(PlasticityRule):
    """Add a constant at every post spike."""
    on_post = "w = clip(w + step, 0, w_max)"
    step: float = number(0.1, doc="what is added")
'''


# -- lists ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rule", "neuron"])
def test_models_are_listed_with_a_line_and_a_source(kind, capsys):
    assert main(["models", f"--{kind}s"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, cls in built_in(kind).items():
        first = (cls.__doc__ or "").split("\n")[0]
        at = lines.index(f"{name}: {first}")
        assert lines[at + 1].startswith("  source ")
    assert lines[-1].startswith(f"Draw one: stdpnet plot {kind} NAME")


def test_lists_as_json(capsys):
    assert main(["models", "--rules", "--neurons", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["rules", "neurons"]
    assert [entry["name"] for entry in found["rules"]] == list(built_in("rule"))
    for entry in found["rules"] + found["neurons"]:
        assert set(entry) == {"name", "title", "source"}
        assert all(entry.values())


# -- figures ----------------------------------------------------------------------


@pytest.fixture
def measured(monkeypatch, tmp_path) -> list:
    """Nothing is simulated; returns the models that were to be measured."""
    asked: list = []

    def measure(model, **options):
        asked.append((model, options))
        x = np.arange(3.0)
        trace = Trace(x, x, None, "1", x[:0], (0.0, 1.0), 10.0, 0.5)
        curve = Curve("Drive", "1", "Firing rate", "Hz", x, x, x)
        return NeuronNumbers(model, trace, curve, None)

    monkeypatch.setattr(model_figures, "measure_model", measure)
    monkeypatch.chdir(tmp_path)
    return asked


def test_a_figure_is_written_and_what_is_next_is_told(measured, tmp_path, capsys):
    words = ["plot", "neuron", "LIF", "--set", "tau_m=5 ms", "--set", "neuron.v_th=2"]
    assert main([*words, "--seed", "3", "-o", "a/b.svg"]) == 0
    (asked,) = measured
    assert asked == (LIF(tau_m="5 ms", v_th=2), {"seed": 3, "visible": True})
    assert b"<svg" in (tmp_path / "a/b.svg").read_bytes()
    assert capsys.readouterr().out.splitlines() == [
        "figure   a/b.svg",
        "formula  largest difference from the formula 0.00%",
        "next     stdpnet train conv-stdp --set neuron.type=LIF "
        "--set 'neuron.tau_m=5 ms' --set neuron.v_th=2",
    ]


def test_what_is_next_can_be_done(measured, capsys):
    assert main(["plot", "rule", "TripletSTDP"]) == 0
    assert capsys.readouterr().out.endswith(
        "stdpnet train conv-stdp --set rule.type=TripletSTDP --set network.inhibition=none\n"
    )


def test_the_file_is_named_after_the_model(measured, tmp_path, capsys):
    assert main(["plot", "neuron", "LIF", "--json"]) == 0
    assert (tmp_path / "LIF.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(capsys.readouterr().out)
    assert found["path"] == "LIF.png"
    assert found["neuron"]["type"] == "LIF"
    assert found["response"]["y"] == [0, 1, 2]
    assert found["response"]["y_unit"] == "Hz"
    assert found["trace"]["input_hz"] == 10
    assert found["adaptation"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("rule TraceSTPD", "unknown rule 'TraceSTPD'.*Did you mean 'TraceSTDP'"),
        ("neuron LFI", "unknown neuron 'LFI'.*Did you mean 'LIF'"),
        ("rule LIF", "unknown rule 'LIF'"),
        ("rule no.py:Rule", "no such file: no.py"),
        ("rule own.py:Rule", "own.py: unknown class 'Rule'; known: MyRule"),
        (
            "rule own.py:MyRule --set stp=1",
            "unknown MyRule parameter 'stp'.*Did you mean 'step'",
        ),
        ("rule TraceSTDP --set ofset=1", "parameter 'ofset'.*Did you mean 'offset'"),
        ("rule TraceSTDP --set offset=2", "TraceSTDP.offset must be <= 1, got 2"),
        ("rule TraceSTDP --set tau_pre=3", "tau_pre must have dimension 's'"),
        ("rule TraceSTDP --set offset", "--set is written KEY=VALUE, got 'offset'"),
        ("rule TraceSTDP --set type=LIF", "--set must not change the type, got 'LIF'"),
        ("neuron LIF -o a.gif", "a.gif must end in .png, .svg, .pdf; rename it"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(words, message, measured, tmp_path, capsys):
    (tmp_path / "own.py").write_text(OWN_RULE)
    assert main(["plot", *words.split()]) == 2
    shown = capsys.readouterr()
    assert (shown.out, measured) == ("", [])
    (line,) = shown.err.splitlines()
    with pytest.raises(ValueError, match=message):
        raise ValueError(line)


@pytest.mark.slow
def test_a_rule_of_ones_own_is_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN_RULE)
    assert main(["plot", "rule", "own.py:MyRule", "--set", "step=0.2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (tmp_path / "MyRule.png").is_file()
    before = np.asarray(found["w"])
    change = np.clip(before + 0.2, 0, 1) - before
    assert np.asarray(found["measured"]) == pytest.approx(
        np.tile(change, (len(found["delta_ms"]), 1))
    )
    assert found["expected"] is None
    # One step is enough for a weight of a half, unless the target never spikes.
    assert np.all(np.asarray(found["mean_w"])[:, 0] == 0.5)
    assert np.all(np.asarray(found["mean_w"])[:, 2:] > 0.9)
