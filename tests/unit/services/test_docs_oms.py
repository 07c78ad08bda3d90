"""Everything that docs/oms.md shows is true of the simulated services."""

import re
from pathlib import Path

import pytest

from hdqm_ops.errors import ConfigError
from hdqm_ops.services import Row, Table, plot
from hdqm_ops.simulate.services import SimulatedServices, Simulation, World

PAGE = Path(__file__).parents[3] / "docs/oms.md"


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What the page's Python leaves behind, block after block in one place."""
    with SimulatedServices(Simulation(World())) as services:
        monkeypatch.setenv("HDQM_HOME", str(tmp_path))
        monkeypatch.setenv("HDQM_OMS_URL", services.oms_url)
        monkeypatch.setenv("HDQM_OMS_AUDIENCE", "")
        monkeypatch.setenv("HDQM_RR_URL", services.rr_url)
        monkeypatch.chdir(tmp_path)
        left = {}
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
            exec(compile(block, str(PAGE), "exec"), left)
        yield left


def test_the_page(told, tmp_path):
    assert told["numbers"] == sorted(told["numbers"])
    assert len(told["numbers"]) > 20
    assert len(told["pileup"]) == told["run"]["last_lumisection_number"] == len(told["rates"])
    assert max(told["pileup"]) > 20
    assert all(row["run_number"] for row in told["table"])
    assert told["one"]["lumisection_number"] == 42
    assert len(told["info"]) == 1
    assert len(told["rows"]) % 12 == 0
    assert (tmp_path / "l1.png").read_bytes().startswith(b"\x89PNG")
    assert (told["active"] & told["dcs_only"]).lumisections == 191
    assert 321755 in told["golden"]
    assert told["runs"]
    assert told["datasets"]
    assert told["ranges"]["dt-dt"][0].start == 1


def table(**attributes):
    return Table((Row("runs", "1", {"run_number": 1, **attributes}),))


def test_what_cannot_be_drawn(tmp_path):
    with pytest.raises(ConfigError, match="no rows"):
        plot(Table(()), ["x"], tmp_path / "x.png")
    with pytest.raises(ConfigError, match=r"no column 'b_feld'; did you mean b_field\?"):
        plot(table(b_field=3.8), ["b_feld"], tmp_path / "x.png")
    with pytest.raises(ConfigError, match="say which column goes across: a"):
        plot(Table((Row("eras", "1", {"a": 1}),)), ["a"], tmp_path / "x.png")


def test_gaps_and_units(tmp_path):
    path = tmp_path / "x.svg"

    plot(table(b_field=None, energy=6500.0, l1_rate=5.0), ["b_field", "energy", "l1_rate"], path, title="a run")

    assert path.read_text().count("axes_") >= 3
