"""Simulated OMS and Run Registry as a part of the stack."""

from ports import free_port

from hdqm_ops.local import Simulators
from hdqm_ops.services import OMS, RunRegistry
from hdqm_ops.settings import Settings


def test_they_start_answer_those_who_sign_on_and_stop(tmp_path, monkeypatch):
    monkeypatch.setenv("HDQM_HOME", str(tmp_path))
    simulators = Simulators(Settings(), free_port())
    component = simulators.component()
    component.start()
    try:
        component.await_health(120)
        for name, text in simulators.settings().items():
            monkeypatch.setenv(name, text)
        with OMS.from_settings(Settings()) as oms, RunRegistry.from_settings(Settings()) as rr:
            (run,) = oms.runs(324_884)
            told = rr.get_run(324_884)
    finally:
        component.stop()

    assert told["oms_attributes"]["fill_number"] == run["fill_number"]
    assert component.state() == "stopped"
    for connection in simulators.connections():
        assert connection["host"] in {simulators.settings()["HDQM_OMS_URL"], simulators.settings()["HDQM_RR_URL"]}


def test_where_they_are_not_wanted_there_are_no_connections_to_them(tmp_path):
    simulators = Simulators(Settings(home=tmp_path), None)

    assert simulators.connections() == []
    assert not simulators.wanted
