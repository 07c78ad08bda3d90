"""Every route below ``/hdqm`` in a running Airflow, asked by everybody, as a table of status codes.

``python tests/route_table.py HDQM_HOME URL``: passwords are read from the state folder of the stack, which
needs the users of ``HDQM_AIRFLOW_USERS={"viewer": "viewer", "user": "user", "operator": "op"}``.
"""

import json
import re
import sys
from pathlib import Path

import requests

WHO = ("anonymous", "viewer", "user", "operator", "admin")

# method, path, form. What acts is asked in a way that changes nothing: with a form that is refused, if not before.
PAGES = (
    ("GET", "/", None),
    ("GET", "/run", None),
    ("GET", "/run?run=324791", None),
    ("GET", "/definition?text=mean", None),
    ("GET", "/golden", None),
    ("GET", "/batch?files=1", None),
    ("GET", "/batch/plots?files=999999", None),
    ("GET", "/view/home", None),
    ("GET", "/view/coverage", None),
    ("GET", "/view/pipeline", None),
    ("GET", "/static/hdqm.css", None),
    ("POST", "/retry", {"run": "no run"}),
    ("POST", "/golden", {"name": "no file"}),
    ("POST", "/golden/remove", {"name": "nobody's"}),
    ("PUT", "/golden", None),
    ("GET", "/nonsense", None),
    ("GET", "/docs", None),
    ("GET", "/openapi.json", None),
)


def token(address: str, user: str, password: str) -> str:
    answer = requests.post(f"{address}/auth/token", json={"username": user, "password": password}, timeout=120)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def headers(address: str, passwords: dict[str, str], who: str) -> dict[str, str]:
    if who == "anonymous":
        return {}
    return {"Authorization": f"Bearer {token(address, who, passwords[who])}"}


def api_routes(address: str, known: dict[str, str]) -> list[tuple[str, str, None]]:
    """Every operation of the API, with a 1 in the place of parameters of its path."""
    paths = requests.get(f"{address}/hdqm/openapi.json", headers=known, timeout=120).json()["paths"]
    return [
        (method.upper(), re.sub(r"{[^}]*}", "1", path), None)
        for path, operations in paths.items()
        for method in operations
        if method in ("get", "post", "put", "patch", "delete")
    ]


def statuses(address: str, passwords: dict[str, str]) -> dict[tuple[str, str], dict[str, int]]:
    """Method and path → who → status."""
    known = {who: headers(address, passwords, who) for who in WHO}
    routes = [*PAGES, *api_routes(address, known["admin"])]
    return {
        (method, path): {
            who: requests.request(
                method, f"{address}/hdqm{path}", headers=known[who], data=form, timeout=120, allow_redirects=False
            ).status_code
            for who in WHO
        }
        for method, path, form in routes
    }


def main() -> None:
    home, address = sys.argv[1:]
    passwords = json.loads((Path(home) / "airflow" / "passwords.json").read_text())
    lines = ["| route | " + " | ".join(WHO) + " |", "|---|" + "---|" * len(WHO)]
    for (method, path), found in statuses(address, passwords).items():
        lines.append(f"| {method} {path} | " + " | ".join(str(found[who]) for who in WHO) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
