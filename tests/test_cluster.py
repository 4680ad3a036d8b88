"""Workers here and elsewhere: what they need, and that others can use them."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import psutil
import pytest
from distributed import Client, LocalCluster
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import Pipeline

from stdpnet import LinearReadout, __version__
from stdpnet.cluster import (
    ClusterError,
    LocalWorkers,
    check_workers,
    local_cluster,
    quieten,
    remote_cluster,
)

pytestmark = pytest.mark.slow

SHADOW = '__version__ = "0.0.1"'


@pytest.fixture
def scheduler() -> Iterator[Client]:
    """A scheduler without workers."""
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def start_worker(client: Client, folder: Path, **environment: str) -> subprocess.Popen:
    """Start a worker of Dask's own command, which imports nothing of ours."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker"]
    command += [client.scheduler.address, "--nthreads", "1", "--no-dashboard"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(os.environ, **environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client.wait_for_workers(1, timeout=60)
    return process


def test_a_scheduler_that_stays_without_workers_is_refused(scheduler, monkeypatch):
    monkeypatch.setattr("stdpnet.cluster.cluster.PATIENCE", 1.0)
    with pytest.raises(
        ClusterError, match="has no workers; start one with 'dask worker"
    ):
        with remote_cluster(scheduler.scheduler.address):
            pass


def test_workers_may_come_after_their_scheduler(scheduler):
    with LocalWorkers() as workers:
        workers.work_for(scheduler.scheduler.address, 1)
        with remote_cluster(scheduler.scheduler.address) as client:
            assert client.submit(abs, -1).result() == 1


def test_workers_of_this_installation_will_do(scheduler):
    with LocalWorkers() as workers:
        workers.work_for(scheduler.scheduler.address, 1)
        scheduler.wait_for_workers(1, timeout=60)
        check_workers(scheduler, scheduler.scheduler.address)


def test_dask_tells_nothing_of_connections_that_are_lost():
    quieten()
    names = [
        name
        for name in logging.root.manager.loggerDict
        if name.split(".")[0] in ("distributed", "tornado")
    ]
    assert "distributed.client" in names
    levels = {logging.getLogger(name).getEffectiveLevel() for name in names}
    assert levels == {logging.CRITICAL}


def test_nobody_else_can_reach_what_works_on_this_machine():
    with local_cluster(1):
        this = psutil.Process()
        for process in (this, *this.children(recursive=True)):
            found = process.net_connections()
            listening = {one.laddr.ip for one in found if one.status == "LISTEN"}
            assert listening <= {"127.0.0.1"}


def test_two_clusters_can_be_at_work_at_once():
    with local_cluster(1) as one, local_cluster(1) as other:
        assert (one.submit(abs, -1).result(), other.submit(abs, -2).result()) == (1, 2)


def test_workers_that_cannot_start_are_not_waited_for(capfd):
    with LocalWorkers("no_such_module") as workers:
        with pytest.raises(ClusterError, match="workers cannot start on this machine"):
            with local_cluster(1, workers):
                pass
    assert "No module named 'no_such_module'" in capfd.readouterr().err


def test_workers_are_replaced_however_often_they_end(scheduler):
    with LocalWorkers() as workers:
        workers.work_for(scheduler.scheduler.address, 1)
        for _ in range(5):
            scheduler.wait_for_workers(1, timeout=60)
            end_and_see_another(scheduler, processes()[-1])


def test_so_is_the_process_that_started_them(scheduler):
    with LocalWorkers() as workers:
        workers.work_for(scheduler.scheduler.address, 1)
        scheduler.wait_for_workers(1, timeout=60)
        end_and_see_another(scheduler, processes()[0])


def end_and_see_another(client: Client, process: psutil.Process) -> None:
    before = ids(client)
    process.kill()
    while ids(client) & before:
        time.sleep(0.05)
    client.wait_for_workers(1, timeout=60)


def processes() -> list[psutil.Process]:
    """Return the process that starts workers, and the workers."""
    found = psutil.Process().children(recursive=True)
    return [one for one in found if "stdpnet.cluster.worker" in one.cmdline()]


def ids(client: Client) -> set[str]:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return {worker["id"] for worker in workers}


def test_a_worker_with_another_version_is_named(scheduler, tmp_path):
    (tmp_path / "stdpnet").mkdir()
    (tmp_path / "stdpnet" / "__init__.py").write_text(SHADOW)
    message = rf"has stdpnet 0\.0\.1, this is {__version__}; install"
    check_refused(scheduler, tmp_path, message, PYTHONPATH=str(tmp_path))


def test_a_worker_without_a_compiler_is_named(scheduler, tmp_path):
    message = r"has no C\+\+ compiler .*; install one"
    check_refused(scheduler, tmp_path, message, PATH="/nowhere", CXX="")


def check_refused(
    client: Client, folder: Path, message: str, **environment: str
) -> None:
    worker = start_worker(client, folder, **environment)
    try:
        with pytest.raises(ClusterError, match=message):
            check_workers(client, client.scheduler.address)
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
def test_searches_of_scikit_learn_use_the_workers_by_joblib(conv, digits, search):
    images, labels = digits[0][:240], digits[1][:240]
    pipeline = Pipeline([("conv", conv()), ("readout", LinearReadout())])
    rates = {"conv__rule__learning_rate": [0.01, 0.05]}
    options = {"cv": 2, "refit": False}
    if search is HalvingGridSearchCV:
        options |= {"random_state": 0, "min_resources": 120}
    here = search(pipeline, rates, **options).fit(images, labels)
    with local_cluster(2) as client, client.as_current():
        with joblib.parallel_config(backend="dask"):
            there = search(pipeline, rates, **options).fit(images, labels)
    assert list(here.cv_results_["mean_test_score"]) == pytest.approx(
        list(there.cv_results_["mean_test_score"])
    )
