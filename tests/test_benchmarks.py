"""What the benchmark is measured on, and how its ratios are made; times are not tested."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

FILE = Path(__file__).resolve().parents[1] / "benchmarks" / "bench.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_mnist_the_images_are_enlarged_digits(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("STDPNET_DATA", str(tmp_path))
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path))
    found, source = bench.images(2000)
    assert (found.shape, found.dtype, found.max()) == ((2000, 28, 28), np.uint8, 240)
    assert source == "scikit-learn's digits, enlarged"


def test_mnist_is_used_wherever_it_is_found(bench, monkeypatch):
    monkeypatch.delenv("STDPNET_DATA", raising=False)
    asked = []

    def load(name: str, **options) -> SimpleNamespace:
        asked.append((name, options))
        return SimpleNamespace(X_train=np.ones((9, 28, 28), np.uint8))

    monkeypatch.setattr(bench, "load_dataset", load)
    found, source = bench.images(4)
    assert (len(found), source) == (4, "MNIST")
    assert asked == [("mnist", {"download": False})]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--repeats", "0"], "--repeats must be >= 1, got 0"),
        (["--examples", "0"], "--examples must be >= 3, got 0"),
        (["--plain-examples", "2"], "--plain-examples must be >= 3, got 2"),
        (["--examples", "20"], "--plain-examples must be <= --examples 20, got 60"),
    ],
)
def test_options_that_cannot_be_measured_are_refused(bench, words, message, capsys):
    with pytest.raises(SystemExit) as ending:
        bench.parse(words)
    assert ending.value.code == 2
    assert message in capsys.readouterr().err
    assert bench.parse([]).repeats == 5


def test_ratios_are_of_time_and_of_memory(bench):
    found = {
        bench.PROGRAM: {"seconds": 0.002, "peak_mb": 10.0},
        "fit": {"seconds": 0.003},
        "plain": {"seconds": 0.05, "peak_mb": 400.0},
    }
    bench.add_ratios(found)
    assert found["plain"]["ratio"] == pytest.approx(25)
    assert found["plain"]["memory_ratio"] == pytest.approx(40)
    assert found["fit"]["ratio"] == pytest.approx(1.5)
    assert "memory_ratio" not in found["fit"]
    rows = [line.split() for line in bench.table(found).splitlines()]
    assert rows[1:] == [
        ["stdpnet", "program", "alone", "2.000", "1.00", "10", "1.0"],
        ["fit", "3.000", "1.50"],
        ["plain", "50.000", "25.00", "400", "40.0"],
    ]


ONE_CORE = """
import importlib.util, json, os, subprocess, sys
spec = importlib.util.spec_from_file_location("bench", sys.argv[1])
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)
bench.one_core()
from threadpoolctl import threadpool_info
child = "import os; print(len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])"
print(json.dumps([
    [pool["num_threads"] for pool in threadpool_info()],
    subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout,
]))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_everything_runs_on_one_core():
    command = [sys.executable, "-c", ONE_CORE, str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    threads, child = json.loads(done.stdout)
    assert set(threads) == {1}
    assert child.split() == ["1", "1"]


RULES = FILE.with_name("rules.py")


def rules(*words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(RULES), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_all_rules_of_a_network_see_the_same_events():
    few = ("--examples", "4", "--repeats", "1", "--network", "winner-take-all")
    done = rules("SimplifiedSTDP", *few, "--json")
    (rows,) = json.loads(done.stdout).values()
    assert set(rows) == {"TraceSTDP", "SimplifiedSTDP"}
    ours, peer = rows["SimplifiedSTDP"], rows["TraceSTDP"]
    assert (ours["peer"], ours["limit"]) == ("TraceSTDP", 1.5)
    assert ours["updates"] == peer["updates"] > 0
    assert ours["times"] == ours["ms"] / peer["ms"]


def test_a_rule_that_is_not_there_is_refused():
    done = rules("NoRule")
    assert done.returncode == 2
    assert "unknown rules: NoRule; known: " in done.stderr
