"""Files for clusters: they are valid, and the script works where a command is its SLURM."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from stdpnet.sweep.frame import frame

FILES = Path(__file__).resolve().parents[1] / "docs" / "cluster"
MANIFESTS = sorted(FILES.glob("*.yaml"))
SCRIPT = FILES / "sweep.sbatch"
#: What comes with this Python.
COMMANDS = Path(sys.executable).parent
CALLED = re.compile(r"\b(dask|stdpnet) (\w+) (.*)")


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.name)
def test_manifests_are_valid(file):
    schemas = pytest.importorskip("kubernetes_validate")
    version = schemas.latest_version()
    for document in yaml.safe_load_all(file.read_text()):
        schemas.validate(document, version, strict=True)
        with pytest.raises(schemas.ValidationError):
            schemas.validate(document | {"spce": {}}, version, strict=True)


def pod(document: dict) -> dict:
    """What a manifest says of its pods; empty if it makes none."""
    return document["spec"].get("template", {}).get("spec", {})


def words_of(file: Path) -> str:
    """What is run, a command a line."""
    if file == SCRIPT:
        return re.sub("^ *#.*", "", file.read_text(), flags=re.MULTILINE)
    pods = map(pod, yaml.safe_load_all(file.read_text()))
    containers = [one for found in pods for one in found.get("containers", ())]
    return "\n".join(
        " ".join([*one["command"], *one.get("args", ())]) for one in containers
    )


@pytest.mark.parametrize("file", [*MANIFESTS, SCRIPT], ids=lambda file: file.name)
def test_commands_and_their_options_exist(file):
    called = CALLED.findall(words_of(file))
    assert {found[:2] for found in called} >= {
        ("dask", "scheduler"),
        ("dask", "worker"),
        ("stdpnet", "sweep"),
    }
    for command, name, rest in called:
        shown = subprocess.run(
            [sys.executable, "-m", command, name, "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        known = set(re.findall(r"--[\w-]+", shown))
        assert set(re.findall(r"(?<=\s)--[\w-]+", f" {rest}")) <= known


def test_parts_of_a_manifest_find_each_other():
    documents = [
        one for file in MANIFESTS for one in yaml.safe_load_all(file.read_text())
    ]
    labels = [
        found["spec"]["template"]["metadata"]["labels"]
        for found in documents
        if pod(found)
    ]
    for one in documents:
        if one["kind"] == "Service":
            assert one["spec"]["selector"] in labels
            address = (
                f"tcp://{one['metadata']['name']}:{one['spec']['ports'][0]['port']}"
            )
            assert FILES.joinpath("kubernetes.yaml").read_text().count(address) == 2
        elif one["kind"] == "Deployment":
            selected = one["spec"]["selector"]["matchLabels"]
            assert selected == one["spec"]["template"]["metadata"]["labels"]


# -- the script of SLURM --------------------------------------------------------------


def test_the_script_is_bash_and_its_settings_come_first():
    subprocess.run(["bash", "-n", SCRIPT], check=True)
    lines = SCRIPT.read_text().splitlines()
    begin = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    settings = [i for i, line in enumerate(lines) if line.startswith("#SBATCH ")]
    assert settings
    assert max(settings) < begin  # SLURM reads no further


@pytest.fixture
def submit(tmp_path):
    """Run the script as SLURM would on one node: ``srun`` runs its words."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text('#!/bin/sh\nexec "$@"\n')
    srun.chmod(0o755)
    path = os.pathsep.join([str(srun.parent), str(COMMANDS), os.environ["PATH"]])
    started = []

    def start(*words: str) -> subprocess.Popen:
        process = subprocess.Popen(
            ["bash", SCRIPT, *words],
            env=dict(os.environ, PATH=path, TMPDIR=str(tmp_path)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def finished(out: Path) -> list[Path]:
    """Files of the runs that are finished."""
    found = [file for file in out.glob("trials/*/*/run.json") if file.stat().st_size]
    return [one for one in found if json.loads(one.read_text())["status"] == "finished"]


@pytest.mark.slow
def test_the_script_goes_on_with_a_sweep_that_slurm_has_ended(
    submit, small_spec, tmp_path
):
    out, n_trials = tmp_path / "s", 6
    words = [str(out), str(small_spec), "--param", "rule.learning_rate=0.01:0.1:log"]
    words += ["--trials", str(n_trials), "--n-train", "300", "--n-test", "200"]
    job = submit(*words)
    while not finished(out):
        assert job.poll() is None, job.communicate()
        time.sleep(0.05)
    job.send_signal(signal.SIGTERM)  # the script alone, as with --signal B:TERM
    _, errors = job.communicate()
    assert job.returncode == 130
    assert f"interrupted; what was finished is kept in {out}." in errors
    states = set(frame(out)["state"])
    assert "waiting" in states
    assert states <= {"waiting", "complete"}
    done = {file: file.stat().st_mtime_ns for file in finished(out)}
    again = submit(*words)
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert list(frame(out)["state"]) == ["complete"] * n_trials
    assert len(finished(out)) == n_trials
    assert {file: file.stat().st_mtime_ns for file in done} == done


def test_the_script_without_words_says_what_it_needs(submit):
    job = submit()
    _, errors = job.communicate()
    assert job.returncode != 0
    assert "give FOLDER SPEC, or the FOLDER of a sweep to go on with" in errors
