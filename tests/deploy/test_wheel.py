"""The wheel works outside of the checkout: what it needs is in it."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from hdqm_ops.settings import checkout

ROOT = checkout()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """``bin`` of a virtual environment with the wheel; libraries are those of this one, our checkout is not."""
    place = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files do not count
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*uv, "--python", place / "bin" / "python", wheel], check=True, timeout=120)
    return place / "bin"


def run(installed: Path, folder: Path, *words: str | Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HDQM_", "PYTHON"))}
    done = subprocess.run(
        [installed / words[0], *words[1:]], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_sql_dashboards_dags_plugin_and_examples_are_in_it(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder, copy in (("sql", "hdqm_ops/_sql"), ("grafana", "hdqm_ops/_grafana"), ("dags", "hdqm_ops/_dags")):
        ours = {f"{copy}/{file.relative_to(ROOT / folder)}" for file in _committed(folder)}
        assert ours
        assert ours <= inside
    for folder in ("hdqm_ops", "plugins/hdqm_airflow"):
        assert {str(file.relative_to(ROOT / Path(folder).parent)) for file in _committed(folder)} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "docs/"))]


def _committed(folder: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in names.stdout.split("\0") if name]


def test_its_version_is_that_of_a_git_tag(wheel, tmp_path):
    """A clone with a tag gives the tag's version; without one, some development version."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", clone], check=True)
    subprocess.run(["git", "-C", clone, "tag", "v7.8.9"], check=True)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, clone]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    assert [file.name.split("-")[1] for file in tmp_path.glob("*.whl")] == ["7.8.9"]
    assert wheel.name.startswith("hdqm_ops-")


def test_paths_are_those_of_the_wheel(installed, tmp_path):
    paths = json.loads(run(installed, tmp_path, "hdqm", "paths", "--json"))
    for part in ("package", "plugin", "dags", "sql", "grafana", "trends"):
        assert Path(paths[part]).is_dir(), part
        assert installed.parent in Path(paths[part]).parents, part
    assert Path(paths["home"]) == tmp_path / ".hdqm"


def test_files_are_reduced_in_an_empty_folder(installed, tmp_path):
    run(installed, tmp_path, "hdqm", "simulate", "dqm", "--out", "dqm", "--scenario", "demo")
    file = next((tmp_path / "dqm").rglob("*ZeroBias*.root"))
    (values,) = json.loads(run(installed, tmp_path, "hdqm", "reduce", file, "--json")).values()
    assert sum(trend["status"] == "ok" for trend in values.values()) > 10


def test_airflow_finds_what_it_brings(installed, tmp_path):
    program = """
from importlib.metadata import entry_points
for group in ("apache_airflow_provider", "airflow.plugins"):
    for point in entry_points(group=group):
        if point.value.startswith("hdqm"):
            print(point.load().__module__)
"""
    assert "hdqm_airflow.provider" in run(installed, tmp_path, "python", "-c", program)
