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
