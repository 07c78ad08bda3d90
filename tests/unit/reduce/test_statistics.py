"""ROOT's statistics where it is easy to see what they must be; random histograms are compared with ROOT elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from hdqm_ops.errors import NotReducible
from hdqm_ops.model import Axis, Histogram, Reason
from hdqm_ops.reduce import _statistics as root
from hdqm_ops.testing import draw_hist, draw_map, draw_profile, draw_profile_map


def ranged(hist, first, last):
    (axis,) = hist.axes
    return replace(hist, axes=(replace(axis, first=first, last=last, ranged=True),))


def test_stored_moments_count_not_the_bins():
    hist = replace(draw_hist("0 1 2 | 1 1"), sums=(2.0, 2.0, 3.0, 5.0))

    assert root.mean(hist) == 1.5
    assert root.std_dev(hist) == 0.5


def test_bins_count_where_nothing_was_filled_but_set():
    hist = replace(draw_hist("0 1 2 | 1 3"), sums=(0.0,) * 4)

    assert root.mean(hist) == pytest.approx(1.25)
    assert root.effective_entries(hist) == pytest.approx(4)


def test_nothing_counts_where_there_are_no_entries_either():
    hist = replace(draw_hist("0 1 2 | 1 3", entries=0.0), sums=(0.0,) * 4)

    with pytest.raises(NotReducible) as refusal:
        root.mean(hist)
    assert refusal.value.reason is Reason.HISTOGRAM_EMPTY


def test_flow_counts_where_the_histogram_says_so_and_only_in_what_is_computed_from_bins():
    plain = draw_hist("0 1 2 | 1 3")
    cells = plain.cells.copy()
    cells[0], cells[-1] = 2, 4
    counted = replace(plain, cells=cells, axes=(replace(plain.axes[0], flow_counted=True),))
    from_bins = replace(counted, sums=(0.0,) * 4)

    assert root.mean(counted) == pytest.approx(1.25)  # stored moments
    assert root.mean(from_bins) == pytest.approx((2 * -0.5 + 0.5 + 3 * 1.5 + 4 * 2.5) / 10)
    assert root.mean(ranged(from_bins, 1, 2)) == pytest.approx(1.25)


def test_an_active_range_counts_alone():
    hist = ranged(draw_hist("0 1 2 3 4 | 9 1 3 9"), 2, 3)

    assert root.mean(hist) == pytest.approx(2.25)
    assert root.integral(hist) == 4
    assert root.sum_of_weights(hist) == 22
    assert (root.maximum_bin(hist), root.minimum_bin(hist), root.maximum(hist)) == (3, 2, 3)


def test_a_first_and_last_without_the_bit_do_not_count():
    (axis,) = draw_hist("0 1 2 | 1 3").axes
    hist = replace(draw_hist("0 1 2 | 1 3"), axes=(replace(axis, first=2, last=2),))

    assert root.active(hist.axes[0]) == (1, 2)
    assert root.mean(hist) == pytest.approx(1.25)


def test_places_mean_nothing_on_an_axis_of_labels_that_may_grow():
    labelled = draw_hist("0 1 2 | 1 3", labels=("a", "b"))
    growing = replace(labelled, axes=(replace(labelled.axes[0], extendable=True),), sums=(0.0,) * 4)

    assert root.mean(growing) == 0
    assert root.mean(replace(growing, axes=labelled.axes)) == pytest.approx(1.25)


def test_negative_bins_count_without_sign_in_curves_and_with_sign_in_maps():
    curve = replace(draw_hist("0 1 2 | 5 -1", entries=2.0), sums=(0.0,) * 4)
    plane = replace(draw_map("5 -1"), sums=(0.0,) * 7)

    assert root.effective_entries(curve) == pytest.approx(16 / 6)
    assert root.effective_entries(plane) == pytest.approx(16 / 4)


@pytest.mark.parametrize(("mode", "errors"), [("", (1 / 2**0.5, 0.0)), ("s", (1.0, 0.0)), ("g", (1 / 2**0.5, 1.0))])
def test_errors_of_a_profile_by_its_option(mode, errors):
    hist = draw_profile("0 1 2 3 | 3 5; 4; ", error_mode=mode)

    assert root.errors(hist)[1:4].tolist() == pytest.approx([*errors, 0.0])
    assert root.contents(hist)[1:4].tolist() == [4, 4, 0]


def test_errors_of_a_profile_of_whole_numbers():
    hist = draw_profile("0 1 2 | 4 4; 3 5", error_mode="i")

    assert root.errors(hist)[1:3].tolist() == pytest.approx([1 / 24**0.5, 1 / 2**0.5])


def test_errors_of_a_weighted_profile_count_its_effective_entries():
    hist = replace(draw_profile("0 1 | 3 5 3 5"), bin_sumw2=np.array([0.0, 8.0, 0.0]))

    assert root.errors(hist)[1] == pytest.approx(1 / 2**0.5)  # 4² / 8 effective entries


def test_means_of_what_is_profiled():
    assert root.mean(draw_profile("0 1 2 | 3 5; 10"), 2) == 6
    assert root.mean(draw_profile_map("3,5 10"), 3) == 6
    old = draw_profile("0 1 2 | 3 5; 10")
    assert root.mean(replace(old, sums=(*old.sums[:4], 0.0, 0.0)), 2) == 6  # very old files did not store these


def test_bins_out_of_range_are_moved_to_the_next_that_exists():
    hist = draw_hist("0 1 2 | [7] 1 3 [9]")
    profile = draw_profile("0 1 | 5")

    assert [root.content(hist, number) for number in (-5, 0, 1, 2, 3, 8)] == [7, 7, 1, 3, 9, 9]
    assert [root.content(profile, number) for number in (-5, 1, 8)] == [0, 5, 0]
    plane = draw_map("1 2 / 3 4")
    assert (root.content(plane, 2, 1), root.content(plane, 99, 1), root.content(plane, 5)) == (2, 0, 1)


def test_bins_by_label_are_those_that_root_answers_with():
    partly = draw_hist("0 1 2 | [7] 1 3", labels=("a",))
    fully = draw_hist("0 1 2 | [7] 1 3 [9]", labels=("a", "b"))

    assert root.content_at(partly, "a") == 1
    assert root.content_at(partly, "x") == 7  # the axis takes no label any more: the underflow
    assert root.content_at(fully, "x") == 0  # a new bin
    assert root.content_at(draw_hist("0 1 2 | [7] 1 3"), "x") == 1  # the first label of an axis without any


@pytest.mark.parametrize(("limits", "total"), [((1, 2), 4), ((-3, 1), 8), ((2, 99), 12), ((2, 1), 12), ((0, 3), 20)])
def test_limits_of_an_integral_are_corrected(limits, total):
    assert root.integral(draw_hist("0 1 2 | [7] 1 3 [9]"), *limits) == total


def test_the_largest_content_is_what_a_user_says():
    assert root.maximum(draw_hist("0 1 2 | 1 3", maximum=77.0)) == 77


def test_bins_of_maps_are_counted_along_x_first():
    plane = draw_map("1 9 2 / 0 9 3")

    assert root.maximum_bin(plane) == 1 * 5 + 2
    assert root.minimum_bin(plane) == 2 * 5 + 1


def test_three_axes():
    cells = np.zeros((4, 4, 4))
    cells[1, 1, 2], cells[2, 1, 1] = 3, 1
    axes = tuple(Axis(2, 0.0, 2.0) for _ in range(3))
    hist = Histogram("TH3D", "cube", axes, cells.T.reshape(-1), 4.0, (0.0,) * 11)

    assert [root.mean(hist, axis) for axis in (1, 2, 3)] == pytest.approx([0.75, 0.5, 1.25])
    assert root.sums(hist)[9] == pytest.approx(3 * 0.5 * 1.5 + 1.5 * 0.5)


def test_each_statistic_is_computed_once_while_remembering():
    hist = draw_hist("0 1 2 | 1 3")

    with root.remembering():
        assert root.contents(hist) is root.contents(hist)
        assert root.sums(hist) is root.sums(hist)
    assert root.contents(hist) is not root.contents(hist)
