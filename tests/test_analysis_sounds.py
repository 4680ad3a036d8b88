"""The figure of a sound: numbers, drawing, command."""

import json

import numpy as np
import pytest
import soundfile
from matplotlib import image as images

from stdpnet.analysis import draw_sound, measure_sound
from stdpnet.audio import Cochleagram, synthetic_digits
from stdpnet.cli import main
from stdpnet.units import Hz, ms

RATE = 8000


@pytest.fixture(scope="module")
def seven():
    digits = synthetic_digits(20, seed=1)
    return digits.waveforms[list(digits.labels).index(7)]


@pytest.fixture
def file(seven, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "seven.wav"
    soundfile.write(path, np.pad(seven, (800, 0)), RATE)
    return path


def test_the_image_lies_where_the_sound_is(seven):
    padded = np.pad(seven, (800, 400))
    numbers = measure_sound(padded, RATE)
    assert numbers.begin == pytest.approx(0.1, abs=0.02)
    assert numbers.end == pytest.approx(0.1 + len(seven) / RATE, abs=0.02)
    assert numbers.image.shape[1] == round((numbers.end - numbers.begin) / 0.01)
    front = Cochleagram(n_slices=numbers.image.shape[1])
    assert np.array_equal(numbers.image, front.image(padded, RATE))


def test_spikes_are_as_many_as_the_image_is_bright(seven):
    numbers = measure_sound(seven, RATE, front=Cochleagram(), max_rate=400 * Hz)
    seconds = numbers.end - numbers.begin
    expected = numbers.image.sum(axis=1) * 400 * seconds / 16
    counts = np.bincount(numbers.spike_channels, minlength=40)
    assert counts.sum() == pytest.approx(expected.sum(), rel=0.1)
    assert (np.abs(counts - expected) < 4.5 * np.sqrt(expected) + 1).all()
    slices = (numbers.spike_times - numbers.begin) / seconds * 16
    assert slices.min() >= 0
    assert slices.max() < 16
    lit = numbers.image[numbers.spike_channels, slices.astype(int)]
    # A step of 1 ms can reach into the slice before or after.
    assert (lit > 0).mean() > 0.97


def test_the_seed_is_that_of_the_spikes(seven):
    first, again, other = (measure_sound(seven, RATE, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.spike_times, again.spike_times)
    assert not np.array_equal(first.spike_times, other.spike_times)


@pytest.mark.parametrize("rate", [0 * Hz, 1001 * Hz, 10 * ms])
def test_rates_of_spikes_are_checked(rate, seven):
    with pytest.raises(ValueError, match=r"^max_rate must be a frequency above 0"):
        measure_sound(seven, RATE, max_rate=rate)


def test_three_panels_share_the_time(seven):
    numbers = measure_sound(seven, RATE, name="seven.wav")
    figure = draw_sound(numbers)
    figure.canvas.draw()
    wave, picture, spikes = figure.axes[:3]
    limits = {ax.get_xlim() for ax in (wave, picture, spikes)}
    assert limits == {(0, len(seven) / RATE)}
    assert picture.get_ylim() == spikes.get_ylim()
    (drawn,) = picture.get_images()
    np.testing.assert_array_equal(drawn.get_array(), numbers.image)
    dots = spikes.collections[0].get_offsets()
    np.testing.assert_allclose(dots[:, 0], numbers.spike_times)
    names = [text.get_text() for text in spikes.get_yticklabels()]
    assert names == ["100", "200", "500", "1,000", "2,000", "3,000"]
    places = spikes.get_yticks()
    nearest = [np.abs(numbers.frequencies - f).argmin() for f in (100, 1000, 3000)]
    assert np.abs(places[[0, 3, 5]] - nearest).max() <= 0.5
    assert wave.get_title(loc="left").startswith("seven.wav: ")


def test_few_channels_and_long_sounds_are_drawn(rng):
    wave = rng.standard_normal(9 * RATE)
    front = Cochleagram(n_channels=3, low_frequency="150 Hz", n_slices=4)
    draw_sound(measure_sound(wave, RATE, front=front)).canvas.draw()


# -- the command ------------------------------------------------------------------


def test_command_writes_a_picture(file, capsys):
    assert main(["plot", "audio", "seven.wav"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.splitlines()[0] == "figure  seven.png"
    assert "40 channels" in shown.out
    picture = images.imread(file.with_suffix(".png"))
    assert picture.shape[0] > 900
    assert picture[..., :3].std() > 0.1


def test_command_as_json(file, capsys):
    words = ["plot", "audio", str(file), "--json", "-o", "a.svg", "--seed", "4"]
    assert main([*words, "--set", "n_slices=16", "--set", "n_channels=24"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["path"] == "a.svg"
    assert np.shape(told["image"]) == (24, 16)
    assert len(told["spike_times_seconds"]) == len(told["spike_channels"]) > 50
    assert told["rate_hz"] == RATE
    assert file.with_name("a.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("gone.wav", "no such file: gone.wav"),
        ("seven.wav -o a.gif", "a.gif must end in .png, .svg, .pdf; rename it"),
        ("seven.wav --set n_slcies=3", "unknown Cochleagram parameter 'n_slcies'"),
        ("seven.wav --set n_slices=0", "Cochleagram.n_slices must be >= 1, got 0"),
        ("seven.wav --set n_slices=99999", "sound must last at least 99999 samples"),
        ("text.wav", "text.wav must be a readable WAV, FLAC or OGG file"),
    ],
)
def test_command_refuses_in_one_line(words, message, file, capsys):
    file.with_name("text.wav").write_text("no sound at all")
    assert main(["plot", "audio", *words.split()]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith(f"stdpnet plot audio: {message}")
    assert list(file.parent.glob("*.png")) == []
