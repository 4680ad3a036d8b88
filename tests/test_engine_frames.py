"""Rates over time: frames of rates, one after the other, on every backend."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from stdpnet.engine.program import Program, build
from stdpnet.engine.run import ChunkResult, run_chunk
from stdpnet.models.network import Counter, Input, Network
from stdpnet.models.parts import Again
from stdpnet.models.projections import OneToOne
from stdpnet.units import ms

BANDS, FRAMES = 6, 7
SHAPE = (3, 2, 1)
#: With input, and with rest; 30 steps are not a multiple of 7 frames.
INPUT_STEPS, STEPS = 30, 40
#: Frame of each step, as `Input` has it.
FRAME = np.arange(INPUT_STEPS) * FRAMES // INPUT_STEPS
DT = 0.5e-3


def bare(frames: int | None = FRAMES, **changed) -> Network:
    pixels = Input(name="pixels", shape=SHAPE, stimulus="rates", frames=frames)
    parts = {
        "inputs": (pixels,),
        "populations": (),
        "counters": (Counter(name="counts", source="pixels", pooling=OneToOne()),),
        "dt": 0.5 * ms,
    }
    return Network(**(parts | changed))


@pytest.fixture(params=["cpp", "numpy", "cython"])
def program(request) -> Program:
    return build(bare().describe(), request.param, title="test: frames")


def show(program: Program, p: np.ndarray, **options) -> ChunkResult:
    """Show examples of spike probabilities a step, shape (n, frames, 6)."""
    rates = (p / DT).astype(np.float32).reshape(*p.shape[:-1], *SHAPE)
    options = {"n_steps": STEPS, "n_input_steps": INPUT_STEPS, "seed": 4, **options}
    return run_chunk(program, {"pixels": rates}, {}, {}, **options, record=["pixels"])


def raster(result: ChunkResult) -> np.ndarray:
    """Return whether each input spiked, shape (presentations, steps, 6)."""
    spikes = result.spikes["pixels"]
    found = np.zeros((int(result.presentations.sum()), STEPS, BANDS), bool)
    found[tuple(spikes.T)] = True
    assert found.sum() == len(spikes)
    return found


def per_frame(result: ChunkResult) -> np.ndarray:
    """Return the spikes of each input in each frame, shape (presentations, 7, 6)."""
    spikes = raster(result)[:, :INPUT_STEPS]
    return np.stack([spikes[:, f == FRAME].sum(axis=1) for f in range(FRAMES)], axis=1)


def assert_binomial(counts: np.ndarray, n: np.ndarray, p: np.ndarray) -> None:
    """Every count lies in its interval; that one does not has a chance of 0.1 %."""
    low, high = stats.binom.interval(1 - 0.001 / counts.size, n, p)
    assert np.all((low <= counts) & (counts <= high))


def test_all_or_nothing_is_exact(program, rng):
    """With the draws taken out, a spike in a step says which frame is on."""
    on = rng.random((4, FRAMES, BANDS)) < 0.5
    result = show(program, on.astype(float))
    found = raster(result)
    assert np.array_equal(found[:, :INPUT_STEPS], on[:, FRAME])
    assert not found[:, INPUT_STEPS:].any()
    counts = result.counts["counts"].reshape(4, BANDS)
    assert np.array_equal(counts, on[:, FRAME].sum(axis=1))


def test_counts_of_frames_are_binomial(program, rng):
    n = 3000 if program.backend == "cpp" else 100
    p = rng.uniform(0.02, 0.9, (FRAMES, BANDS))
    p[2, 3] = p[5] = 0.0
    result = show(program, np.broadcast_to(p, (n, FRAMES, BANDS)))
    n_steps = np.bincount(FRAME)[:, np.newaxis]
    assert set(n_steps.ravel()) == {4, 5}
    counts = per_frame(result)
    assert_binomial(counts.sum(axis=0), n * n_steps, p)
    # Draws of neighbouring frames have nothing to do with each other.
    pairs = np.stack([counts[:, :-1], counts[:, 1:]], axis=-1).reshape(n, -1, 2)
    varied = [pair.T for pair in pairs.swapaxes(0, 1) if pair.std(axis=0).all()]
    correlations = np.array([np.corrcoef(pair)[0, 1] for pair in varied])
    limit = stats.norm.isf(0.0005 / len(correlations)) / np.sqrt(n)
    assert np.abs(correlations).max() < limit


def test_steps_within_a_frame_are_alike():
    """Neither the first step of a frame nor the last one is special."""
    p, n = np.full((FRAMES, BANDS), 0.2), 3000
    program = build(bare().describe(), "cpp", title="test: frames")
    found = raster(show(program, np.broadcast_to(p, (n, FRAMES, BANDS))))
    assert_binomial(found[:, :INPUT_STEPS].sum(axis=(0, 2)), n * BANDS, 0.2)


#: Frames of equal length in plain Brian2: a `PoissonGroup` whose rates are a `TimedArray`.
PLAIN = """
import sys
import numpy as np
from brian2 import *
prefs.codegen.target = "numpy"
seed(3)
defaultclock.dt = 0.5 * ms
rates = np.load(sys.argv[1])
table = TimedArray(rates * Hz, dt=int(sys.argv[2]) * defaultclock.dt)
inputs = PoissonGroup(rates.shape[1], "table(t, i)")
monitor = SpikeMonitor(inputs)
run(len(rates) * int(sys.argv[2]) * defaultclock.dt)
np.save(sys.argv[1], np.stack([np.round(monitor.t / defaultclock.dt), monitor.i]))
"""


def plain_raster(p: np.ndarray, steps: int, file: Path) -> np.ndarray:
    """Return the spikes of a `PoissonGroup`, shape (n, k * steps, 6)."""
    n, k, _ = p.shape
    np.save(file, p.reshape(n * k, BANDS) / DT)
    command = [sys.executable, "-W", "ignore", "-c", PLAIN, str(file), str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    at, band = np.load(file).astype(int)
    found = np.zeros((n, k * steps, BANDS), bool)
    found[at // (k * steps), at % (k * steps), band] = True
    return found


def test_a_poisson_group_of_brian2_does_the_same(rng, tmp_path):
    """All-or-nothing examples spike for spike, the others by their counts."""
    n, k, steps = 200, 6, 5
    p = rng.uniform(0.05, 0.8, (k, BANDS))
    shown = np.concatenate([rng.random((20, k, BANDS)) < 0.5, np.tile(p, (n, 1, 1))])
    theirs = plain_raster(shown.astype(float), steps, tmp_path / "rates.npy")
    program = build(bare(frames=k).describe(), "cpp", title="test: frames")
    ours = raster(show(program, shown.astype(float)))[:, :INPUT_STEPS]
    assert np.array_equal(ours[:20], theirs[:20])
    for spikes in (ours, theirs):
        counts = spikes[20:].reshape(n, k, steps, BANDS).sum(axis=(0, 2))
        assert_binomial(counts, n * steps, p)


def test_an_example_that_is_shown_again_begins_at_its_first_frame(program, rng):
    """Twice, and brighter: what is certain at first stays so, the rest is more likely."""
    p = rng.uniform(0.02, 0.3, (12, FRAMES, BANDS))
    on = rng.random(p.shape) < 0.3
    p[on] = 1.0
    again = ("pixels", Again(spikes=10**6, brighter=1.5, limit=2))
    result = show(program, p, again=again)
    assert np.all(result.presentations == 3)
    found = raster(result).reshape(12, 3, STEPS, BANDS)
    certain = on[:, np.newaxis, FRAME]
    assert np.all(found[:, :, :INPUT_STEPS] | ~certain)
    assert not found[:, :, INPUT_STEPS:].any()
    n_steps = np.bincount(FRAME)[:, np.newaxis]
    counts = per_frame(result).reshape(12, 3, FRAMES, BANDS)
    for times in range(3):
        brighter = np.minimum(p * (1 + 1.5 * times), 1)
        assert_binomial(counts[:, times], n_steps, brighter)


def test_only_too_few_spikes_show_an_example_again(program):
    p = np.zeros((3, FRAMES, BANDS))
    p[0, 6] = p[2] = 1.0
    result = show(program, p, again=("pixels", Again(spikes=25, limit=2)))
    assert list(result.presentations) == [3, 3, 1], "24 spikes, none, 180"
    assert list(result.counts["counts"].sum(axis=(1, 2, 3))) == [24, 0, 180]


def test_one_frame_is_an_ordinary_input(rng):
    p = rng.uniform(0.1, 0.9, (20, BANDS))
    ordinary, framed = (
        show(build(bare(frames).describe(), "cpp", title="test: frames"), shown)
        for frames, shown in ((None, p), (1, p[:, np.newaxis]))
    )
    assert np.array_equal(ordinary.spikes["pixels"], framed.spikes["pixels"])


def test_as_many_frames_as_steps(rng):
    on = rng.random((2, INPUT_STEPS, BANDS)) < 0.5
    program = build(bare(INPUT_STEPS).describe(), "cpp", title="test: frames")
    found = raster(show(program, on.astype(float)))
    assert np.array_equal(found[:, :INPUT_STEPS], on)


def test_a_stimulus_that_does_not_fit_is_refused(program):
    p = np.full((2, FRAMES, BANDS), 0.1)
    with pytest.raises(
        ValueError,
        match=r"'pixels' must have shape \(n_examples, 7, 3, 2, 1\), got \(2, 5, 3, 2, 1\)",
    ):
        show(program, p[:, :5])
    message = (
        "the input 'pixels' must have at most as many frames as there are steps with "
        "input, 6, got 7; use a shorter dt or a longer presentation"
    )
    with pytest.raises(ValueError, match=message):
        show(program, p, n_input_steps=6)


@pytest.mark.parametrize("frames", [0, -1, 2.0, True, "7"])
def test_frames_that_are_none_are_refused(frames):
    message = f"Input 'pixels': frames must be None or an integer >= 1, got {frames!r}"
    with pytest.raises(ValueError, match=message):
        bare(frames)


def test_frames_are_of_rates():
    pixels = Input(name="pixels", shape=SHAPE, frames=3)
    with pytest.raises(
        ValueError,
        match="'pixels': frames are of rates, but its stimulus is 'steps'; leave",
    ):
        bare(inputs=(pixels,))
