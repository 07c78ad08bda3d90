import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from hdqm_ops import settings
from hdqm_ops.settings import Settings

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HDQM_HOME", str(tmp_path))
    return tmp_path


def test_readme_shows_every_setting_as_the_code_says_it():
    assert settings.as_markdown() in README.read_text(), "python -m hdqm_ops.settings prints the table"


def test_the_environment_wins_over_the_file_of_the_stack(home, monkeypatch):
    (home / "settings.env").write_text('HDQM_DB_PORT=7001\nHDQM_JOBS=3\nHDQM_FILES=["/data"]\n')
    monkeypatch.setenv("HDQM_DB_PORT", "7002")

    read = Settings()

    assert (read.db_port, read.jobs, read.files) == (7002, 3, ("/data",))


def test_a_port_out_of_range_is_refused_by_name(home, monkeypatch):
    monkeypatch.setenv("HDQM_DB_PORT", "70000")

    with pytest.raises(ValidationError, match="db_port"):
        Settings()


def test_a_password_never_shows_itself(home, monkeypatch):
    monkeypatch.setenv("HDQM_DATABASE_URL", "postgresql://hdqm:horse-battery@db/hdqm")

    assert "horse" not in repr(Settings())


def test_no_other_module_reads_variables_of_ours():
    package = Path(settings.__file__).parent
    readers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"environ[^\n]*HDQM_|getenv\([^\n]*HDQM_", path.read_text())
    }

    assert readers == {"settings.py"}
