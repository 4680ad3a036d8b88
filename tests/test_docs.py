"""Every code block of README and docs: run, with fewer images, or checked word by word.

Python blocks of a page share their names and follow each other, as for a reader who types
them. A block that begins with ``# NAME.py`` is that file. Commands of ``stdpnet`` run as
typed, but on few images; where a page tells of hours of work, or of other machines, they
are parsed and not run.
"""

import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer

import stdpnet.datasets
from stdpnet.cli import app, main
from stdpnet.estimators.spec import load_models
from stdpnet.sweep.options import SweepOptions, define

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Pages of studies that take hours.
LONG = ("results.md", "explored.md", "explored-cifar10.md")

FEW = ["--n-fit", "60", "--n-train", "80", "--n-test", "40"]
#: What makes a command small; the last of two equal options counts.
SMALL = {
    "train": FEW,
    "sweep": [*FEW, "--trials", "2", "--seeds", "1"],
    "device": ["--samples", "60"],
}
#: Commands whose folders a page takes for granted.
BEFORE = {
    "README.md": ["stdpnet train conv-stdp --no-control --out runs/demo"],
    "sweeps.md": [
        "stdpnet train conv-stdp-mnist --dataset mnist --no-control --out runs/conv-stdp-mnist-1"
    ],
}

#: What a reader has written who follows `docs/own_rules.md`.
MY_RULE = """
from dataclasses import dataclass

from stdpnet.models.plasticity import TraceSTDP


@dataclass(frozen=True, kw_only=True)
class MyRule(TraceSTDP):
    pass
"""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the code blocks of a page with their languages."""
    return BLOCK.findall(page.read_text())


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of the commands of a block, without what they print."""
    lines = text.replace("\\\n", " ").splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    for line in lines:
        for part in line.split("&&"):
            words = shlex.split(part.strip().replace(".venv/bin/", ""), comments=True)
            if words and words[0] not in ("for", "done"):
                yield [word for word in words if not word.startswith("STDPNET_DATA=")]


def check(words: list[str]) -> None:
    """Raise an error unless a command exists and takes these words."""
    program, *rest = words
    if program == "stdpnet":
        group, name = typer.main.get_command(app), program
        while hasattr(group, "resolve_command"):
            context = group.make_context(name, list(rest), allow_extra_args=True)
            given = [*context._protected_args, *context.args]
            name, group, rest = group.resolve_command(context, given)
        group.make_context(name, [word.replace("$seed", "0") for word in rest])
    elif program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {word for word in rest if "=" not in word} <= set(targets)
    elif program == "python":
        assert (ROOT / rest[0]).is_file(), rest
    else:
        assert program in {"git", "cd", "pip", "dask", "sbatch", "optuna-dashboard"}


def run(words: list[str]) -> None:
    """Run a command of ours on few images."""
    _, name, *rest = words
    if "--scheduler" in rest or [name, *rest][:2] == ["data", "fetch"]:
        check(words)  # needs other machines
        return
    small = [] if "--resume" in rest else SMALL.get(name, [])
    if name == "train" and rest[0].startswith("diehl-cook"):
        small = [*small, "--no-control", "--set", "network.n_settle=60"]
    assert main([name, *rest, *small]) == 0, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_and_take_these_options(page):
    for language, text in blocks(page):
        for words in commands(text) if language == "console" else ():
            check(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_languages_of_blocks_are_known(page):
    assert {language for language, _ in blocks(page)} <= {
        "console",
        "python",
        "toml",
        "text",
    }


@pytest.fixture
def place(tmp_path, monkeypatch, mnist) -> Path:
    """A folder to work in, with the files that pages take for granted, and few images."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    joined = np.stack(np.meshgrid(np.arange(784), np.arange(400)), -1).reshape(-1, 2)
    np.save("XeAe.npy", np.column_stack([joined, rng.random(len(joined))]))
    np.save("theta_A.npy", rng.uniform(0.0, 0.02, 400))
    with h5py.File("more.h5", "w") as file:
        file["X"], file["y"] = mnist.X_test[:50], mnist.y_test[:50]
    (tmp_path / "my_rules.py").write_text(MY_RULE)
    load = stdpnet.datasets.load_dataset
    monkeypatch.setattr(stdpnet, "load_dataset", few(load), raising=False)
    return tmp_path


def few(load: Callable) -> Callable:
    def load_few(name: str) -> stdpnet.datasets.Dataset:
        data = load(name, download=False)
        return replace(
            data,
            X_train=data.X_train[:100],
            y_train=data.y_train[:100],
            X_test=data.X_test[:50],
            y_test=data.y_test[:50],
        )

    return load_few


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name not in LONG and blocks(page)],
    ids=lambda page: page.name,
)
def test_blocks_run_one_after_the_other(page, place):
    names: dict = {}
    for command in BEFORE.get(page.name, []):
        run(shlex.split(command))
    for language, text in blocks(page):
        if language == "python":
            run_python(text, place, names)
        elif language == "toml":
            check_toml(tomllib.loads(text), text, place)
        elif language == "console":
            for words in commands(text):
                if words[0] == "stdpnet":
                    run(words)


def run_python(text: str, place: Path, names: dict) -> None:
    first = re.match(r"# (\w+\.py)\n", text)
    if first:
        (place / first[1]).write_text(text)
    else:
        exec(compile(text, "block", "exec"), names)


def check_toml(content: dict, text: str, place: Path) -> None:
    """Put sections into the smallest specification, in place of its own."""
    smallest = ROOT / "models" / "conv-stdp.toml"
    kept = "" if "modalities" in content else smallest.read_text()
    for section in content:
        kept = re.sub(rf"^\[{section}\]\n([^\[].*\n|\n)*", "", kept, flags=re.MULTILINE)
    file = place / "part.toml"
    file.write_text(f"{kept}\n{text}")
    load_models(str(file))
    if "sweep" in content:
        define(SweepOptions(spec=str(file)))
