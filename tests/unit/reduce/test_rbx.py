"""The read-out boxes: what the rules give against what the inventory counted in the detector's own maps."""

from collections import Counter

import pytest

from hdqm_ops.reduce._rbx import boxes, cells_of_boxes


def test_124_boxes_of_21456_cells_of_which_19296_are_different():
    cells = [tuple(cell) for rows in boxes().values() for cell in rows.tolist()]

    assert len(boxes()) == 124
    assert len(cells) == 21456
    assert len(set(cells)) == 19296  # HO stands at the places of HB's fourth depth
    assert all(1 <= x <= 84 and 1 <= y <= 72 for x, y, _ in cells)


@pytest.mark.parametrize(
    ("kind", "number", "cells"),
    [("HB", 36, 252), ("HE", 36, 188), ("HF", 16, 216), ("HO0", 12, 48), ("HO1", 12, 72), ("HO2", 12, 60)],
)
def test_boxes_of_a_kind_are_alike(kind, number, cells):
    assert Counter(len(rows) for name, rows in boxes().items() if name.startswith(kind)) == {cells: number}


def test_no_cell_of_a_calorimeter_part_belongs_to_two_boxes():
    for part in ("HB", "HE", "HF", "HO"):
        cells = [tuple(cell) for name, rows in boxes().items() if name.startswith(part) for cell in rows.tolist()]
        assert len(cells) == len(set(cells))


def test_the_first_box_of_the_barrel_spans_iphi_71_to_2():
    rows = boxes()["HBM01"]

    assert set(rows[:, 1].tolist()) == {71, 72, 1, 2}
    assert set(rows[:, 0].tolist()) == set(range(27, 43))


def test_cells_of_several_boxes_know_their_box_and_their_map():
    place, x, y, owner = cells_of_boxes(("HBM01", "HO001", "nothing"), (4, 1, 0))

    assert Counter(owner.tolist()) == {0: 60 + 64, 1: 48}
    assert set(place[owner == 1].tolist()) == {0}
    assert len(x) == len(y) == len(place)
