"""What holds for all rooms."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hdqm_ops

ROOT = Path(__file__).parents[2]
ROOMS = sorted(module.name for module in pkgutil.iter_modules(hdqm_ops.__path__, "hdqm_ops.") if module.ispkg)


def test_everything_imports_where_airflow_is_not_installed():
    script = (
        "import sys, importlib, pkgutil; sys.modules['airflow'] = None; import hdqm_ops\n"
        "for m in pkgutil.walk_packages(hdqm_ops.__path__, 'hdqm_ops.'):\n"
        "    if not m.name.endswith('__main__'): importlib.import_module(m.name)\n"
        "print('imported')"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)

    assert done.stdout.strip() == "imported", done.stderr[-2000:]


@pytest.mark.parametrize("room", ROOMS)
def test_a_front_door_opens_on_what_it_promises(room):
    module = importlib.import_module(room)

    assert module.__doc__
    assert [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)] == []


def test_the_readme_names_only_files_that_are_there():
    for page in (ROOT / "README.md", *ROOT.glob("hdqm_ops/**/README.md"), ROOT / "sql" / "README.md"):
        links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        assert [link for link in links if not (page.parent / link).exists()] == [], page


def test_what_is_pinned_names_no_place_to_get_it_from():
    assert "://" not in (ROOT / "constraints.txt").read_text()
