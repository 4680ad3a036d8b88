"""Rules of the project that no linter knows: layers, packaging, files in step."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import stdpnet

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "stdpnet"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Rooms of the package from the ground up; imports point to the same rank or down.
RANKS = (
    {"units"},
    {"config", "runs", "catalog"},
    {"models"},
    {"engine", "readout", "compression", "encoding", "datasets"},
    {"estimators"},
    {"sweep", "training", "analysis"},
    {"cli"},
)
#: The rooms of this rank do not know each other.
APART = RANKS[3]

#: Where Brian2 is imported on loading, when a program is built or for lack of a compiler.
NEEDS_BRIAN2 = {
    f"stdpnet.engine.{name}"
    for name in ("assemble", "brian2_api", "build", "native", "reference")
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
        strangers = {room, target} <= APART and target != room
        if rank_of(target) > own or strangers:
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


def test_the_rest_loads_without_brian2():
    names = [name for name in map(module_name, MODULES) if name not in NEEDS_BRIAN2]
    done = subprocess.run(
        [sys.executable, "-c", BRIAN2_BLOCKED, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", sorted(NEEDS_BRIAN2))
def test_modules_that_need_brian2_exist(name):
    assert name in map(module_name, MODULES)


@pytest.mark.parametrize("folder", ["stdpnet", "tests", "benchmarks", "analysis"])
def test_files_are_short(folder):
    files = (ROOT / folder).rglob("*.py")
    lengths = {
        str(file.relative_to(ROOT)): file.read_text().count("\n") for file in files
    }
    assert {name: n for name, n in lengths.items() if n > 400} == {}


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


# -- files in step ------------------------------------------------------------


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def conda():
    """The environment file: name, conda's requirements and pip's."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (nested,) = [e for e in environment["dependencies"] if isinstance(e, dict)]
    return environment["name"], list(map(Requirement, plain)), nested["pip"]


def test_conda_installs_this_package(pyproject, conda):
    name, plain, pip = conda
    assert name == pyproject["project"]["name"]
    assert pip == ["-e .[dev]"]
    assert "dev" in pyproject["project"]["optional-dependencies"]
    assert {"python", "cxx-compiler", "make", "pip"} <= {entry.name for entry in plain}


def test_conda_wants_the_versions_of_pyproject(pyproject, conda):
    project = pyproject["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = [Requirement(line) for group in groups for line in group]
    wanted.append(Requirement(f"python{project['requires-python']}"))
    for entry in conda[1]:
        same = [w.specifier for w in wanted if w.name.lower() == entry.name.lower()]
        assert not same or entry.specifier in same, str(entry)


def test_python_is_the_same_everywhere(pyproject):
    oldest = pyproject["project"]["requires-python"].removeprefix(">=")
    makefile = (ROOT / "Makefile").read_text()
    assert f"< ({oldest.replace('.', ', ')}))" in makefile
    assert f"Python {oldest} or later" in makefile
    assert pyproject["tool"]["mypy"]["python_version"] == oldest


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    releases = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert citation["version"] == stdpnet.__version__ == releases[0]


def test_hooks_run_installed_tools(pyproject):
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    dev = pyproject["project"]["optional-dependencies"]["dev"]
    tools = {Requirement(line).name for line in dev}
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].split()[0] for hook in hooks} <= tools


def test_ci_script_can_be_run():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/usr/bin/env bash\n")


# -- make ---------------------------------------------------------------------

TRAIN = """#!/bin/sh
echo "$@" >> asked
test $1 = train || exit 0
mkdir -p runs/demo && echo {content} > runs/demo/report.html
exit {status}
"""


@pytest.fixture
def checkout(tmp_path):
    """A folder with the Makefile, where everything is installed but `train` is a stub."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def write_train(folder: Path, content: str, status: int = 0) -> None:
    stub = folder / ".venv" / "bin" / "stdpnet"
    stub.write_text(TRAIN.format(content=content, status=status))
    stub.chmod(0o755)


def test_demo_replaces_its_own_folder(checkout):
    for content in ("first", "second"):
        write_train(checkout, content)
        assert make(checkout, "demo").returncode == 0
        assert (checkout / "runs/demo/report.html").read_text() == f"{content}\n"
    asked = (checkout / "asked").read_text()
    commands = [
        "train conv-stdp --dataset digits --seed 0 --out runs/demo",
        "report runs/demo",
    ]
    assert asked.splitlines() == 2 * commands


def test_demo_replaces_what_a_failed_one_left(checkout):
    write_train(checkout, "half", status=3)
    assert make(checkout, "demo").returncode != 0
    write_train(checkout, "whole")
    assert make(checkout, "demo").returncode == 0
    assert (checkout / "runs/demo/report.html").read_text() == "whole\n"


def test_demo_keeps_a_folder_of_another_origin(checkout):
    (checkout / "runs" / "demo").mkdir(parents=True)
    (checkout / "runs" / "demo" / "mine").touch()
    write_train(checkout, "never")
    done = make(checkout, "demo")
    assert done.returncode != 0
    assert done.stderr.startswith(
        "runs/demo must be absent or made by 'make demo', got a folder of another origin"
    )
    assert [file.name for file in (checkout / "runs/demo").iterdir()] == ["mine"]


def test_nothing_is_installed_twice(checkout):
    write_train(checkout, "fine")
    assert "installing" not in make(checkout, "demo", "PYTHON=false").stdout


@pytest.mark.parametrize("python", ["false", "no-such-python"])
def test_an_old_python_is_refused(checkout, python):
    (checkout / ".venv" / ".installed").unlink()
    done = make(checkout, "test", f"PYTHON={python}")
    assert done.returncode != 0
    assert done.stderr.startswith("PYTHON must be Python 3.11 or later, got ")
    assert "make PYTHON=python3.12" in done.stderr.splitlines()[0]


# -- the wheel ----------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory):
    """Names in a wheel built from a copy of the checkout that has downloaded data."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, source)
    for name in ("stdpnet", "models", "datasets"):
        ignore = shutil.ignore_patterns(
            "__pycache__", "cache" if name != "stdpnet" else ""
        )
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    (source / "datasets" / "cache").mkdir()
    (source / "datasets" / "cache" / "mnist.gz").touch()
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--quiet",
        "--retries=1",
    ]
    done = subprocess.run(
        [*command, "--wheel-dir", str(source / "dist"), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No matching distribution found for hatchling" in done.stderr:
        pytest.skip("no package index to fetch hatchling from")
    assert done.returncode == 0, done.stderr
    (wheel,) = (source / "dist").glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_wheel_holds_only_the_package(wheel_files):
    tops = {name.partition("/")[0] for name in wheel_files}
    version = stdpnet.__version__
    assert tops == {"stdpnet", f"stdpnet-{version}.dist-info"}
    assert not [name for name in wheel_files if "cache/" in name]


@pytest.mark.slow
def test_wheel_holds_every_file_and_the_catalogue(wheel_files):
    files = [path for path in PACKAGE.rglob("*") if path.is_file()]
    expected = {
        f"stdpnet/{path.relative_to(PACKAGE).as_posix()}"
        for path in files
        if "__pycache__" not in path.parts
    }
    for folder in ("models", "datasets"):
        specs = (ROOT / folder).glob("*.toml")
        expected |= {f"stdpnet/_catalog/{folder}/{path.name}" for path in specs}
    assert expected <= wheel_files
    assert "stdpnet/_catalog/datasets/digits.toml" in expected
