"""``stdpnet sweep`` and ``export``: what they print, and what kills leave behind."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from stdpnet.analysis import load_run
from stdpnet.cli import main
from stdpnet.sweep.frame import frame

pytestmark = pytest.mark.slow

SIZES = ("--n-train", "300", "--n-test", "200")


@pytest.fixture(scope="module")
def words(small_spec) -> list[str]:
    varied = ["--param", "rule.learning_rate=0.01:0.1:log"]
    return ["sweep", str(small_spec), *varied, *SIZES]


@pytest.fixture(scope="module")
def swept(start, words, tmp_path_factory):
    """Folder of a finished sweep, what was printed, and what was told on the way."""
    out = tmp_path_factory.mktemp("sweeps") / "one"
    process = start(*words, "--trials", "2", "--out", str(out), "--json")
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return out, json.loads(output), errors


def test_json_of_a_sweep_has_the_best_trial(swept):
    out, printed, _ = swept
    table = frame(out)
    best = table.loc[table["accuracy"].idxmax()]
    assert printed["best"]["trial"] == best["trial"]
    assert printed["best"]["values"] == [best["accuracy"]]
    assert printed["trials"]["complete"] == 2
    assert printed["sweep"] == str(out)
    assert printed["test"]["trial"] == best["trial"]


def test_a_log_gets_a_line_now_and_then(swept):
    _, _, errors = swept
    lines = errors.splitlines()
    assert 1 <= len(lines) <= 10
    assert all("of 2 trials done, best accuracy 0." in line for line in lines)


def test_a_sweep_tells_the_best_values_and_the_next_step(swept, capsys):
    out, printed, _ = swept
    assert main(["sweep", "--resume", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    rate = printed["best"]["parameters"]["rule.learning_rate"]
    assert f"rule.learning_rate={rate:.10g}" in shown
    assert "best of 2 trials: accuracy " in shown
    assert "test accuracy " in shown
    assert f"next   stdpnet report {out}" in shown


def test_report_and_export_take_the_folder_of_a_sweep(swept, tmp_path, capsys):
    out, _, _ = swept
    page, table = tmp_path / "page.html", tmp_path / "runs.parquet"
    assert main(["report", str(out), "-o", str(page)]) == 0
    assert "<svg" in page.read_text()
    assert main(["export", str(out), "--runs", "-o", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["file"] == str(table)
    assert main(["export", str(out), "-o", str(tmp_path / "table.txt")]) == 2
    assert "must end in .csv or .parquet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--resume"], "--resume goes on with what the sweep in --out has; leave SPEC"),
        (["--trials", "0"], "--trials"),
        (["--scheduler", "tcp://127.0.0.1:1"], "no Dask scheduler answers at tcp:"),
        (["--storage", "nonsense"], "storage 'nonsense' is not a URL"),
        (["--set", "rule.mu"], "an override is written section.key=value"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    words, tmp_path, more, message, capsys
):
    out = tmp_path / "s"
    assert main([*words, *more, "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("stdpnet sweep: ")
    assert message in line
    assert not out.exists()


def test_a_sweep_of_nothing_is_refused(capsys):
    assert main(["sweep"]) == 2
    expected = "stdpnet sweep: give the name or file of a specification, or --resume"
    assert capsys.readouterr().err.startswith(expected)


# -- kills ------------------------------------------------------------------------


def wait_for(condition, process, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def workers_of(process: subprocess.Popen) -> list[int]:
    import psutil

    (parent,) = psutil.Process(process.pid).children()
    return [worker.pid for worker in parent.children()]


def all_gone(pids: list[int]) -> bool:
    import psutil

    return not any(psutil.pid_exists(pid) for pid in pids)


def check_finished(out: Path, n_trials: int) -> None:
    """Every trial is complete, every run is there once and can be read."""
    table, runs = frame(out), frame(out, runs=True)
    assert list(table["state"]) == ["complete"] * n_trials
    assert len(runs) == n_trials
    for number in range(n_trials):
        run = load_run(out / "trials" / f"{number:04d}" / "seed-0")
        accuracy = runs.set_index("trial").loc[number, "accuracy"]
        assert run.metrics["accuracy"] == accuracy


def test_a_sweep_that_is_killed_goes_on_where_it_was(start, words, tmp_path, rng):
    out, n_trials = tmp_path / "s", 5
    command = [*words, "--trials", str(n_trials), "--jobs", "2", "--out", str(out)]
    done: dict[str, int] = {}
    for n_done in (1, 3):
        process = start(*command)
        wait_for(lambda n=n_done: n_runs(out) >= n, process)
        time.sleep(rng.uniform(0, 0.5))
        workers = workers_of(process)
        process.kill()
        process.communicate()
        end = time.monotonic() + 30
        while not all_gone(workers):  # they end with their parent
            assert time.monotonic() < end
            time.sleep(0.05)
        done |= finished_runs(out)
        command = ["sweep", "--resume", "--jobs", "2", "--out", str(out)]
    process = start(*command)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    check_finished(out, n_trials)
    again = finished_runs(out)
    assert {name: again[name] for name in done} == done


def finished_runs(out: Path) -> dict[str, int]:
    """Return when the finished runs were written, by folder."""
    found = {}
    for file in out.glob("trials/*/*/run.json"):
        text = file.read_text()
        if text and json.loads(text)["status"] == "finished":
            found[str(file)] = file.stat().st_mtime_ns
    return found


def n_runs(out: Path) -> int:
    return len(finished_runs(out))


def test_ctrl_c_keeps_what_is_finished_and_tells_how_to_go_on(start, words, tmp_path):
    out = tmp_path / "s"
    process = start(*words, "--trials", "3", "--out", str(out))
    wait_for(lambda: n_runs(out) >= 1, process)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    last = errors.splitlines()[-1]
    assert last == (
        f"stdpnet sweep: interrupted; what was finished is kept in {out}. "
        f"Go on with: stdpnet sweep --resume --out {out}"
    )
    assert "Traceback" not in errors
    assert main(["sweep", "--resume", "--out", str(out)]) == 0
    check_finished(out, 3)


def test_a_worker_that_is_killed_is_replaced(start, words, tmp_path):
    out = tmp_path / "s"
    process = start(*words, "--trials", "4", "--out", str(out))
    wait_for(lambda: n_runs(out) >= 1, process)
    (worker,) = workers_of(process)
    os.kill(worker, signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    check_finished(out, 4)


def test_two_processes_share_the_trials_of_a_sweep(start, words, tmp_path):
    out = tmp_path / "s"
    first = start(*words, "--trials", "30", "--out", str(out))
    wait_for(lambda: n_runs(out) >= 1, first)
    second = start("sweep", "--resume", "--out", str(out))
    for process in (first, second):
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    check_finished(out, 30)
    from stdpnet.sweep.frame import open_sweep

    trials = open_sweep(out)[2].study.trials
    owners = {trial.user_attrs["stdpnet:owner"]["pid"] for trial in trials}
    assert owners == {first.pid, second.pid}


# -- a database and a scheduler of other programs -----------------------------------


def postgresql() -> Path | None:
    """Return where the programs of a PostgreSQL server are."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


@pytest.fixture
def database():
    """URL of a database of a PostgreSQL server that listens on a socket only."""
    programs = postgresql()
    if programs is None:
        pytest.skip("no PostgreSQL server (Debian: apt install postgresql)")
    # Short, as names of sockets must be, and where another user may go.
    place = Path(tempfile.mkdtemp(prefix="stdpnet-pg-", dir="/tmp"))
    # The server refuses to run as root.
    user = {"user": "postgres"} if os.getuid() == 0 else {}
    if user:
        shutil.chown(place, "postgres")

    def run(name: str, *words: str) -> None:
        options = {"cwd": place, "stdout": subprocess.DEVNULL, **user}
        subprocess.run([programs / name, *words], check=True, **options)

    server = ("-D", str(place / "data"), "-w")
    run("initdb", *server[:2], "-U", "me", "-A", "trust", "--no-sync")
    settings = f"-c listen_addresses= -c fsync=off -k {place}"
    run("pg_ctl", *server, "-o", settings, "-l", str(place / "log"), "start")
    try:
        yield f"postgresql+psycopg://me:secret@/postgres?host={place}"
    finally:
        run("pg_ctl", *server, "-m", "immediate", "stop")
        shutil.rmtree(place, ignore_errors=True)


def test_trials_may_be_kept_in_postgresql(start, words, database, tmp_path):
    for name in ("one", "two"):
        out = tmp_path / name
        asked = ["--trials", "2", "--jobs", "2", "--storage", database]
        process = start(*words, *asked, "--out", str(out))
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        check_finished(out, 2)
        assert not (out / "study.db").exists()
        assert "secret" not in (out / "sweep.json").read_text()
    taken = [*words, "--trials", "2", "--storage", database, "--name", "one"]
    process = start(*taken, "--out", str(tmp_path / "three"))
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "the storage has a sweep 'one' already" in errors
    assert not (tmp_path / "three").exists()


def test_workers_of_a_scheduler_do_the_work(start, words, tmp_path):
    from distributed import LocalCluster

    from stdpnet.cluster import LocalWorkers

    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        LocalWorkers() as workers,
    ):
        workers.work_for(cluster.scheduler_address, 1)
        address = cluster.scheduler_address
        out = tmp_path / "s"
        process = start(
            *words, "--trials", "2", "--scheduler", address, "--out", str(out)
        )
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    check_finished(out, 2)
    assert np.isfinite(frame(out)["accuracy"]).all()
