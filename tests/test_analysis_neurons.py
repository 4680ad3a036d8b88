"""What figures of neurons show: measured in the simulator, against formulas; what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from stdpnet.analysis.closed_forms import (
    adapted_threshold,
    drive_rate,
    firing_probability,
    inputs_per_spike,
)
from stdpnet.analysis.model_pages import built_in
from stdpnet.analysis.neuron_bench import N_TRIALS, Bench, Kind, kind_of
from stdpnet.analysis.neuron_numbers import (
    Curve,
    NeuronNumbers,
    Trace,
    measure_neuron,
    measure_response,
)
from stdpnet.analysis.neuron_plots import draw_neuron, plot_curve, plot_trace
from stdpnet.models.custom import EquationNeuron
from stdpnet.models.neurons import (
    IF,
    LIF,
    AdaptiveIF,
    AdaptiveLIF,
    AdaptiveSigmoid,
    ConductanceLIF,
    LatencyIF,
    MagnetoelectricLIF,
    SigmoidNeuron,
    SoftResetIF,
    StochasticBit,
)
from stdpnet.units import ms, mV

NEURONS = built_in("neuron")


def of_kind(*kinds: Kind) -> list:
    return [cls for cls in NEURONS.values() if kind_of(cls()) in kinds]


# -- measured ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("cls", of_kind(Kind.DRIVEN))
def test_rates_follow_the_drive_as_the_formula_says(cls):
    curve = measure_response(Bench(cls()))
    assert curve.expected is not None, "give closed_forms.drive_rate its formula"
    fires = curve.expected > 2
    assert fires.sum() > 10
    assert 80 < curve.y.max() < 120
    assert curve.y[fires] == pytest.approx(curve.expected[fires], rel=0.01)
    assert np.all(curve.y[curve.expected == 0] == 0)


@pytest.mark.slow
@pytest.mark.parametrize("cls", of_kind(Kind.FED))
def test_answers_to_regular_input_are_those_of_the_formula(cls):
    curve = measure_response(Bench(cls()))
    assert curve.expected is not None, "give closed_forms.inputs_per_spike its formula"
    assert (curve.expected > 0).sum() > 10
    assert curve.y == pytest.approx(curve.expected, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("cls", of_kind(Kind.STOCHASTIC))
def test_firing_frequencies_are_within_the_interval_of_the_probability(cls):
    curve = measure_response(Bench(cls(), seed=4))
    assert curve.expected is not None, (
        "give closed_forms.firing_probability its formula"
    )
    assert curve.expected.min() < 0.05
    assert curve.expected.max() > 0.5
    # One chance in a thousand for any of some forty points, not for each.
    low, high = binom.interval(1 - 0.001 / len(curve.x), N_TRIALS, curve.expected)
    counts = curve.y * N_TRIALS
    assert np.all((low - 1 <= counts) & (counts <= high + 1))


@pytest.mark.slow
@pytest.mark.parametrize("cls", [AdaptiveLIF, ConductanceLIF])
def test_a_neuron_is_measured_from_trace_to_threshold(cls):
    numbers = measure_neuron(cls())
    trace, adaptation = numbers.trace, numbers.adaptation
    assert 4 <= len(trace.spikes_ms) <= 8
    on, off = trace.input_ms
    assert np.all((trace.spikes_ms > on) & (trace.spikes_ms < off + 1))
    rest = trace.potential[trace.time_ms < on]
    assert np.all(rest == rest[0])
    assert (
        trace.potential.max()
        < trace.threshold.max() * (1 if cls is AdaptiveLIF else -1) + 2
    )
    assert adaptation.y == pytest.approx(adaptation.expected, rel=1e-6)
    assert len(adaptation.y) > 100
    assert "0." in numbers.agreement


def test_every_neuron_has_a_kind():
    kinds = {name: kind_of(cls()) for name, cls in NEURONS.items()}
    assert kinds["LIF"] is kinds["ConductanceLIF"] is Kind.DRIVEN
    assert kinds["AdaptiveIF"] is kinds["LatencyIF"] is Kind.FED
    assert kinds["SigmoidNeuron"] is kinds["MagnetoelectricLIF"] is Kind.STOCHASTIC


# -- closed forms -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("neuron", "drive", "period"),
    [
        (IF(v_th=4), 100.0, 0.04),
        (SoftResetIF(v_th=4), 100.0, 0.04),
        (LIF(tau_m=20 * ms, v_th=1, tau_ref=2 * ms), 2.0, 0.002 + 0.02 * np.log(2)),
        (
            ConductanceLIF(v_rest=-60 * mV, v_reset=-60 * mV, v_th=-70 * mV),
            0.02,
            0.005 + 0.1 * np.log(2),
        ),
    ],
)
def test_rate_for_a_drive(neuron, drive, period):
    rates = drive_rate(neuron, np.array([-1.0, 0.0, drive]))
    assert rates == pytest.approx([0, 0, 1 / period])


def inputs_in_a_loop(neuron, interval, w, dt) -> float:
    """Count input spikes until the potential, one step after one, is over the threshold."""
    threshold = neuron.theta_scale * (neuron.v_th + neuron.theta_start)
    tau = getattr(neuron, "tau_m", None)
    leak = 0.0 if tau is None else 1 / tau.value
    v = 0.0
    for n in range(1, 2000):
        v = v * np.exp(-interval * leak) + w
        if v * np.exp(-dt * leak) > threshold:
            return n
    return np.inf


@pytest.mark.parametrize("cls", [AdaptiveIF, AdaptiveLIF])
@pytest.mark.parametrize("w", [0.7, 3.3])
def test_inputs_until_a_spike(cls, w):
    neuron = cls(v_th=2, theta_start=7.03, theta_scale=0.9)
    intervals = np.array([1e-3, 4e-3, 5e-3, 2e-2])
    expected = [inputs_in_a_loop(neuron, t, w, 5e-4) for t in intervals]
    assert inputs_per_spike(neuron, intervals, w, 5e-4) == pytest.approx(expected)


def test_inputs_until_the_only_spike():
    found = inputs_per_spike(LatencyIF(v_th=10), np.ones(2), 3.0, 1e-3)
    assert found.tolist() == [4, 4]


def test_probabilities_at_a_potential():
    v = np.array([0.2, 0.3, 12.6, 99.0])
    table = StochasticBit().probabilities
    expected = [table[0], (table[0] + table[1]) / 2, table[-1], table[-1]]
    assert firing_probability(StochasticBit(), v) == pytest.approx(expected)
    half = firing_probability(SigmoidNeuron(p_max=0.8, v_half=3), np.array([3.0]))
    assert half == pytest.approx(0.4)
    magnet = MagnetoelectricLIF(v_half=400 * mV, v_width=20 * mV, v_unit=40 * mV)
    above = firing_probability(magnet, np.array([10.0, 10.5]))
    assert above == pytest.approx([0.5, 1 / (1 + np.exp(-1))])


def test_probabilities_with_less_noise_than_chance_alone():
    v = np.array([2.0, 4.0, 4.5, 5.0, 8.0])
    p = 1 / (1 + np.exp(-(v - 4.4)))
    neuron = AdaptiveSigmoid(v_half=3, theta_start=1.4)
    assert firing_probability(neuron, v) == pytest.approx(p)
    none = firing_probability(replace(neuron, noise=0.0), v)
    assert none.tolist() == [0, 0, 1, 1, 1]
    half = firing_probability(replace(neuron, noise=0.5), v)
    assert half == pytest.approx(np.clip(2 * p - 0.5, 0, 1))


def test_thresholds_after_spikes():
    example, time = np.array([0, 0, 2]), np.array([0.1, 0.2, 0.1])
    neuron = AdaptiveIF(v_th=1, theta_start=4, theta_plus=0.5, theta_decay=0.1)
    expected = [5.5, 6.0, 1 + 5 * 0.9**2 + 0.5]
    assert adapted_threshold(neuron, example, time, 1.0) == pytest.approx(expected)
    slow = ConductanceLIF(theta_plus=1 * mV, theta_rate="0.5 Hz")
    theta, at = 0.02, 0.0
    for spike, found in zip(
        example + time, adapted_threshold(slow, example, time, 1.0), strict=True
    ):
        theta, at = theta * np.exp(-0.5 * (spike - at)) + 1e-3, spike
        assert found == pytest.approx(-0.072 + theta)


def test_neurons_of_users_have_no_formula():
    own, x = EquationNeuron(), np.ones(2)
    assert drive_rate(own, x) is None
    assert inputs_per_spike(own, x, 1.0, 1e-3) is None
    assert firing_probability(own, x) is None
    assert adapted_threshold(own, np.zeros(2, int), x, 1.0) is None


# -- the threshold of any neuron --------------------------------------------------


def bench_of(neuron) -> Bench:
    """A bench that is not built: nothing runs."""
    bench = Bench.__new__(Bench)
    bench.neuron, bench.potential = neuron, "v"
    return bench


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ("v > 2*(limit + rise) and calm < 1", [6.0, 7.0]),
        ("v >= -limit + rise**2", [-2.0, 0.25 - 2]),
        ("v > 3", [3.0, 3.0]),
        ("rand() < v", None),
        ("v > exp(rise)", None),
        ("abs(v) > 1", None),
    ],
)
def test_the_threshold_is_read_from_the_condition(threshold, expected):
    neuron = EquationNeuron(
        equations="v : 1; rise : 1; calm : 1",
        threshold=threshold,
        parameters={"limit": 2.0 if "**" in threshold else 3.0},
    )
    rise = np.array([0.0, 0.5])
    found = bench_of(neuron).threshold({"v": np.zeros(2), "rise": rise, "calm": rise})
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("neuron", "adapts"),
    [
        (LIF(), False),
        (AdaptiveIF(), True),
        (ConductanceLIF(), True),
        (SigmoidNeuron(), False),
        (LatencyIF(), False),
    ],
)
def test_thresholds_made_of_variables_adapt(neuron, adapts):
    assert bench_of(neuron).adapts() == adapts


# -- drawn ------------------------------------------------------------------------

TRACE = Trace(
    time_ms=np.array([1.0, 2.0, 3.0, 4.0]),
    potential=np.array([-65.0, -60.0, -53.0, -65.0]),
    threshold=np.array([-52.0, -52.0, -52.0, -51.0]),
    unit="mV",
    spikes_ms=np.array([4.0]),
    input_ms=(1.0, 3.0),
    input_hz=2000.0,
    w=0.25,
)
RATES = Curve(
    x_name="Drive",
    x_unit="mV",
    y_name="Firing rate",
    y_unit="Hz",
    x=np.array([0.0, 1.0, 2.0]),
    y=np.array([0.0, 9.9, 20.0]),
    expected=np.array([0.0, 10.0, 20.0]),
    line=(np.linspace(0, 2, 9), np.linspace(0, 20, 9)),
)
CHANCES = Curve(
    x_name="Potential",
    x_unit="1",
    y_name="Probability of a spike in a step",
    y_unit="1",
    x=np.array([0.0, 1.0]),
    y=np.array([0.0, 0.5]),
    expected=None,
    interval=(np.array([1e-18, 0.4]), np.array([0.1, 0.6])),
)


def test_a_trace_shows_potential_threshold_spikes_and_input():
    ax = plot_trace(TRACE)
    potential, threshold = ax.lines
    np.testing.assert_array_equal(potential.get_ydata(), TRACE.potential)
    np.testing.assert_array_equal(threshold.get_ydata(), TRACE.threshold)
    words = {text.get_text() for text in ax.texts}
    assert words == {"threshold", "spike", "input, 2,000 Hz, weight 0.25"}
    ticks, bar = (c.get_segments() for c in ax.collections)
    assert [segment[0, 0] for segment in ticks] == [4.0]
    assert bar[0][:, 0].tolist() == [1.0, 3.0]
    low, high = ax.get_ylim()
    assert low < min(s[:, 1].min() for s in bar)
    assert high > max(s[:, 1].max() for s in ticks)
    assert ax.get_ylabel() == "Potential (mV)"


def test_a_curve_shows_dots_and_the_formula():
    ax = plot_curve(RATES)
    dots, line = ax.lines
    np.testing.assert_array_equal(dots.get_ydata(), RATES.y)
    np.testing.assert_array_equal(line.get_xdata(), RATES.line[0])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Drive (mV)", "Firing rate (Hz)")


def test_a_probability_shows_its_interval():
    ax = plot_curve(CHANCES)
    _, _, (bars,) = ax.containers[0]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [[0, 0.1], [0.4, 0.6]])
    assert ax.get_xlabel() == "Potential"


@pytest.mark.parametrize(
    ("response", "adaptation", "n_panels", "title"),
    [
        (RATES, RATES, 3, "LIF: formula as a thin line"),
        (RATES, None, 2, "LIF: formula as a thin line"),
        (CHANCES, None, 2, "LIF: 95 % intervals"),
    ],
)
def test_a_figure_has_a_panel_for_what_there_is(response, adaptation, n_panels, title):
    figure = draw_neuron(NeuronNumbers(LIF(), TRACE, response, adaptation))
    figure.canvas.draw()
    assert len(figure.axes) == n_panels
    assert figure.get_suptitle() == title


def test_agreement_is_said_in_words():
    def said(curve):
        return NeuronNumbers(LIF(), TRACE, curve, None).agreement

    assert said(RATES) == "largest difference from the formula 1.00%"
    assert said(CHANCES) == "no closed form to compare with"
    counted = {**vars(CHANCES), "expected": np.array([0.05, 0.9])}
    assert said(Curve(**counted)).endswith("95 % interval at 50% of the points")
