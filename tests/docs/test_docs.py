"""The pages are built without a warning, and what they tell to type is typed."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hdqm_ops.settings import checkout

ROOT = checkout()
PROGRAMS = Path(sys.executable).parent
PAGES = sorted(
    page
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if "_build" not in page.parts and page.parent.name != "reference"
)

_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]+?) -->\n+)?```(?P<language>sh|bash|python)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    reason: str | None


def blocks(page: Path) -> list[Block]:
    return [Block(found["language"], found["text"], found["reason"]) for found in _BLOCK.finditer(page.read_text())]


def commands(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in ("sh", "bash")]


def to_run(page: Path) -> list[Block]:
    return [block for block in commands(page) if block.reason is None]


def test_no_command_is_overlooked():
    """What looks like a block of commands is one to these tests, too."""
    for page in PAGES:
        fences = re.findall(r"^ *```(\w+)", page.read_text(), re.MULTILINE)
        assert sum(fence in ("sh", "bash", "shell", "console") for fence in fences) == len(commands(page)), page


def test_a_block_that_is_not_run_says_why():
    reasons = [block.reason for page in PAGES for block in commands(page) if block.reason]
    assert reasons
    assert all(len(reason) > 15 for reason in reasons)


@pytest.mark.parametrize("page", [page for page in PAGES if to_run(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_do_what_the_page_says(page, db, tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HDQM_", "SSO_"))},
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "HDQM_HOME": str(tmp_path / "home"),
        "HDQM_DATABASE_URL": db,
    }
    for block in to_run(page):
        done = subprocess.run(
            ["bash", "-eu", "-c", block.text],  # no pipefail: `ls | head` is allowed
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{page}:\n{block.text}\nended with {done.returncode}:\n{done.stdout}{done.stderr}"


def test_the_metric_of_the_page_measures():
    (block,) = [one for one in blocks(ROOT / "docs/how-to/metric.md") if one.language == "python"]
    program = f"""{block.text}
from hdqm_ops.testing import draw_hist
found = ShareAbove(2.0)(draw_hist("0 1 2 3 4 | 1 1 2 0"))
assert abs(found.value - 0.5) < 1e-12, found
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.airflow
def test_the_dag_of_the_page_is_one(tmp_path):
    (block,) = [one for one in blocks(ROOT / "docs/how-to/dag.md") if one.language == "python"]
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "hdqm_count.py").write_text(block.text)
    program = """
import sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
assert bag.import_errors == {}, bag.import_errors
assert list(bag.dags["hdqm_count"].task_dict) == ["count"]
"""
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "dags")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_the_pages_are_built_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-E", "-q", "-b", "html", "docs", tmp_path / "html"],
        cwd=ROOT,
        env={**os.environ, "https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"},  # no network
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    commands_page = (tmp_path / "html" / "reference" / "commands.html").read_text()
    assert "hdqm ingest" in commands_page
    assert "HDQM_FILES" in (tmp_path / "html" / "reference" / "settings.html").read_text()
    assert "trend_points" in (tmp_path / "html" / "reference" / "sql.html").read_text()
    assert "element_missing" in (tmp_path / "html" / "reference" / "reasons.html").read_text()
    for file in (ROOT / "dags").glob("*.py"):
        assert file.stem in (tmp_path / "html" / "reference" / "dags.html").read_text()
    loaded = re.findall(
        r'<(?:script|link|img)[^>]*(?:src|href)="(https?://[^"]+)"', (tmp_path / "html" / "index.html").read_text()
    )
    assert loaded == []  # a page loads nothing from elsewhere
