"""OMS's public client, unmodified, takes the simulator for the real thing."""

import json
from pathlib import Path

from hdqm_ops.simulate.services import SignOn, SimulatedServices, Simulation, World


def test_the_public_client_gets_what_it_asks_for(in_clients, tmp_path):
    world = World(seed=1, runs=1_500)
    run = next(run for run in world.all_runs if run.kind == "collisions" and 250 < run.lumisections < 900)
    mates = sorted((mate.number for mate in world.of_fill(run.fill.number)), reverse=True)

    with SimulatedServices(Simulation(world, sign_on=SignOn(clients={"me": "s3cret"}))) as services:
        script = Path(__file__).with_name("omsapi_calls.py")
        token_url = f"{services.sso_url}/api-access/token"
        done = in_clients(script, services.base_url + "/agg/api", token_url, run.number, run.fill.number, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["runs_of_fill"] == [{"run_number": mate, "fill_number": run.fill.number} for mate in mates]
    assert [fill["fill_number"] for fill in found["fills"]] == [run.fill.number]
    assert found["lumisections"] == [3, 4, 5]
    assert found["row_units"] == "10^{30}cm^{-2}s^{-1}"
    assert found["described"] == ["beam1_present", "beam1_stable", "beam2_present"]
    assert found["metadata"] is True
    assert "T" not in found["presentation"]
    assert found["l1_by_lumisection"] == run.lumisections
    assert found["l1_total"] > 1_000_000
    assert found["hlt_events"] == found["hlt_accepted"]
    assert "SingleMuon" in found["datasets"]
    assert found["pages"][:-1] == [100] * (len(found["pages"]) - 1)
    assert sum(found["pages"]) == found["count"] == run.lumisections
    assert found["typo_is_dropped"] == 7  # what makes its users get everything in place of one
    assert found["workspaces"] == found["endpoints"] == 200
    assert found["signed"] == 1
    assert found["slash"] == found["proxied"] == {"run_number": run.number}
