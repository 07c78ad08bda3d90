"""How requests are sent, repeated and given up: against the simulated services, fault by fault."""

import logging
import pickle
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from ports import free_port

from hdqm_ops.errors import (
    AuthenticationFailed,
    BadAnswer,
    ConfigError,
    RequestRefused,
    ServiceUnavailable,
    TryAgain,
    UntrustedServer,
)
from hdqm_ops.services import Client, Credentials, Service, oms_service, run_registry_service, run_registry_target
from hdqm_ops.services._http import gate
from hdqm_ops.settings import Settings
from hdqm_ops.simulate.services import SignOn, SimulatedServices, Simulation, World

FIRST = World(seed=1, runs=1_500).all_runs[0].number
RUNS = [("page[limit]", "1"), ("fields", "run_number")]


def first_run(client):
    return client.get("runs", RUNS).json()["data"][0]["attributes"]["run_number"]


@pytest.mark.parametrize(
    "kind", ["server_error", "bad_gateway", "gateway_timeout", "cut_chunk", "broken_connection", "too_many_requests"]
)
def test_passing_fault_is_waited_out(oms_service, faults, journal, kind):
    faults.add(kind, times=2)

    number = first_run(Client(oms_service))

    assert number == FIRST
    assert journal.asked["oms"] == 3


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("server_error", "HTTP 500: boom"),
        ("bad_gateway", "HTTP 502: <html>"),
        ("gateway_timeout", "HTTP 504"),
        ("cut_chunk", "the connection broke"),
        ("broken_connection", "the connection broke"),
        ("too_many_requests", "HTTP 429: slow down"),
    ],
)
def test_lasting_fault_is_told_with_place_and_tries(oms_service, faults, journal, kind, found):
    faults.add(kind)

    with pytest.raises(ServiceUnavailable, match=rf"OMS, GET /runs\?.*{re.escape(found)}.*tried 4 times") as caught:
        Client(oms_service).get("runs", RUNS)

    assert journal.asked["oms"] == 4
    assert isinstance(caught.value, TryAgain)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_retry_after_is_honoured(oms_service, faults):
    faults.add("too_many_requests", times=1, seconds=1)
    started = time.monotonic()

    first_run(Client(oms_service))

    assert time.monotonic() - started >= 1


def test_retry_after_beyond_patience_is_told_at_once(oms_service, faults, journal):
    faults.add("too_many_requests", seconds=3600)

    with pytest.raises(ServiceUnavailable, match="asks to come back in 3600 s"):
        first_run(Client(oms_service))

    assert journal.asked["oms"] == 1


def test_silence_ends_by_the_read_timeout(oms_service, faults):
    faults.add("hang", seconds=30)

    with pytest.raises(ServiceUnavailable, match="fell silent"):
        first_run(Client(replace(oms_service, read_timeout_s=0.2, tries=2)))


def test_a_dripping_body_ends_by_the_total_timeout(oms_service, faults):
    faults.add("slow_body", seconds=20)

    with pytest.raises(ServiceUnavailable, match=r"not complete after 0.5 s"):
        first_run(Client(replace(oms_service, total_timeout_s=0.5, tries=1)))


def test_a_slow_body_is_read_to_its_end(oms_service, faults):
    faults.add("slow_body", seconds=0.5)

    assert first_run(Client(oms_service)) == FIRST


def test_nobody_there(oms_service):
    with pytest.raises(ServiceUnavailable, match=r"cannot be reached .* \(tried 2 times\)"):
        first_run(Client(replace(oms_service, url=f"http://127.0.0.1:{free_port()}", tries=2)))


def test_a_closed_door_is_a_passing_fault(oms_service):
    """A server that hangs up before it says anything."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

        def hang_up():
            for _ in range(2):
                door.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ServiceUnavailable, match="the connection broke"):
            first_run(Client(replace(oms_service, url=f"http://127.0.0.1:{port}", tries=2)))
        thread.join()


def test_changes_are_not_repeated(oms_service, faults, journal):
    faults.add("bad_gateway")

    with pytest.raises(ServiceUnavailable, match="tried once"):
        Client(oms_service).ask("POST", "runs", document={}, repeatable=False)

    assert journal.asked["oms"] == 1


def test_what_was_refused_unread_is_repeated_even_if_it_changes_something(oms_service, faults, journal):
    faults.add("too_many_requests", times=1)

    with pytest.raises(RequestRefused):
        Client(oms_service).ask("POST", "runs", document={}, repeatable=False)

    assert journal.asked["oms"] == 2


def test_no_more_than_two_requests_at_once():
    with SimulatedServices(Simulation(World(runs=100))) as services:
        service = Service(name="OMS", url=services.oms_url)
        services.simulation.faults.add("hang", seconds=0.05)
        clients = [Client(service), Client(service)]

        with ThreadPoolExecutor(8) as pool:
            numbers = set(pool.map(lambda index: first_run(clients[index % 2]), range(12)))

    assert len(numbers) == 1
    assert services.simulation.journal.most_at_once["oms"] == 2


def test_the_gate_is_one_for_each_host():
    assert gate("https://a.example/x") is gate("https://a.example/y")
    assert gate("https://a.example/x") is not gate("https://b.example/x")


def test_refusal_carries_what_the_service_said(oms_service):
    with pytest.raises(RequestRefused, match="HTTP 400: runs cannot be filtered by 'nix'") as caught:
        Client(oms_service).get("runs", [("filter[nix][EQ]", "1")])

    assert caught.value.status == 400
    assert isinstance(caught.value, ConfigError)


def test_garbage_is_a_bad_answer(oms_service, faults):
    faults.add("not_json")

    with pytest.raises(BadAnswer, match=r"no JSON .*\"data\": \["):
        first_run(Client(oms_service))


# -- tokens ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grant", ["api-access", "token-exchange"])
def test_token_is_asked_for_once_and_kept(guarded_oms, journal, grant):
    client = Client(replace(guarded_oms, grant=grant))

    assert [first_run(client) for _ in range(3)] == [FIRST] * 3

    asked = [address for method, address in journal.requests if address.startswith("/auth")]
    assert len(asked) == (1 if grant == "api-access" else 2)


def test_token_is_renewed_before_it_expires(services, guarded_oms, monkeypatch):
    services.simulation.sign_on.expires_in = 1000
    client = Client(guarded_oms)
    now = time.monotonic()
    first_run(client)
    before = services.simulation.sign_on.given

    monkeypatch.setattr("hdqm_ops.services._token.time.monotonic", lambda: now + 900)
    first_run(client)
    assert services.simulation.sign_on.given == before

    monkeypatch.setattr("hdqm_ops.services._token.time.monotonic", lambda: now + 941)
    first_run(client)
    assert services.simulation.sign_on.given == before + 1


@pytest.mark.parametrize("kind", ["expired_token", "redirect_to_login", "login_page"])
def test_a_doubted_token_is_renewed_once(guarded_oms, faults, journal, kind):
    client = Client(guarded_oms)
    first_run(client)
    faults.add(kind, service="oms", times=1)

    assert first_run(client) == FIRST
    assert journal.asked == {"oms": 3, "sso": 2}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("expired_token", "HTTP 401: Token expired"),
        ("redirect_to_login", r"redirected \(HTTP 302\) to /oauth2/start"),
        ("login_page", "a page for people in place of data"),
    ],
)
def test_lasting_doubt_is_an_authentication_failure(guarded_oms, faults, journal, kind, found):
    faults.add(kind, service="oms")

    with pytest.raises(AuthenticationFailed, match=f"{found}.*may ask for the audience 'cmsoms-prod'") as caught:
        first_run(Client(guarded_oms))

    assert journal.asked == {"oms": 2, "sso": 2}
    assert not isinstance(caught.value, TryAgain)


def test_wrong_secret(guarded_oms, journal):
    wrong = replace(guarded_oms, credentials=Credentials("me", "guess"))

    with pytest.raises(AuthenticationFailed, match=r"no token \(HTTP 401\): Invalid client credentials"):
        first_run(Client(wrong))

    assert journal.asked == {"sso": 1}


def test_no_credentials(guarded_oms):
    with pytest.raises(AuthenticationFailed, match="set SSO_CLIENT_ID and SSO_CLIENT_SECRET"):
        first_run(Client(replace(guarded_oms, credentials=None)))


@pytest.mark.parametrize("kind", ["server_error", "cut_chunk", "bad_gateway"])
def test_sign_on_is_waited_for_too(guarded_oms, faults, kind):
    faults.add(kind, service="sso", times=2)

    assert first_run(Client(guarded_oms)) == FIRST


def test_sign_on_that_shows_a_page(guarded_oms, faults):
    faults.add("login_page", service="sso")

    with pytest.raises(AuthenticationFailed, match="no token"):
        first_run(Client(guarded_oms))


def test_threads_share_one_token(services, guarded_oms):
    client = Client(guarded_oms)
    before = services.simulation.sign_on.given

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: first_run(client), range(16)))

    assert services.simulation.sign_on.given == before + 1


def test_secrets_and_tokens_show_nowhere(guarded_oms, faults, caplog):
    caplog.set_level(logging.DEBUG)
    faults.add("expired_token", service="oms", skip=1)
    client = Client(guarded_oms)
    first_run(client)

    with pytest.raises(AuthenticationFailed) as caught:
        first_run(client)

    shown = f"{caplog.text} {caught.value!r} {caught.value} {guarded_oms!r} {[vars(r) for r in caplog.records]}"
    assert "s3cret" not in shown
    assert "token-" not in shown


def test_log_lines_are_structured(oms_service, faults, caplog):
    caplog.set_level(logging.DEBUG, logger="hdqm_ops.services")
    faults.add("server_error", times=1)

    first_run(Client(oms_service))

    told = [(r.service, r.service_status, r.service_try) for r in caplog.records if hasattr(r, "service_try")]
    assert told == [("OMS", 500, 1), ("OMS", 200, 2)]
    assert "GET /runs?page[limit]=1&fields=run_number status=200 try=2" in caplog.text


def test_netrc_is_not_sent(services, oms_service, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen = []
    monkeypatch.setattr(SignOn, "believed", lambda self, header, audience="": seen.append(header) or True)
    services.simulation.tokens_required = True

    first_run(Client(oms_service))

    assert seen == [""]


# -- where services are ------------------------------------------------------------------------------------------------


def test_certificates_are_always_checked(tmp_path, certificate):
    with SimulatedServices(Simulation(World(runs=100)), certificate=certificate) as secure:
        service = Service(name="OMS", url=secure.oms_url, tries=1)

        with pytest.raises(UntrustedServer, match="HDQM_CA_BUNDLE"):
            first_run(Client(service))

        assert first_run(Client(replace(service, ca_bundle=certificate[0]))) > 300_000


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that is its own authority."""
    import datetime as dt
    import ipaddress

    x509 = pytest.importorskip("cryptography.x509", reason="makes the certificate; comes with Airflow")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "simulated services")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def test_settings_name_the_services(monkeypatch, tmp_path):
    monkeypatch.setenv("HDQM_HOME", str(tmp_path))
    monkeypatch.setenv("SSO_CLIENT_ID", "me")
    monkeypatch.setenv("SSO_CLIENT_SECRET", "s3cret")
    monkeypatch.setenv("HDQM_RR_URL", "development")

    settings = Settings()
    oms, rr = oms_service(settings), run_registry_service(settings)

    assert (oms.url, oms.audience) == ("https://cmsoms.cern.ch/agg/api/v1", "cmsoms-prod")
    assert (rr.url, rr.audience) == ("https://dev-cmsrunregistry.web.cern.ch/api", "dev-cmsrunregistry-sso-proxy")
    assert oms.credentials == Credentials("me", "s3cret")
    assert "s3cret" not in repr(oms) + repr(settings)


def test_without_credentials_there_are_no_services(oms_service, guarded_oms):
    assert oms_service.configured
    assert guarded_oms.configured
    assert not replace(guarded_oms, credentials=None).configured


@pytest.mark.parametrize(
    ("target", "url", "audience"),
    [
        ("production", "https://cmsrunregistry.web.cern.ch/api", "cmsrunregistry-sso-proxy"),
        ("local", "http://localhost:9500", ""),
        ("http://127.0.0.1:1234/api", "http://127.0.0.1:1234/api", ""),
    ],
)
def test_run_registry_targets(target, url, audience):
    assert run_registry_target(target) == (url, audience)


def test_unknown_target():
    with pytest.raises(ConfigError, match=r"no target 'prod'; it is one of production, development, qa, local"):
        run_registry_target("prod")


@pytest.mark.parametrize("facts", [{"url": "cmsoms.cern.ch"}, {"url": "https://x", "ca_bundle": "nowhere.pem"}])
def test_a_service_that_cannot_be(facts, tmp_path):
    facts = {key: tmp_path / value if key == "ca_bundle" else value for key, value in facts.items()}

    with pytest.raises(ConfigError):
        Service(name="OMS", **facts)
