"""docker-compose.yml against Compose's published schema, and every name in it against what is really there."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fix_compose import CHECKOUT, COMPOSE_FILE, MissingVariable, parsed_environment, resolved
from typer.testing import CliRunner

from hdqm_ops.cli import app
from hdqm_ops.deploy import DeploySettings, environment_file
from hdqm_ops.settings import Settings

PUBLISHING = {"airflow-api-server", "grafana", "api"}
PROFILES = {
    "celery": {"redis", "airflow-worker"},
    "demo": {"simulate-dqm", "simulate-oms", "simulate-rr"},
    "backup": {"backup"},
}
ONCE = {"init", "init-grafana", "simulate-dqm"}


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    return parsed_environment(environment_file())


@pytest.fixture(scope="module")
def services(secrets) -> dict[str, dict]:
    return resolved(secrets)["services"]


# -- as a whole --------------------------------------------------------------------------------------------------------


def test_it_is_valid_by_composes_published_schema():
    program = Path(sys.executable).parent / "check-jsonschema"
    done = subprocess.run(
        [program, "--builtin-schema", "vendor.compose-spec", COMPOSE_FILE], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_itself_resolves_it_as_we_do(secrets, tmp_path):
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("no docker-compose on PATH")
    file = tmp_path / "env"
    file.write_text(environment_file())
    done = subprocess.run(
        [program, "--profile", "*", "--env-file", file, "-f", COMPOSE_FILE, "config", "--format", "json"],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)["services"]
    ours = resolved(parsed_environment(file.read_text()))["services"]
    assert theirs.keys() == ours.keys()
    for name, service in ours.items():
        assert theirs[name]["environment" if "environment" in service else "networks"], name
        for variable, value in service.get("environment", {}).items():
            assert theirs[name]["environment"][variable].replace("$$", "$") == value, (name, variable)


@pytest.mark.parametrize("name", sorted(parsed_environment(environment_file())))
def test_it_refuses_to_start_without_a_secret(secrets, name):
    with pytest.raises(MissingVariable, match=rf"^{name}: make a file .env with hdqm deploy env"):
        resolved({**secrets, name: ""})


def test_there_is_a_service_for_each_part(services):
    always = {
        *("timescaledb", "init", "init-grafana", "grafana", "api", "guard"),
        *("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
    }
    assert set(services) == always | set().union(*PROFILES.values())
    for profile, members in PROFILES.items():
        assert {name for name, service in services.items() if service.get("profiles") == [profile]} == members


# -- each service ------------------------------------------------------------------------------------------------------


def test_images_are_pinned(services):
    for name, service in services.items():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+[\w.-]*", service["image"]), name


def test_each_runs_as_somebody_without_rights_on_a_root_that_cannot_be_written(services):
    for name, service in services.items():
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert any(place.split(":")[0] == "/tmp" for place in service["tmpfs"]), name


def test_each_has_limits_a_rotated_log_and_one_network(services):
    for name, service in services.items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name
        assert service["networks"] == ["hdqm"], name


def test_what_runs_for_ever_comes_back_and_says_how_it_is(services):
    for name, service in services.items():
        assert service["restart"] == ("no" if name in ONCE else "unless-stopped"), name
        assert ("healthcheck" in service) == (name not in ONCE), name


def test_only_three_publish_a_port_and_that_on_loopback(services):
    assert {name for name, service in services.items() if service.get("ports")} == PUBLISHING
    for name in PUBLISHING:
        assert all(port.startswith("127.0.0.1:") for port in services[name]["ports"]), name


def test_it_waits_for_what_it_needs(services):
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            condition = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how["condition"] == condition, (name, other)
            assert services[other].get("profiles", service.get("profiles")) == service.get("profiles"), (name, other)


def test_volumes_and_mounts_exist(services, secrets):
    named = set(resolved(secrets)["volumes"])
    used = set()
    for name, service in services.items():
        places = [mount.split(":") for mount in service.get("volumes", ())]
        used |= {place[0] for place in places}
        assert all(place[1].startswith("/") for place in places), name
        assert len({place[1] for place in places}) == len(places), name
    assert used == named


def test_each_neighbour_that_is_named_is_a_service(services):
    """A host in an address is a service, the container itself, or CERN's."""
    for name, service in services.items():
        words = json.dumps([service.get("environment", {}), service.get("command"), service.get("healthcheck")])
        for host in re.findall(r"(?:://|@)(?:[^@/\s\"]*@)?([a-z][a-z0-9.-]*)(?::\d+)?/", words):
            assert host in services or host.endswith(".cern.ch"), (name, host)


def test_ports_of_neighbours_are_those_that_they_listen_on(services):
    listening = {"timescaledb": 5432, "airflow-api-server": 8080, "grafana": 3000, "redis": 6379, "api": 8050}
    for name, service in services.items():
        words = json.dumps([service.get("environment", {}), service.get("healthcheck")])
        for host, port in re.findall(r"\b(timescaledb|airflow-api-server|grafana|redis|api):(\d+)\b", words):
            if host != "api" or port != "8050":
                assert listening[host] == int(port), (name, host, port)
    for name in PUBLISHING:
        assert services[name]["ports"][0].endswith(f":{listening[name]}")


def test_commands_of_hdqm_exist(services):
    runner = CliRunner()
    checked = 0
    for name, service in services.items():
        for words in (service.get("command", []), service.get("healthcheck", {}).get("test", [])[1:]):
            if words[:1] == ["hdqm"]:
                known = [word for word in words[1:4] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
                help_page = runner.invoke(app, [*known, "--help"])
                assert help_page.exit_code == 0, (name, words, help_page.output)
                for option in (word for word in words if word.startswith("--")):
                    assert option in help_page.output, (name, option)
                checked += 1
    assert checked > 10


def test_each_hdqm_variable_is_a_setting(services):
    told = {f"HDQM_{name.upper()}" for name in Settings.model_fields}
    told |= {f"HDQM_DEPLOY_{name.upper()}" for name in DeploySettings.model_fields}
    for name, service in services.items():
        asked = {variable for variable in service.get("environment", {}) if variable.startswith("HDQM_")}
        asked -= {variable for variable in asked if variable.startswith("HDQM_GRAFANA_")}
        assert asked <= told, name


def test_grafana_gets_each_variable_that_its_provisioning_names(services):
    environment = services["grafana"]["environment"]
    for file in (CHECKOUT / "grafana" / "provisioning").rglob("*.y*ml"):
        for variable in re.findall(r"\$\{?(HDQM_\w+)", file.read_text()):
            assert environment[variable], (file, variable)


def test_grafana_is_told_of_a_mail_server(secrets):
    server = {"GF_SMTP_ENABLED": "true", "GF_SMTP_HOST": "mail.example.org:587", "GF_SMTP_PASSWORD": "x"}
    environment = resolved({**secrets, **server})["services"]["grafana"]["environment"]
    assert server.items() <= environment.items()


# -- hdqm deploy env ---------------------------------------------------------------------------------------------------


def test_two_files_share_no_secret():
    first, second = (parsed_environment(environment_file()) for _ in range(2))
    assert first.keys() == second.keys()
    assert not set(first.values()) & set(second.values())
    assert min(map(len, first.values())) >= 43


def test_a_redirected_file_is_for_its_owner_alone(tmp_path):
    file = tmp_path / ".env"
    program = Path(sys.executable).parent / "hdqm"
    subprocess.run(["bash", "-c", f"umask 000; '{program}' deploy env > '{file}'"], check=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(parsed_environment(file.read_text())) >= 13


def test_an_existing_file_is_kept(tmp_path):
    file = tmp_path / ".env"
    runner = CliRunner()
    assert runner.invoke(app, ["deploy", "env", "--out", str(file)]).exit_code == 0
    before = file.read_text()
    again = runner.invoke(app, ["deploy", "env", "--out", str(file)])
    assert "its passwords are the ones that the database knows" in str(again.exception)
    assert file.read_text() == before


def test_the_demo_asks_only_simulators(services):
    environment = parsed_environment(environment_file(demo=True))
    demo = resolved(environment)["services"]["airflow-scheduler"]["environment"]
    assert demo["HDQM_OMS_URL"].startswith("http://simulate-oms:9600/")
    assert demo["HDQM_OMS_AUDIENCE"] == ""
    assert demo["HDQM_RR_URL"].startswith("http://simulate-rr:9500/")
    assert environment["COMPOSE_PROFILES"] == "demo"


def test_a_missing_password_is_named(monkeypatch):
    for name in parsed_environment(environment_file()):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(app, ["deploy", "init"])
    assert "HDQM_DEPLOY_SUPERUSER_PASSWORD: Field required" in str(result.exception)
