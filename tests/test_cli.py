"""The command line without training: words, help, errors, warnings, output."""

import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer

import stdpnet
from stdpnet.cli import app, main
from stdpnet.cli.failures import (
    ended_like_ctrl_c,
    guarded,
    one_line,
    warnings_in_lines,
)
from stdpnet.cli.output import print_json, size
from stdpnet.engine.program import ProgramError

LEAVES = {
    "train": ["conv-stdp"],
    "evaluate": ["RUN"],
    "transform": ["RUN", "images.npy", "-o", "features.h5"],
    "sweep": ["conv-stdp"],
    "report": ["RUN"],
    "export": ["SWEEP"],
    "info": [],
    "models": [],
    "plot kernels": ["RUN"],
    "plot receptive-fields": ["RUN"],
    "plot compression": ["RUN"],
    "plot patches": ["RUN"],
    "plot curves": ["RUN"],
    "plot confusion": ["RUN"],
    "plot spikes": ["RUN"],
    "plot senses": ["RUN"],
    "plot recall": ["RUN"],
    "plot rule": ["TraceSTDP"],
    "plot neuron": ["LIF"],
    "plot audio": ["seven.wav"],
    "data list": [],
    "data fetch": ["mnist"],
    "data check": ["mnist"],
    "cache list": [],
    "cache clear": [],
    "device magnetoelectric": [],
}


def leaves(command, path=()):
    """Every command that does something, by its words."""
    below = getattr(command, "commands", None)
    if below is None:
        return {" ".join(path): command}
    found = {}
    for name, child in below.items():
        found |= leaves(child, (*path, name))
    return found


COMMANDS = leaves(typer.main.get_command(app))


def python(*words, stdout=subprocess.PIPE):
    """Run ``python -m stdpnet``, or other words for Python, in a process of its own."""
    words = words if words[0] == "-c" else ("-m", "stdpnet", *words)
    return subprocess.run(
        [sys.executable, *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_the_commands_are_those_of_the_design():
    assert set(COMMANDS) == set(LEAVES)


# -- help -------------------------------------------------------------------------


@pytest.mark.parametrize("path", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_an_example(path, flag, capsys):
    assert main([*path.split(), flag]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "Example" in shown.out
    assert f"\n    stdpnet {path}" in shown.out


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_tells_its_default(path):
    for option in COMMANDS[path].params:
        if option.name == "help":
            continue
        told = "default: " in (option.help or "") or option.required
        silent = option.default is None or option.default is False
        assert told or not silent, option.name


@pytest.mark.parametrize("path", ["train", "evaluate", "plot kernels", "data check"])
def test_examples_can_be_parsed(path):
    lines = [line.strip() for line in COMMANDS[path].epilog.splitlines()]
    examples = [line for line in lines if line.startswith("stdpnet ")]
    assert examples
    for example in examples:
        words = example.split()[1 + len(path.split()) :]
        COMMANDS[path].make_context(path, words)


@pytest.mark.parametrize("words", [[], ["plot"], ["data"], ["cache"]])
def test_without_a_command_help_is_shown(words, capsys):
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Usage: stdpnet")


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from stdpnet.cli import main; main(['train', '--help']); "
        "print(sorted({'numpy', 'rich', 'brian2', 'h5py', 'sklearn'} & set(sys.modules)),"
        " file=sys.stderr)"
    )
    assert python("-c", code).stderr == "[]\n"


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"stdpnet {stdpnet.__version__}\n"


def test_module_and_script_are_the_same():
    done = python("--version")
    assert (done.returncode, done.stdout) == (0, f"stdpnet {stdpnet.__version__}\n")


# -- wrong words ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("trian", "stdpnet: No such command 'trian'. Did you mean 'train'?"),
        (
            "plot kernel",
            "stdpnet plot: No such command 'kernel'. Did you mean 'kernels'?",
        ),
        ("train", "stdpnet train: Missing argument 'SPEC'"),
        ("train a b", "stdpnet train: Got unexpected extra argument"),
        ("train x --sede 3", "stdpnet train: No such option: --sede"),
        ("train x --seed", "stdpnet train: Option '--seed' requires an argument"),
        ("train x --seed y", "--seed must be a whole number >= 0, got 'y'"),
        ("train x --seed -1", "--seed must be a whole number >= 0, got '-1'"),
        ("train x --n-fit 0", "--n-fit must be a whole number >= 1, got '0'"),
        ("train x --n-train 1", "--n-train must be a whole number >= 2, got '1'"),
        ("train x --n-test 2.5", "--n-test must be a whole number >= 1, got '2.5'"),
        ("train x --jobs 0", "--jobs must be a whole number >= 1, got '0'"),
        ("train x --test-fraction y", "--test-fraction must be a number, got 'y'"),
        ("evaluate x --n-test 0", "--n-test must be a whole number >= 1, got '0'"),
        ("evaluate x --jobs z", "--jobs must be a whole number >= 1, got 'z'"),
        ("data list --data", "stdpnet data list: Option '--data' requires"),
        ("data check", "stdpnet data check: Missing argument 'NAME'"),
    ],
)
def test_wrong_words_are_one_line(words, message, capsys):
    assert main(words.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert message in line
    assert line.endswith("--help'")


# -- errors on purpose ------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "train conv-sdp",
            "stdpnet train: unknown .*'conv-sdp'.*Did you mean 'conv-stdp'",
        ),
        ("train no/such.toml", "stdpnet train: no such file: no/such.toml"),
        (
            "train conv-stdp --set rule",
            "stdpnet train: .*section.key=value, got 'rule'",
        ),
        ("train conv-stdp --set rul.x=1", "unknown section 'rul'.*Did you mean 'rule'"),
        (
            "train conv-stdp --set rule.ofset=1",
            "unknown TraceSTDP parameter 'ofset'.*Did you mean 'offset'",
        ),
        ("train conv-stdp --resume", "stdpnet train: --resume needs --out"),
        ("train conv-stdp --resume --out no/run", "stdpnet train: no/run is not a run"),
        ("evaluate no/run", "stdpnet evaluate: no/run is not a run folder"),
        ("report no/run", "stdpnet report: no/run is not a run|no such file: no/run"),
        ("info no/run", "stdpnet info: no/run is not a run folder"),
        ("plot kernels no/run", "stdpnet plot kernels: .*no/run"),
        (
            "plot kernels no/run -o a.gif",
            "a.gif must end in .png, .svg, .pdf; rename it",
        ),
        ("data check mnits", "unknown data set 'mnits'.*Did you mean 'mnist'"),
        ("data fetch mnits", "unknown data set 'mnits'.*Did you mean 'mnist'"),
        ("data fetch digits", "digits is embedded; there is nothing to fetch"),
        ("data list --data no/dir", "data folder must be a folder that exists, got"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_errors_are_one_line(words, message, as_json, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = words.split() + ["--json"] * as_json
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    with pytest.raises(ValueError, match=message):
        raise ValueError(shown.err)


@pytest.mark.parametrize(
    "words", ["--traceback train conv-sdp", "train conv-sdp --traceback"]
)
def test_traceback_shows_the_rest(words, capsys):
    assert main(words.split()) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[-1].startswith("stdpnet train: unknown ")


def failing(error):
    def command():
        raise error

    return guarded("stdpnet x", command)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ValueError("a must be > 0, got 0"), 2, "a must be > 0, got 0"),
        (FileNotFoundError("no such file: a"), 2, "no such file: a"),
        (PermissionError(13, "Permission denied", "a/b"), 2, "a/b: Permission denied"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (ProgramError("the program failed"), 2, "the program failed"),
        (
            ProgramError("\ng++ failed:\nx"),
            2,
            "g++ failed: (--traceback shows the rest)",
        ),
        (ValueError(), 2, "ValueError"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyboardInterrupt("kept in a"), 130, "kept in a"),
    ],
)
def test_a_command_ends_with_one_line_and_a_status(error, status, line, capsys):
    with pytest.raises(SystemExit) as ending:
        failing(error)()
    assert ending.value.code == status
    assert capsys.readouterr().err == f"stdpnet x: {line}\n"


@pytest.mark.parametrize(
    "error", [RuntimeError("bug"), TypeError("bug"), KeyError("bug")]
)
def test_errors_that_are_not_on_purpose_are_not_hidden(error):
    with pytest.raises(type(error), match="bug"):
        failing(error)()


def test_a_second_sigterm_does_not_disturb_what_the_first_has_begun():
    with ended_like_ctrl_c():
        with pytest.raises(KeyboardInterrupt, match="ended by SIGTERM"):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)


def test_one_line_keeps_names_of_bytes():
    assert one_line(OSError(2, "No such file", b"a\xff")).startswith("a")


# -- warnings ---------------------------------------------------------------------


def test_a_warning_is_shown_once_in_one_line(capsys):
    logger = logging.getLogger("stdpnet")
    with warnings_in_lines():
        for text in ("b\n  c", "b c", "d"):
            warnings.warn(text, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logger.warning("%s is left out", "x")
        logger.info("not shown")
    shown = capsys.readouterr().err
    assert shown == "warning: b c\nwarning: d\nwarning: x is left out\n"
    assert logger.handlers == []


# -- output -----------------------------------------------------------------------


def test_json_is_plain(capsys, rng):
    content = {
        "path": Path("a/b"),
        "nan": float("nan"),
        "infinite": rng.normal() * float("inf"),
        "number": rng.integers(5, size=1)[0] * 0,
        "array": rng.normal(size=(2, 2)) * 0 + 1,
        "tuple": (1, "ä"),
    }
    print_json(content)
    assert json.loads(capsys.readouterr().out) == {
        "path": "a/b",
        "nan": None,
        "infinite": None,
        "number": 0,
        "array": [[1, 1], [1, 1]],
        "tuple": [1, "ä"],
    }


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (999_700, "1 MB"), (2e9, "2.0 GB")],
)
def test_sizes_are_readable(n_bytes, text):
    assert size(n_bytes) == text


def test_a_closed_pipe_is_not_an_error():
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = python("models", stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = python("models", stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("stdpnet")
    assert done.stderr.endswith(": No space left on device\n")
    assert len(done.stderr.splitlines()) == 1
