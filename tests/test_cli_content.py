"""Commands about data, programs, networks and this machine, in text and in JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stdpnet.catalog import card_names, spec_names
from stdpnet.cli import main
from stdpnet.cli.output import size
from stdpnet.engine.cache import SIZE_LIMIT
from stdpnet.engine.compiler import find_compiler


@pytest.fixture
def ask(capsys):
    """Run a command that must say something; return its status and what it said."""

    def run(*words):
        status = main([str(word) for word in words])
        shown = capsys.readouterr()
        if "--json" in words:
            return status, json.loads(shown.out)
        return status, shown.out

    return run


# -- models -----------------------------------------------------------------------


def test_models_are_those_of_the_catalogue(ask):
    status, found = ask("models", "--json")
    assert status == 0
    assert [entry["name"] for entry in found["models"]] == list(spec_names())
    for entry in found["models"]:
        assert set(entry) == {"name", "title", "source", "expect", "path"}
        assert entry["title"]
        assert Path(entry["path"]).is_file()


def test_models_for_people(ask):
    status, text = ask("models")
    assert status == 0
    for name in spec_names():
        assert f"\n{name}: " in f"\n{text}"


# -- data -------------------------------------------------------------------------


def test_data_list(ask, monkeypatch):
    monkeypatch.delenv("STDPNET_DATA", raising=False)
    status, found = ask("data", "list", "--json")
    sources = {entry["name"]: entry["source"] for entry in found["datasets"]}
    assert (status, list(sources)) == (0, list(card_names()))
    assert sources["digits"] == "embedded"
    status, text = ask("data", "list")
    lines = text.splitlines()
    assert (status, lines[0].split()) == (0, ["name", "title", "where"])
    assert [line.split()[0] for line in lines[1 : 1 + len(sources)]] == list(sources)


def test_data_list_looks_in_data(ask, mnist):
    folder = Path(mnist.source)
    _, found = ask("data", "list", "--data", folder.parent, "--json")
    sources = {entry["name"]: entry["source"] for entry in found["datasets"]}
    assert sources["mnist"] == str(folder)


def test_a_sound_data_set_passes(ask):
    status, found = ask("data", "check", "digits", "--json")
    assert (status, found["usable"]) == (0, True)
    assert [file["status"] for file in found["files"]] == ["ok"]
    status, text = ask("data", "check", "digits")
    assert status == 0
    assert text.endswith("digits can be used\n")


@pytest.fixture
def damaged(tmp_path):
    """A folder of data whose MNIST is four files of nonsense."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3"):
        (folder / f"{part}-ubyte.gz").write_bytes(b"nonsense")
    return tmp_path


def test_a_damaged_data_set_fails(ask, damaged, monkeypatch):
    monkeypatch.delenv("STDPNET_DATA", raising=False)
    status, found = ask("data", "check", "mnist", "--data", damaged, "--json")
    assert (status, found["usable"]) == (1, False)
    states = sorted(file["status"] for file in found["files"])
    assert states == ["damaged", "damaged", "damaged", "missing"]
    status, text = ask("data", "check", "mnist", "--data", damaged)
    assert status == 1
    assert text.endswith(f"mnist cannot be used in {damaged / 'mnist'}\n")


def test_the_real_mnist_passes(ask, mnist):
    folder = Path(mnist.source)
    status, found = ask("data", "check", "mnist", "--data", folder.parent, "--json")
    assert (status, found["usable"], len(found["files"])) == (0, True, 4)


def test_fetch_of_what_is_there_downloads_nothing(ask, mnist):
    folder = Path(mnist.source)
    status, text = ask("data", "fetch", "mnist", "--data", folder.parent)
    assert (status, text) == (0, f"mnist is in {folder}\n")
    status, found = ask("data", "fetch", "mnist", "--data", folder.parent, "--json")
    assert (status, found) == (0, {"name": "mnist", "path": str(folder)})


# -- cache ------------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A cache with one program of 1000 bytes, as far as the cache can tell."""
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path))
    folder = tmp_path / "programs" / "0123abcd"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "title").write_text("8 maps")
    (folder / "main").write_bytes(bytes(992))
    return tmp_path / "programs"


def test_cache_list_and_clear(ask, programs):
    status, found = ask("cache", "list", "--json")
    (entry,) = found.pop("programs")
    assert status == 0
    folder = {"folder": str(programs), "limit_bytes": SIZE_LIMIT}
    assert found == {**folder, "bytes": 1000}
    assert (entry["key"], entry["title"], entry["bytes"]) == (
        "0123abcd",
        "8 maps",
        1000,
    )
    text = ask("cache", "list")[1]
    assert "0123abcd  1 kB" in text
    assert "\n1 program, 1 kB of" in text
    status, found = ask("cache", "clear", "--json")
    assert (status, found["programs"], found["bytes"]) == (0, 1, 1000)
    assert list(programs.iterdir()) == []


def test_an_empty_cache(ask, programs):
    ask("cache", "clear")
    status, text = ask("cache", "list")
    assert (status, text) == (
        0,
        f"0 programs, 0 B of {size(SIZE_LIMIT)} in {programs}\n",
    )
    assert ask("cache", "clear") == (0, f"removed 0 programs, 0 B, from {programs}\n")


@pytest.mark.parametrize("command", ["list", "clear"])
def test_an_unwritable_cache_is_one_line(command, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path / "file"))
    assert main(["cache", command]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"stdpnet cache {command}: cannot write the program cache")
    assert line.endswith("set STDPNET_CACHE to a folder that can be written")


# -- info -------------------------------------------------------------------------


def test_info_tells_about_the_machine(ask, programs, tmp_path, monkeypatch):
    monkeypatch.setenv("STDPNET_DATA", str(tmp_path))
    status, found = ask("info", "--json")
    assert status == 0
    assert {"stdpnet", "brian2", "numpy", "python"} <= set(found["versions"])
    compiler = find_compiler()
    assert found["compiler"] == (compiler and compiler.version)
    assert found["backend"] == ("cpp" if compiler else "numpy")
    assert (found["cache"]["folder"], found["cache"]["bytes"]) == (str(programs), 1000)
    assert found["data"]["folders"][0] == str(tmp_path)
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 0
    status, text = ask("info")
    assert status == 0
    assert f"1 program, 1 kB of {size(SIZE_LIMIT)} in {programs}" in text


def test_info_without_a_compiler(ask, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert ask("info", "--json")[1]["backend"] == "numpy"
    assert "no C++ compiler (g++, clang++ or $CXX) was found" in ask("info")[1]


def test_info_shows_what_is_wrong(ask, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("STDPNET_CACHE", str(tmp_path / "file"))
    monkeypatch.setenv("STDPNET_DATA", str(tmp_path / "nowhere"))
    status, found = ask("info", "--json")
    assert status == 0
    assert "cannot write the program cache" in found["cache"]["problem"]
    assert "$STDPNET_DATA must be a folder that exists" in found["data"]["problem"]
    status, text = ask("info")
    assert status == 0
    assert "cannot write the program cache" in text
    assert "$STDPNET_DATA must be a folder that exists" in text


def test_info_does_not_import_brian2():
    code = (
        "import sys; from stdpnet.cli import main; main(['info']); "
        "sys.exit('brian2' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
