"""Trials in a storage: who takes which, and what happens to those of the dead."""

import socket
import subprocess
import sys
import time

import pytest

from stdpnet.config import SpecError
from stdpnet.sweep.space import Space
from stdpnet.sweep.storage import (
    StorageError,
    open_storage,
    sqlite_url,
    without_password,
)
from stdpnet.sweep.study import BEAT, GONE_SECONDS, OWNER, SweepStudy, is_gone, owner

SPACE = Space({"rule.mu": "0.1:0.9", "rule.bounds": "hard,soft"})


@pytest.fixture
def url(tmp_path) -> str:
    return sqlite_url(tmp_path / "study.db")


def make(url: str, **settings) -> SweepStudy:
    return SweepStudy(open_storage(url), "one", SPACE, ("accuracy",), **settings)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_every_trial_is_taken_once_by_one_of_two_processes(url, sampler):
    first, second = make(url, sampler=sampler), make(url, sampler=sampler)
    first.create([{}] * 5)
    second.open()
    taken = []
    for study in (first, second, first, second, second):
        trial = study.take()
        assert set(trial.params) == set(SPACE.parameters)
        study.complete(trial, [trial.params["rule.mu"]])
        taken.append(trial.number)
    assert sorted(taken) == list(range(5))
    assert first.take() is None
    assert first.counts()["complete"] == 5
    assert second.best().values[0] == max(t.values[0] for t in second.study.trials)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_no_values_are_drawn_twice_by_processes_or_after_an_interruption(
    tmp_path, sampler
):
    def drawn(name: str, n_processes: int) -> list[float]:
        studies = [
            make(sqlite_url(tmp_path / name), sampler=sampler)
            for _ in range(n_processes)
        ]
        studies[0].create([{}] * 4)
        for study in studies[1:]:
            study.open()
        return [studies[k % n_processes].take().params["rule.mu"] for k in range(4)]

    alone, together = drawn("alone.db", 1), drawn("together.db", 4)
    assert len(set(alone)) == 4
    assert together == alone


def test_given_values_are_those_of_the_trials(url):
    study = make(url, sampler="grid")
    points = [
        {"rule.mu": mu, "rule.bounds": b}
        for mu in (0.25, 0.5)
        for b in ("hard", "soft")
    ]
    study.create(points)
    assert [study.take().params for _ in points] == points


def test_a_trial_keeps_its_values_when_it_is_put_back(url):
    study = make(url)
    study.create([{}])
    before = study.take()
    study.put_back(before)
    assert study.counts() == {
        "waiting": 1,
        "running": 0,
        "complete": 0,
        "pruned": 0,
        "fail": 0,
    }
    after = study.take()
    assert (after.number, after.params) == (before.number, before.params)


def test_a_finished_trial_is_not_put_back(url):
    study = make(url)
    study.create([{}])
    trial = study.take()
    study.complete(trial, [0.5])
    study.put_back(trial)
    assert study.counts()["complete"] == 1


def test_trials_of_a_process_that_has_ended_wait_again(url):
    study = make(url)
    study.create([{}, {}])
    mine, other = study.take(), study.take()
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    other.set_user_attr(OWNER, owner() | {"pid": child.pid})
    assert study.put_back_orphans() == 1
    assert study.take().number == other.number
    assert mine.number != other.number


@pytest.mark.parametrize(("age", "gone"), [(0, False), (GONE_SECONDS + 1, True)])
def test_another_machine_has_gone_when_it_gives_no_sign_of_life(age, gone):
    assert socket.gethostname() != "elsewhere"
    who = {"host": "elsewhere", "pid": 1, "started": 0.0}
    then = time.time() - age
    assert is_gone({OWNER: who, BEAT: then}, 0.0) is gone
    assert is_gone({OWNER: who}, then) is gone
    assert is_gone({}, then) is gone  # it has not said yet who it is


def test_a_process_with_the_number_of_one_that_has_ended_is_another(url):
    who = owner()
    assert not is_gone({OWNER: who}, 0.0)
    assert is_gone({OWNER: who | {"started": who["started"] - 100}}, 0.0)


def test_what_failed_says_why(url):
    study = make(url)
    study.create([{}])
    study.fail(study.take(), "no space", "Traceback")
    (trial,) = study.study.trials
    assert trial.state.name == "FAIL"
    assert trial.user_attrs["stdpnet:error"] == "no space"
    assert study.best() is None


def test_two_sweeps_of_one_name_are_refused(url):
    make(url).create([{}])
    with pytest.raises(StorageError, match="has a sweep 'one' already; give --name"):
        make(url).create([{}])


def test_a_sweep_that_is_not_there_is_refused(url):
    with pytest.raises(StorageError, match="sweep 'one' was stopped before it began"):
        make(url).open()


def test_trials_are_made_if_the_process_that_was_to_was_killed(url):
    import optuna

    optuna.create_study(study_name="one", storage=open_storage(url))
    study = make(url)
    study.open([{}] * 3)
    assert study.counts()["waiting"] == 3


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("nonsense", SpecError, "storage 'nonsense' is not a URL such as sqlite:"),
        ("sqlite:////nowhere/x.db", StorageError, "does not answer: unable to open"),
        ("mysql+none://u@127.0.0.1:1/x", StorageError, "does not answer: Can't load"),
        ("oracle://u@127.0.0.1:1/x", SpecError, "needs a driver: No module named"),
    ],
)
def test_a_storage_that_cannot_be_used_is_named(url, error, message):
    with pytest.raises(error, match=message):
        open_storage(url)


def test_passwords_are_not_written():
    url = "postgresql://me:secret@host:5432/sweeps"
    assert without_password(url) == "postgresql://me@host:5432/sweeps"
