"""Bars of progress: what they say beside the count."""

import pytest

from stdpnet.estimators.show import count_steps, progress_bar, track


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.004, "250/s"), (1.0, "1/s"), (8.0, "8.0 s each")]
)
def test_the_rate_of_slow_steps_is_their_length(seconds, expected):
    now = [0.0]
    bar = progress_bar()
    bar.get_time = lambda: now[0]
    task = bar.add_task("x", total=10)
    for step in range(1, 4):
        now[0] = step * seconds
        bar.update(task, completed=step)
    assert str(bar.columns[3].render(bar.tasks[0])) == expected


def test_steps_of_unknown_number_are_counted_without_time_left():
    bar = progress_bar()
    task = bar.add_task("x", total=None)
    bar.update(task, completed=3)
    count, left = bar.columns[2], bar.columns[5]
    assert str(count.render(bar.tasks[0])) == "3"
    assert str(left.render(bar.tasks[0])) == ""


@pytest.mark.parametrize("width", [60, 80])
def test_bars_give_way_before_numbers_do(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert list(track(range(90), 90, "features", visible=True)) == list(range(90))
    (line,) = capsys.readouterr().err.split("\n")[:-1]
    assert len(line) <= width
    assert "90/90" in line
    assert line.endswith("left 0:00:00")


def test_what_nobody_looks_at_says_nothing(capsys):
    assert list(track("ab", 2, "letters", visible=False)) == ["a", "b"]
    with count_steps("steps", visible=False) as step:
        assert step is None
    assert capsys.readouterr().err == ""


def test_bars_are_on_standard_error(capsys):
    assert list(track("ab", 2, "letters", visible=True)) == ["a", "b"]
    with count_steps("steps", visible=True) as step:
        step()
    out, err = capsys.readouterr()
    assert out == ""
    assert "letters" in err
    assert "2/2" in err
    assert "steps" in err
