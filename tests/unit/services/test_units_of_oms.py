"""Units as OMS writes them, into ours."""

import pytest

from hdqm_ops.errors import BadAnswer
from hdqm_ops.services import Quantity, Row, Table, normal_unit

SPEC = {  # as OMS writes it: (factor, ours)
    "pb^{-1}": (1.0, "pb^-1"),
    "fb^{-1}": (1e3, "pb^-1"),
    "nb^{-1}": (1e-3, "pb^-1"),
    "{\\mu}b^{-1}": (1e-6, "pb^-1"),
    "μb^-1": (1e-6, "pb^-1"),
    "/pb": (1.0, "pb^-1"),
    "b^{-1}": (1e-12, "pb^-1"),
    "10^{34}cm^{-2}s^{-1}": (1.0, "10^34 cm^-2 s^-1"),
    "10^{33}cm^{-2}s^{-1}": (0.1, "10^34 cm^-2 s^-1"),
    "10^{30}cm^{-2}s^{-1}": (1e-4, "10^34 cm^-2 s^-1"),
    "10^{27}cm^{-2}s^{-1}": (1e-7, "10^34 cm^-2 s^-1"),
    "10^{34} cm^{-2} s^{-1}": (1.0, "10^34 cm^-2 s^-1"),
    "cm^{-2}s^{-1}": (1e-34, "10^34 cm^-2 s^-1"),
    "10^{30}cm^{-2}s^{-1}(10^{11}p)^{-2}": (1.0, "10^30 cm^-2 s^-1 (10^11 p)^-2"),
    "10^{27}cm^{-2}s^{-1}(10^{11}p)^{-2}": (1e-3, "10^30 cm^-2 s^-1 (10^11 p)^-2"),
    "T": (1.0, "T"),
    "GeV": (1.0, "GeV"),
    "TeV": (1e3, "GeV"),
    "Hz": (1.0, "Hz"),
    "kHz": (1e3, "Hz"),
    "cm": (1.0, "cm"),
    "m": (100.0, "cm"),
    "{\\mu}rad": (1.0, "urad"),
    "10^{11}": (1.0, "10^11"),
    "MB/s": (1e-3, "GB/s"),
}


@pytest.mark.parametrize("text", SPEC)
def test_known_unit(text):
    factor, unit = normal_unit(text)

    assert unit == SPEC[text][1]
    assert factor == pytest.approx(SPEC[text][0], rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "furlong", "pb", "b", "pb^{-2}", "/pb^{-1}", "10^{34}", "10^{x}cm^{-2}s^{-1}", "cm^{-2}"]
)
def test_unknown_unit(text):
    assert normal_unit(text) is None


def run(units=None, **attributes):
    return Row("runs", "297050", attributes, units or {})


def test_number_and_unit_are_apart():
    row = run({"init_lumi": "10^{30}cm^{-2}s^{-1}"}, init_lumi=6885.2021484375, b_field=3.799, energy=6499.0)

    assert row.quantity("init_lumi") == Quantity(pytest.approx(0.68852021484375), "10^34 cm^-2 s^-1")
    assert str(row.quantity("b_field")) == "3.799 T"
    assert row.normalised()["energy"] == 6499.0


def test_what_is_not_known_stays_so():
    assert run(init_lumi=None).quantity("init_lumi") is None
    assert run(stable_beam=True).quantity("stable_beam") is None
    assert run(run_number=297050).quantity("run_number") == Quantity(297050, "")


def test_luminosity_without_a_unit_is_an_error():
    with pytest.raises(BadAnswer, match=r"OMS, runs/297050: delivered_lumi is 106.1 without a unit"):
        run(delivered_lumi=106.1).quantity("delivered_lumi")


def test_nothing_needs_no_unit():
    assert run(delivered_lumi=0.0).quantity("delivered_lumi") == Quantity(0.0, "pb^-1")


def test_a_unit_of_another_kind_is_an_error():
    with pytest.raises(BadAnswer, match=r"init_lumi is 1.0 in 'GeV', which is no unit that we know for it"):
        run({"init_lumi": "GeV"}, init_lumi=1.0).quantity("init_lumi")


def test_unknown_unit_is_an_error():
    with pytest.raises(BadAnswer, match=r"delivered_lumi is 1.0 in 'furlong', which is no unit that we know"):
        run({"delivered_lumi": "furlong"}, delivered_lumi=1.0).normalised()


def test_table_gives_one_unit_a_column():
    ions = run({"delivered_lumi": "{\\mu}b^{-1}"}, delivered_lumi=8.0, components=["DT", "CSC"])
    protons = run({"delivered_lumi": "pb^{-1}"}, delivered_lumi=106.0, components=[])
    table = Table((ions, protons))

    assert table.units() == {"delivered_lumi": "pb^-1"}
    assert table.csv() == 'delivered_lumi,components\n8e-06,"DT,CSC"\n106.0,\n'
    frame = table.frame()
    assert list(frame["delivered_lumi"]) == [8e-06, 106.0]
    assert frame.attrs["units"] == {"delivered_lumi": "pb^-1"}
