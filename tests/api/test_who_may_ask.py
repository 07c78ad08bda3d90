import pytest
from fix_api import served

from hdqm_ops.api import create_app
from hdqm_ops.api._auth import Authentication
from hdqm_ops.api._serve import application
from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import Settings


def routes():
    paths = create_app(Settings(reader_url="postgresql://x@127.0.0.1:1/x")).openapi()["paths"]
    return [(method.upper(), path) for path, operations in paths.items() for method in operations]


@pytest.mark.parametrize(
    ("method", "path"), [*routes(), ("GET", "/docs"), ("GET", "/openapi.json"), ("GET", "/nowhere")]
)
def test_every_route_but_health_asks_who(locked_api, method, path):
    answer = locked_api.request(method, path)

    if path.startswith("/health/"):
        assert answer.status_code == 200
    else:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "token" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["Bearer right-one", "bearer another", "Bearer  right-one "])
def test_a_token_lets_in(locked_api, header):
    assert locked_api.get("/api/v1/reasons", headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer right", "Bearer right-one another", "right-one", "Basic cmlnaHQtb25l", "Bearer", "Bearer ÿ"]
)
def test_what_is_no_token_does_not(locked_api, header):
    answer = locked_api.get("/api/v1/reasons", headers={"Authorization": header.encode("latin-1")})

    assert answer.status_code == 401
    assert "right-one" not in answer.text


def test_a_name_in_a_header_counts_only_from_the_proxy(locked_api, api_database):
    named = {"X-Forwarded-User": "marie"}
    assert locked_api.get("/api/v1/reasons", headers=named).status_code == 401

    settings = Settings(database_url=api_database, api_user_header="X-Forwarded-User")  # proxies: loopback
    with served(Authentication(create_app(settings), settings)) as api:
        assert api.get("/api/v1/reasons", headers=named).status_code == 200
        assert api.get("/api/v1/reasons", headers={"X-Forwarded-User": ""}).status_code == 401
        assert api.get("/api/v1/reasons").status_code == 401


def test_a_proxy_that_is_no_address_is_refused_by_name():
    with pytest.raises(ConfigError, match="HDQM_API_PROXIES has 'nginx'"):
        Authentication(create_app(Settings(reader_url="postgresql://x/x")), Settings(api_proxies="nginx"))


PAGE = "https://dqm.example.org"


def test_a_page_of_any_origin_may_read_as_with_the_predecessor_but_without_cookies(api_database):
    with served(application(Settings(database_url=api_database))) as api:
        answer = api.get("/api/v1/reasons?limit=1", headers={"Origin": PAGE})

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert {"ETag", "Link"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))


@pytest.mark.parametrize("path", ["/api/data", "/api/v1/points"])
def test_a_browser_that_asks_beforehand_needs_no_token_and_a_page_that_asks_does(locked_api, path):
    told = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    before = locked_api.options(
        path, headers=told | {"Access-Control-Request-Headers": "authorization, content-type, if-none-match"}
    )
    without = locked_api.post(path, json={}, headers={"Origin": PAGE})

    assert before.status_code == 200
    assert "POST" in before.headers["Access-Control-Allow-Methods"]
    assert locked_api.options(path, headers=told | {"Access-Control-Request-Method": "DELETE"}).status_code == 400
    assert (without.status_code, without.headers["Access-Control-Allow-Origin"]) == (401, "*")


@pytest.mark.parametrize(("origins", "allowed"), [(PAGE, PAGE), (f"https://else.example {PAGE}", PAGE), ("", None)])
def test_origins_can_be_named_or_none_at_all(api_database, origins, allowed):
    with served(application(Settings(database_url=api_database, api_origins=origins))) as api:
        page = api.get("/health/live", headers={"Origin": PAGE})
        other = api.get("/health/live", headers={"Origin": "https://evil.example"})

    assert page.headers.get("Access-Control-Allow-Origin") == allowed
    assert "Access-Control-Allow-Origin" not in other.headers
