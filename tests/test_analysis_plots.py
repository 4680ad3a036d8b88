"""Plots are tested on what they drew: data, limits, words; never on pixels."""

import itertools
import sys

import numpy as np
import pytest

from stdpnet.analysis import (
    confusion,
    fewer_errors,
    kernel_images,
    plot_confusion,
    plot_convergence,
    plot_curves,
    plot_example,
    plot_kernel_history,
    plot_kernels,
    plot_label_curve,
    plot_per_map,
    plot_raster,
    plot_spikes_per_example,
    plot_weight_histogram,
    tile,
)


def _words(ax):
    return [text.get_text() for text in ax.texts]


def _drawn(ax):
    # Without drawing, constrained layout and late ticks would not be exercised.
    ax.figure.canvas.draw()
    return ax


def test_kernels_are_drawn_symmetric_about_zero(rng):
    kernels = rng.random((6, 3, 3, 2))
    ax = _drawn(plot_kernels(kernels, columns=3))
    image = ax.images[0]
    largest = np.abs(kernel_images(kernels)).max()
    assert image.get_clim() == (-largest, largest)
    np.testing.assert_allclose(
        image.get_array().filled(np.nan), tile(kernel_images(kernels), 3)
    )
    assert image.cmap(np.ma.masked_invalid([np.nan]))[0, 3] == 0  # gaps are clear
    assert ax.figure.axes[1].get_ylabel() == "ON minus OFF weight"


def test_kernels_of_one_sign_stay_centred():
    ax = plot_kernels(np.ones((2, 2, 2, 2)) * [1.0, 0.25])
    assert ax.images[0].get_clim() == (-0.75, 0.75)


def test_raw_kernels_start_at_zero(rng):
    ax = plot_kernels(rng.random((6, 3, 3, 1)))
    low, high = ax.images[0].get_clim()
    assert (low, 0.5 < high <= 1) == (0, True)
    assert ax.figure.axes[1].get_ylabel() == "Weight"


def test_colour_kernels_have_clear_gaps_and_no_scale(rng):
    kernels = rng.random((4, 2, 2, 6))
    ax = plot_kernels(kernels, columns=2, order=np.array([3, 2, 1, 0]))
    pixels = ax.images[0].get_array()
    np.testing.assert_allclose(pixels[:2, :2, :3], kernel_images(kernels)[3])
    assert (pixels[2, :, 3] == 0).all()
    assert len(ax.figure.axes) == 1


def test_history_has_a_row_a_kernel_and_a_column_a_snapshot(rng):
    history, n_shown = rng.random((3, 2, 4, 4, 2)), np.array([0, 500, 2000])
    ax = _drawn(plot_kernel_history(history, n_shown))
    mosaic = ax.images[0].get_array()
    assert mosaic.shape == (2 * 5 - 1, 3 * 5 - 1)
    expected = kernel_images(history[2])[1]
    np.testing.assert_allclose(mosaic[5:, 10:], expected)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0", "500", "2,000"]


def test_long_history_keeps_both_ends(rng):
    ax = plot_kernel_history(
        rng.random((50, 30, 2, 2, 2)), np.arange(50), n_kernels=4, n_times=5
    )
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert (len(labels), labels[0], labels[-1]) == (5, "0", "49")


def test_history_and_times_must_fit():
    with pytest.raises(ValueError, match=r"^history must have shape .*\(3,\)$"):
        plot_kernel_history(np.zeros((2, 2, 4, 4, 2)), np.arange(3))


def test_weight_histogram_shows_percent_before_and_after():
    weights, initial = np.array([0, 0, 0, 1.0]), np.full(4, 0.8)
    ax = _drawn(plot_weight_histogram(weights, initial, bins=10))
    learned, start = (patch.get_data().values for patch in ax.patches)
    assert (learned[0], learned[-1], learned.sum()) == (75, 25, 100)
    assert start.max() == 100
    assert set(_words(ax)) == {"start", "learned"}


def test_labels_of_binary_weights_do_not_meet():
    weights, initial = np.array([0, 1, 1.0]), np.array([0, 0, 1, 1, 1.0])
    ax = _drawn(plot_weight_histogram(weights, initial, bins=10))
    places = {text.get_text(): text.xy[0] for text in ax.texts}
    assert (places["start"], places["learned"]) == pytest.approx((0.05, 0.9))


def test_convergence_is_labelled_with_its_end():
    ax = _drawn(
        plot_convergence(np.array([0, 100]), np.array([0.2, 0.0123]), threshold=0.02)
    )
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.2, 0.0123])
    assert _words(ax) == ["0.012", "stops at 0.02"]
    assert ax.get_ylim()[0] == 0


def test_maps_over_time_are_lines_with_their_median(rng):
    values = rng.random((4, 5))
    ax = _drawn(plot_per_map(values, "Threshold", np.arange(4)))
    for line, column in zip(ax.lines[:5], values.T, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), column)
    np.testing.assert_allclose(ax.lines[5].get_ydata(), np.median(values, axis=1))
    assert ax.get_ylabel() == "Threshold, each map"


def test_hundreds_of_maps_are_shaded_between_what_most_have(rng):
    values = rng.random((4, 101))
    ax = _drawn(plot_per_map(values, "Threshold", np.arange(4)))
    assert len(ax.lines) == 1
    assert ax.get_ylabel() == "Threshold, 101 maps"
    for shade, (low, high) in zip(ax.collections, ((5, 95), (25, 75)), strict=True):
        corners = shade.get_paths()[0].vertices
        for x, column in enumerate(np.sort(values)):
            drawn = corners[corners[:, 0] == x, 1]
            assert drawn.min() == pytest.approx(column[low])
            assert drawn.max() == pytest.approx(column[high])


def test_maps_at_the_end_are_in_falling_order():
    ax = _drawn(plot_per_map(np.array([2.0, 0.0, 5.0, 0.0]), "Threshold"))
    np.testing.assert_array_equal(ax.patches[0].get_data().values, [5, 2, 0, 0])
    assert _words(ax) == ["median 1", "2 at zero"]
    assert ax.get_ylabel() == "Threshold"


def test_bars_below_zero_stand_on_the_lowest():
    ax = _drawn(plot_per_map(np.array([-42.0, -30.0, -40.0]), "Threshold"))
    assert ax.patches[0].get_data().baseline == pytest.approx(-42.6)
    assert ax.get_ylim()[0] == pytest.approx(-42.6)


def test_numbers_of_images_do_not_run_into_each_other():
    shown = np.arange(0, 188_313, 250)
    ax = _drawn(plot_convergence(shown, np.linspace(0.2, 0.1, len(shown))))
    ax.figure.set_size_inches(2.4, 2)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert len(boxes) > 1
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("n_shown", "message"),
    [
        (None, r"^values without n_shown must have shape \(n_maps,\), got \(2, 3\)$"),
        (np.arange(4), r"^values must have shape .*\(2, 3\) and \(4,\)$"),
    ],
)
def test_map_values_must_fit(n_shown, message):
    with pytest.raises(ValueError, match=message):
        plot_per_map(np.ones((2, 3)), "Threshold", n_shown)


def test_curves_have_a_panel_for_each_quantity(rng):
    n_shown, values = np.arange(3), rng.random((3, 4))
    axes = plot_curves(n_shown, convergence=values[:, 0], spikes=values)
    assert [ax.get_ylabel() for ax in axes] == [
        "Mean of w (1 - w)",
        "Spikes per image, each map",
    ]
    assert len(plot_curves(n_shown, thresholds=values)) == 1
    with pytest.raises(ValueError, match=r"^plot_curves must be given .*, got none$"):
        plot_curves(n_shown)


def test_single_snapshot_is_seen():
    ax = plot_convergence(np.array([100]), np.array([0.1]))
    assert ax.lines[0].get_marker() == "o"


def test_confusion_counts_like_a_loop(rng):
    y_true, y_pred = rng.integers(0, 4, (2, 200))
    expected = np.zeros((4, 4), int)
    for true, predicted in zip(y_true, y_pred, strict=True):
        expected[true, predicted] += 1
    np.testing.assert_array_equal(confusion(y_true, y_pred, 4), expected)


def test_confusion_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"one shape \(n,\), got \(2,\) and \(3,\)$"):
        confusion([0, 1], [0, 1, 1], 2)
    with pytest.raises(ValueError, match=r"^y_pred must be in 0 .. 1, got -1$"):
        confusion([0, 1], [0, -1], 2)


def test_confusion_colours_mistakes_only():
    ax = _drawn(plot_confusion(np.array([[90, 10], [0, 50]]), ("cat", "dog")))
    np.testing.assert_allclose(ax.images[0].get_array(), [[0, 0.1], [0, 0]])
    assert _words(ax) == ["90", "10", "50"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["cat", "dog"]


def test_confusion_of_many_classes_has_no_counts():
    ax = _drawn(plot_confusion(np.eye(40, dtype=int)))
    assert _words(ax) == []
    assert len(ax.get_xticklabels()) <= 40


def test_confusion_matrix_must_be_square():
    with pytest.raises(ValueError, match=r"^matrix must have shape .*, got \(2, 3\)$"):
        plot_confusion(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"each of the 2 classes, got 1$"):
        plot_confusion(np.eye(2), ("cat",))


@pytest.mark.parametrize(
    ("accuracy", "control", "fraction"),
    [(0.98, 0.96, 0.5), (0.9, 0.95, -1), (0.9, 0.9, 0), (1, 0.5, 1), (0.9, 1.0, None)],
)
def test_errors_removed(accuracy, control, fraction):
    expected = fraction if fraction is None else pytest.approx(fraction)
    assert fewer_errors(accuracy, control) == expected


def test_label_curve_has_lines_through_means(rng):
    sizes, accuracy = np.array([300, 1000, 60000]), rng.random((3, 4))
    ax = _drawn(plot_label_curve(sizes, accuracy, accuracy / 2))
    np.testing.assert_allclose(ax.lines[4].get_ydata(), 100 * accuracy.mean(axis=1))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["300", "1,000", "60,000"]
    last = 100 * accuracy[-1].mean()
    assert _words(ax) == [f"learned {last:.1f}", f"control {last / 2:.1f}"]
    with pytest.raises(
        ValueError, match=r"^learned accuracy must have shape \(3, n_draws"
    ):
        plot_label_curve(sizes, accuracy.T)


@pytest.mark.parametrize(
    ("control", "places"),
    [(0.8, ["bottom", "top"]), (0.95, ["top", "bottom"]), (0.9, ["bottom", "top"])],
)
def test_labels_of_curves_do_not_cover_each_other(control, places):
    learned, control = np.full((2, 3), 0.9), np.full((2, 3), control)
    ax = plot_label_curve(np.array([10, 20]), learned, control)
    assert [text.get_va() for text in ax.texts] == places


def test_raster_groups_neurons_by_map():
    shape = (2, 3, 4)
    spikes = [(t, (y * 3 + x) * 4 + m) for t, y, x, m in [(0, 0, 0, 2), (5, 1, 2, 3)]]
    ax = _drawn(plot_raster(np.array(spikes), shape))
    points = ax.collections[0].get_offsets()
    np.testing.assert_array_equal(points[:, 0], [0, 5])
    np.testing.assert_array_equal(np.round(points[:, 1]), [2, 3])
    assert points[0, 1] < 2  # the first position lies above the middle of its lane
    assert points[1, 1] > 3
    assert ax.get_ylim() == (3.5, -0.5)


def test_raster_may_be_empty():
    ax = _drawn(plot_raster(np.empty((0, 2), int), (2, 2, 2), n_steps=8))
    assert ax.get_xlim() == (-0.5, 7.5)


@pytest.mark.parametrize(
    ("spikes", "shape", "message"),
    [
        (
            np.zeros(3),
            (2, 2, 2),
            r"^spikes must have shape \(n_spikes, 2\), got \(3,\)$",
        ),
        (np.array([[0, 8]]), (2, 2, 2), r"neurons 0 .. 7 of shape \(2, 2, 2\), got 8$"),
        (
            np.array([[0, 8]]),
            (2, 2),
            r"^shape must be \(height, width, n_groups\), got",
        ),
    ],
)
def test_raster_refuses_what_does_not_fit(spikes, shape, message):
    with pytest.raises(ValueError, match=message):
        plot_raster(spikes, shape)


def test_raster_needs_a_name_for_each_group():
    with pytest.raises(ValueError, match=r"each of the 2 groups, got 1$"):
        plot_raster(np.array([[0, 7]]), (2, 2, 2), group_names=("ON",))


@pytest.mark.parametrize("image_shape", [(4, 4), (4, 4, 1), (4, 4, 3)])
def test_example_shares_time_between_input_and_maps(rng, image_shape):
    inputs, features = np.array([[0, 3], [2, 8]]), np.array([[9, 1]])
    axes = plot_example(
        rng.random(image_shape), inputs, (4, 4, 2), features, (3, 3, 5), title="seven"
    )
    _drawn(axes[0])
    assert [ax.get_xlim() for ax in axes[1:]] == [(-0.5, 9.5)] * 2
    assert [ax.get_title() for ax in axes[1:]] == ["2 spikes", "1 spike"]
    assert [t.get_text() for t in axes[1].get_yticklabels()] == ["ON", "OFF"]
    assert axes[0].get_xlabel() == "seven"


def test_spikes_per_example_are_all_counted():
    counts = np.array([0, 0, 3, 4, 4, 5, 900])
    ax = _drawn(plot_spikes_per_example(counts))
    assert sum(bar.get_height() for bar in ax.patches) == len(counts)
    assert set(_words(ax)) == {"median 4", "2 without a spike"}
    with pytest.raises(ValueError, match=r"^counts must have shape \(n,\) with n > 0"):
        plot_spikes_per_example(np.array([]))


def test_plots_draw_where_they_are_told_and_open_no_window(rng):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert plot_kernels(rng.random((2, 2, 2, 2)), ax=ax) is ax
    assert plot_label_curve(np.array([1, 2]), rng.random((2, 1)), ax=ax) is ax
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []
