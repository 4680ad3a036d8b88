"""Workers here and elsewhere: what they need, and that others can use them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest
from distributed import Client, LocalCluster
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import Pipeline

from stdpnet import LinearReadout, __version__
from stdpnet.cluster import ClusterError, LocalWorkers, check_workers, local_cluster

pytestmark = pytest.mark.slow

SHADOW = '__version__ = "0.0.1"'


@pytest.fixture
def scheduler() -> Iterator[Client]:
    """A scheduler without workers."""
    with (
        LocalCluster(n_workers=0, dashboard_address=None, silence_logs=50) as cluster,
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


def test_a_scheduler_without_workers_is_refused(scheduler):
    with pytest.raises(
        ClusterError, match="has no workers; start one with 'dask worker"
    ):
        check_workers(scheduler, scheduler.scheduler.address)


def test_workers_of_this_installation_will_do(scheduler):
    with LocalWorkers(scheduler.scheduler.address, 1):
        scheduler.wait_for_workers(1, timeout=60)
        check_workers(scheduler, scheduler.scheduler.address)


def test_a_worker_with_another_version_is_named(scheduler, tmp_path):
    (tmp_path / "stdpnet").mkdir()
    (tmp_path / "stdpnet" / "__init__.py").write_text(SHADOW)
    worker = start_worker(scheduler, tmp_path, PYTHONPATH=str(tmp_path))
    try:
        with pytest.raises(
            ClusterError, match=rf"has stdpnet 0\.0\.1, this is {__version__}; install"
        ):
            check_workers(scheduler, scheduler.scheduler.address)
    finally:
        worker.kill()
        worker.wait()


def test_a_worker_without_a_compiler_is_named(scheduler, tmp_path):
    worker = start_worker(scheduler, tmp_path, PATH="/nowhere", CXX="")
    try:
        with pytest.raises(
            ClusterError, match=r"has no C\+\+ compiler .*; install one"
        ):
            check_workers(scheduler, scheduler.scheduler.address)
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
