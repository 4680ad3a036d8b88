"""Packaging: files that must agree, what `make` does, and what a wheel holds."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import stdpnet

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "stdpnet"

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
