"""What figures of rules show: measured in the simulator, against formulas; what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from stdpnet.analysis.closed_forms import pair_change, pair_change_probability
from stdpnet.analysis.rule_numbers import (
    N_COPIES,
    N_RUNS,
    POST_HZ,
    PRE_HZ,
    RuleNumbers,
    measure_rules,
)
from stdpnet.analysis.rule_plots import (
    draw_rule,
    plot_pairs_over_time,
    plot_pairs_over_weight,
    plot_trains,
)
from stdpnet.engine.compiler import EXACT_FLAGS
from stdpnet.models.plasticity import (
    HybridSTDP,
    LongShortTermSTDP,
    PairSTDP,
    PlasticityRule,
    StochasticSTDP,
)

MEASURED = {
    "pair": PairSTDP(learning_rate=0.002, depression=0.5),
    "two-bit": LongShortTermSTDP(
        learning_rate=0.4, depression=0.5, consolidation=0.3, w_max=2
    ),
    "mini-batch": HybridSTDP(
        learning_rate=0.4, aggregate="mini-batch", probability="exponential"
    ),
}


# -- measured ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured() -> dict[str, RuleNumbers]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STDPNET_FLAGS", EXACT_FLAGS)
        found = measure_rules(list(MEASURED.values()), seed=2)
    return dict(zip(MEASURED, found, strict=True))


@pytest.mark.slow
def test_weight_changes_are_those_of_the_formula(measured):
    numbers = measured["pair"]
    delta = numbers.delta_ms[:, np.newaxis] * 1e-3
    formula = np.where(
        delta >= 0, 0.002 * np.exp(-delta / 0.02), -0.001 * np.exp(delta / 0.02)
    )
    expected = np.clip(numbers.w + formula, 0, 1) - numbers.w
    assert numbers.measured == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert numbers.expected == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert numbers.agreement.startswith("largest difference from the formula")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two-bit", "mini-batch"])
def test_weights_switch_as_often_as_the_formula_says(measured, name):
    numbers = measured[name]
    assert numbers.n_trials == N_RUNS * N_COPIES >= 2000
    low, high = binom.interval(0.9999, numbers.n_trials, numbers.expected)
    switched = np.round(numbers.measured * numbers.n_trials)
    assert np.all((low <= switched) & (switched <= high))
    assert numbers.expected.max() > 0.3
    inside = (numbers.low <= numbers.expected) & (numbers.expected <= numbers.high)
    assert inside[numbers.expected > 0].mean() > 0.9


@pytest.mark.slow
def test_independent_trains_shift_weights_as_their_rates_say(measured):
    """Each pair of spikes counts once: the drift is the window's area, times the rates."""
    numbers, seconds, dt, tau = measured["pair"], 2.0, 1e-3, 0.02
    q = np.exp(-dt / tau)
    # Traces begin at zero. Spikes in one step are a causal pair.
    steady = 1 - tau / seconds * (1 - np.exp(-seconds / tau))
    area = steady * dt * (1 - 0.5 * q) / (1 - q)
    drift = 0.002 * seconds * area * np.multiply.outer(PRE_HZ, POST_HZ)
    error = np.maximum(numbers.error_w, 1e-9)
    assert np.all(np.abs(numbers.mean_w - 0.5 - drift) < 5 * error)
    assert drift.max() > 0.1


def two_bits(rule: LongShortTermSTDP, delta: float, w: float) -> float:
    """Add up all ways in which one pair can end, as a tree of draws."""
    bits = rule.synapses(np.array([w]))
    ways = {(int(bits["stable"][0]), int(bits["labile"][0])): 1.0}

    def draw(p, change):
        after: dict = {}
        for state, chance in ways.items():
            for end, share in ((change(*state), p), (state, 1 - p)):
                after[end] = after.get(end, 0.0) + chance * share
        return after

    gamma, down = rule.learning_rate, rule.depression
    before = next(iter(ways))
    ways = draw(
        gamma * np.exp(-delta / 0.006) if delta >= 0 else 0, lambda s, b: (s, 1)
    )
    ways = draw(rule.consolidation, lambda s, b: (b, b))
    ways = draw(gamma * down * np.exp(delta / 0.006) * (delta < 0), lambda s, b: (s, 0))
    return 1 - ways[before]


@pytest.mark.parametrize("delta", [-0.02, -0.001, 0.0, 0.003])
def test_two_bits_change_in_any_of_their_ways(delta):
    rule = MEASURED["two-bit"]
    w = np.asarray(rule.levels)
    found = pair_change_probability(rule, np.array([delta]), w)
    assert found[0] == pytest.approx([two_bits(rule, delta, level) for level in w])


def test_a_long_mini_batch_is_not_over_after_one_pair():
    rule = HybridSTDP(aggregate="mini-batch", batch=2)
    found = pair_change_probability(rule, np.array([-0.001, 0.001]), np.array([0, 1.0]))
    assert np.all(found == 0)


def test_rules_of_users_have_no_formula():
    class TraceSTDP(PairSTDP, abstract=True):
        """A rule that is not the one of this name."""

    assert pair_change(TraceSTDP(), np.zeros(1), np.zeros(1)) is None
    assert pair_change_probability(TraceSTDP(), np.zeros(1), np.zeros(1)) is None


# -- drawn ------------------------------------------------------------------------


def numbers_of(rule: PlasticityRule, stochastic: bool) -> RuleNumbers:
    """Return numbers as the formula has them, without a simulator."""
    delta_ms = np.array([-20.0, -5.0, -1.0, 0.0, 5.0, 20.0])
    w = np.asarray(rule.levels) if rule.levels else np.linspace(0, rule.w_max, 21)
    delta = delta_ms * 1e-3
    expected = (
        pair_change_probability(rule, delta, w)
        if stochastic
        else pair_change(rule, delta[:, np.newaxis], w)
    )
    reach = 0.01 * stochastic
    rates = (len(PRE_HZ), len(POST_HZ))
    return RuleNumbers(
        rule=rule,
        stochastic=stochastic,
        n_trials=2000 if stochastic else 1,
        delta_ms=delta_ms,
        w=w,
        measured=expected,
        low=expected - reach,
        high=expected + reach,
        expected=expected,
        pre_hz=np.array(PRE_HZ),
        post_hz=np.array(POST_HZ),
        start_w=0.5,
        mean_w=np.full(rates, 0.5) + np.arange(3)[:, np.newaxis] * 0.1,
        error_w=np.full(rates, 0.01),
    )


PAIR = numbers_of(PairSTDP(), stochastic=False)
SWITCH = numbers_of(StochasticSTDP(), stochastic=True)


def legend_of(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_curves_over_time_break_where_the_order_turns():
    ax = plot_pairs_over_time(PAIR)
    assert legend_of(ax) == ["w = 0.2", "w = 0.5", "w = 0.9"]
    wide = [line for line in ax.lines if line.get_linewidth() > 1.5]
    assert len(wide) == 2 * 3
    before, after = wide[0], wide[1]
    assert before.get_xdata().max() < 0 <= after.get_xdata().min()
    np.testing.assert_array_equal(after.get_ydata(), PAIR.measured[3:, 4])
    thin = [line for line in ax.lines if line.get_linewidth() == 0.8]
    assert max(line.get_ydata().max() for line in thin) == pytest.approx(0.01)
    assert ax.get_xlabel() == "Time of post minus pre spike (ms)"


def test_small_changes_are_written_in_powers_of_ten():
    ax = plot_pairs_over_time(numbers_of(PairSTDP(learning_rate=2e-4), False))
    ax.figure.canvas.draw()
    assert ax.get_ylabel() == "Weight change ($10^{-3}$)"
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert "0.2" in shown
    assert any(text.startswith("\N{MINUS SIGN}") for text in shown)


def test_switches_are_dots_with_intervals():
    ax = plot_pairs_over_time(SWITCH)
    assert legend_of(ax) == ["w = 0", "w = 1"]
    dots, _, (bars,) = ax.containers[0]
    np.testing.assert_array_equal(dots.get_ydata(), SWITCH.measured[:, 0])
    heights = [segment[1, 1] - segment[0, 1] for segment in bars.get_segments()]
    assert heights == pytest.approx([0.02] * len(SWITCH.delta_ms))
    assert ax.get_ylabel() == "Probability of a switch"
    assert ax.get_ylim()[0] == 0


def test_the_weight_dependence_is_of_a_pair_in_either_order():
    ax = plot_pairs_over_weight(PAIR)
    assert legend_of(ax) == ["pre first", "post first"]
    first, second = (container[0].get_ydata() for container in ax.containers)
    np.testing.assert_array_equal(first, PAIR.measured[4])
    np.testing.assert_array_equal(second, PAIR.measured[1])
    assert ax.get_xlabel() == "Weight before a pair, 5 ms apart"


def test_trains_have_a_line_a_rate_and_the_start():
    ax = plot_trains(PAIR)
    assert legend_of(ax) == ["pre 5 Hz", "pre 20 Hz", "pre 60 Hz"]
    assert len(ax.containers) == 3
    np.testing.assert_array_equal(ax.containers[2][0].get_ydata(), PAIR.mean_w[2])
    assert [text.get_text() for text in ax.texts] == ["start"]


def test_noise_about_the_start_does_not_fill_the_axes():
    quiet = replace(PAIR, mean_w=np.full((3, 8), 0.5), error_w=np.full((3, 8), 1e-4))
    low, high = plot_trains(quiet).get_ylim()
    assert (low, high) == (0.45, 0.55)


@pytest.mark.parametrize("numbers", [PAIR, SWITCH], ids=["change", "switches"])
def test_a_figure_has_three_panels_and_says_what_is_drawn(numbers):
    figure = draw_rule(numbers)
    figure.canvas.draw()
    assert len(figure.axes) == 3
    title = figure.get_suptitle()
    assert title.startswith(f"{numbers.rule.title}: one pair of spikes")
    assert "formula as thin lines" in title
    assert ("2,000 trials a point, 95 % intervals" in title) == numbers.stochastic


def test_without_a_formula_no_thin_line_is_drawn():
    unknown = replace(PAIR, rule=unknown_rule(), expected=None)
    ax = plot_pairs_over_time(unknown)
    assert all(line.get_linewidth() != 0.8 for line in ax.lines)
    assert "formula" not in draw_rule(unknown).get_suptitle()
    assert unknown.agreement == "no closed form to compare with"


def unknown_rule() -> PlasticityRule:
    from stdpnet.models.custom import EquationRule

    return EquationRule()
