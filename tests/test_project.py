"""Rules of the code that no linter knows: layers, lengths, what is imported when."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stdpnet

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "stdpnet"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Rooms of the package from the ground up; imports point to the same rank or down.
RANKS = (
    {"units"},
    {"config", "runs", "catalog", "specs", "extras"},
    {"models", "devices", "audio"},
    {"engine", "readout", "compression", "costs", "encoding", "datasets"},
    {"estimators", "network"},
    {"sweep", "training", "analysis", "cluster", "shards"},
    {"cli"},
)
#: The rooms of one of these ranks do not know each other.
APART = RANKS[2:4]

#: Where Brian2 is imported on loading, when a program is built or for lack of a compiler.
NEEDS_BRIAN2 = {
    f"stdpnet.engine.{name}"
    for name in (
        "assemble",
        "brian2_api",
        "build",
        "delays",
        "logs",
        "monitors",
        "native",
        "presenting",
        "reference",
        "synapses",
    )
}
PICKLES = {"pickle", "_pickle", "cloudpickle", "dill", "shelve"}

BRIAN2_BLOCKED = """
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "brian2":
            raise ImportError("Brian2 is blocked")

sys.meta_path.insert(0, Blocker())
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(source: str) -> Iterator[str]:
    """Every absolute name that the imports of a module mention, at any depth."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{alias.name}" for alias in node.names)


def rank_of(room: str) -> int:
    ranks = [rank for rank, rooms in enumerate(RANKS) if room in rooms]
    assert ranks, f"stdpnet.{room} has no rank; give it one in RANKS"
    return ranks[0]


def imports_upwards(module: str, source: str) -> list[str]:
    """Imports that break the order of the rooms."""
    room = module.split(".")[1]
    own = rank_of("cli" if room == "__main__" else room)
    wrong = []
    for name in imported_names(source):
        if name.startswith("."):
            wrong.append(f"{name} (relative)")
        if not name.startswith("stdpnet.") or name == "stdpnet.__version__":
            continue
        target = name.split(".")[1]
        strangers = any({room, target} <= rooms for rooms in APART)
        if rank_of(target) > own or (strangers and target != room):
            wrong.append(name)
    return wrong


def each_module(*left_out: str) -> pytest.MarkDecorator:
    modules = [path for path in MODULES if module_name(path) not in left_out]
    return pytest.mark.parametrize("path", modules, ids=module_name)


@each_module("stdpnet")
def test_imports_point_down(path):
    assert imports_upwards(module_name(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("stdpnet.units", "import stdpnet.config"),
        ("stdpnet.models.x", "def f():\n    from stdpnet.engine.run import run_chunk"),
        ("stdpnet.engine.run", "from stdpnet import datasets"),
        ("stdpnet.encoding.x", "from stdpnet.engine import cache"),
        ("stdpnet.devices.x", "from stdpnet.models import neurons"),
        ("stdpnet.audio.x", "from stdpnet.datasets import Dataset"),
        ("stdpnet.estimators.conv", "from stdpnet.analysis import plots"),
        ("stdpnet.analysis.x", "from .plots import kernels"),
    ],
)
def test_a_wrong_import_is_found(module, source):
    assert len(imports_upwards(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("stdpnet.engine.run", "from stdpnet.engine import cache"),
        ("stdpnet.engine.run", "from stdpnet import __version__"),
        ("stdpnet.cli.train", "from stdpnet.estimators.conv import ConvSTDP"),
        ("stdpnet.models.x", "import numpy as np"),
    ],
)
def test_a_right_import_passes(module, source):
    assert imports_upwards(module, source) == []


@each_module()
def test_brian2_stays_in_the_engine(path):
    names = list(imported_names(path.read_text()))
    used = {name for name in names if name.partition(".")[0] == "brian2"}
    if PACKAGE / "engine" not in path.parents:
        assert not used
    elif path.name != "brian2_api.py":
        assert used <= {"brian2"}, "private names belong in engine/brian2_api.py"


#: How Brian2's objects work inside.
PRIVATE = r"\.variables\b|\.template|\b_spikespace\b|\.codeobj|get_array_name"


@pytest.mark.parametrize("path", sorted((PACKAGE / "engine").glob("*.py")), ids=str)
def test_brian2s_insides_are_touched_in_one_file(path):
    found = re.findall(PRIVATE, path.read_text())
    assert bool(found) == (path.name == "brian2_api.py")


def test_only_what_needs_brian2_does_not_load_without_it():
    done = subprocess.run(
        [sys.executable, "-c", BRIAN2_BLOCKED, *map(module_name, MODULES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    failed = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert failed == dict.fromkeys(NEEDS_BRIAN2, "Brian2 is blocked")


@pytest.mark.parametrize("folder", ["stdpnet", "tests", "benchmarks", "analysis"])
def test_files_are_short(folder):
    files = (ROOT / folder).rglob("*.py")
    lengths = {
        str(file.relative_to(ROOT)): file.read_text().count("\n") for file in files
    }
    assert {name: n for name, n in lengths.items() if n > 400} == {}


@each_module()
def test_functions_are_short(path):
    nodes = ast.walk(ast.parse(path.read_text()))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    long = []
    for node in functions:
        body = node.body[1:] if ast.get_docstring(node) else node.body
        if body and body[-1].end_lineno - body[0].lineno >= 50:
            long.append(node.name)
    assert long == []


def test_public_names_are_there():
    stub = ast.parse((PACKAGE / "__init__.py").read_text())
    listed = {
        alias.asname
        for node in ast.walk(stub)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert listed == set(stdpnet.__all__)
    for name in stdpnet.__all__:
        assert getattr(stdpnet, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = stdpnet.nothing


@each_module()
def test_nothing_is_pickled(path):
    source = path.read_text()
    roots = {name.partition(".")[0] for name in imported_names(source)}
    nodes = ast.walk(ast.parse(source))
    keywords = [
        n for n in nodes if isinstance(n, ast.keyword) and n.arg == "allow_pickle"
    ]
    assert not roots & PICKLES
    assert all(ast.unparse(keyword.value) == "False" for keyword in keywords)
