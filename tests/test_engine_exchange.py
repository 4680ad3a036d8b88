"""Where chunks and programs exchange data: memory, disk, and what killed processes leave."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from stdpnet.engine import exchange
from stdpnet.engine.exchange import Exchange

MEGABYTE = 2**20


@pytest.fixture(autouse=True)
def memory(tmp_path, monkeypatch) -> Path:
    """Stands in for the file system in memory."""
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(exchange, "MEMORY", folder)
    monkeypatch.setattr(exchange, "USUAL", tempfile.gettempdir())
    return folder


@pytest.fixture
def exchanged() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.close()


def test_a_small_job_is_in_memory_and_closing_leaves_nothing(exchanged, memory):
    folders = [exchanged.new_folder(MEGABYTE) for _ in range(2)]
    assert all(memory in folder.parents for folder in folders)
    assert len(list(memory.iterdir())) == 1
    exchanged.close()
    assert list(memory.iterdir()) == []
    assert memory in exchanged.new_folder(MEGABYTE).parents, "it may be used again"


@pytest.mark.parametrize("n_bytes", [None, 11 * MEGABYTE])
def test_a_job_that_is_large_or_of_unknown_size_is_on_disk(
    exchanged, memory, monkeypatch, n_bytes
):
    usage = namedtuple("usage", "total used free")
    found = usage(0, 0, 160 * MEGABYTE)
    monkeypatch.setattr("shutil.disk_usage", lambda path: found)
    folder = exchanged.new_folder(n_bytes)
    assert memory not in folder.parents
    folder.rmdir()
    assert memory in exchanged.new_folder(10 * MEGABYTE).parents


def test_a_temporary_folder_that_was_chosen_is_used(
    exchanged, tmp_path, monkeypatch, memory
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert exchanged.new_folder(1).parent == tmp_path


def test_without_memory_it_is_the_disk(exchanged, memory):
    memory.rmdir()
    folder = exchanged.new_folder(1)
    assert memory not in folder.parents
    folder.rmdir()


HOLDING = """
import sys, time
from pathlib import Path
from stdpnet.engine import exchange
exchange.MEMORY = Path(sys.argv[1])
used = exchange.Exchange()
print(used.new_folder(1), flush=True)
time.sleep(600)
"""


def test_what_a_killed_process_left_is_removed_but_not_that_of_a_living_one(
    exchanged, memory
):
    command = [sys.executable, "-c", HOLDING, str(memory)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    folders = [Path(process.stdout.readline().strip()) for process in started]
    assert all(folder.is_dir() for folder in folders)
    killed, living = started
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    exchanged.new_folder(1)
    assert not folders[0].parent.exists()
    assert folders[1].is_dir()
    living.kill()
    living.communicate()


def test_a_forked_process_has_a_folder_of_its_own(exchanged, memory):
    mine = exchanged.new_folder(1)

    def work() -> None:
        exchanged.forget()
        other = exchanged.new_folder(1)
        exchanged.close()
        os._exit(int(other.parent == mine.parent))

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(timeout=60)
    assert child.exitcode == 0
    assert mine.is_dir()
    assert [mine.parent] == list(memory.iterdir())
