"""What HDQM's page inside Airflow asks the database."""

import psycopg
import pytest
from filled_database import fill
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from hdqm_ops import pipeline
from hdqm_ops.errors import ConfigError
from hdqm_ops.run_index import run_index_file, write_run_index
from hdqm_ops.settings import Settings


@pytest.fixture(scope="module")
def settings(make_database, migrated_template, tmp_path_factory):
    with make_database(migrated_template) as url:
        fill(url)
        yield Settings(database_url=SecretStr(url), home=tmp_path_factory.mktemp("home"))
        pipeline._pages._reader.cache_clear()


def change(settings, sql):
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        connection.execute(sql)


def test_the_overview_counts_what_is_there(settings):
    state = pipeline.overview(settings)

    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        counted = dict(connection.execute("SELECT state, count(*) FROM hdqm.dqm_files GROUP BY state").fetchall())
        newest = connection.execute("SELECT max(run_number) FROM hdqm.trend_points").fetchone()[0]
    assert state.states == counted
    assert state.freshness["newest_run"] == newest
    assert len(state.failures) == min(20, counted.get("failed", 0))


def test_the_age_of_the_run_index_is_told_or_what_is_wrong_with_it(settings):
    assert "there is no run index" in pipeline.overview(settings).index

    write_run_index(run_index_file(settings), [])

    assert pipeline.overview(settings).index.tzinfo is not None


def test_a_changed_definition_is_queued_for_every_file_that_lacks_it(settings):
    change(settings, "UPDATE hdqm.dqm_file SET definition_set_id = NULL")
    assert pipeline.overview(settings).recomputes == []
    change(
        settings,
        "WITH one AS (INSERT INTO hdqm.definition_set (sha256, ids) SELECT '\\x00', array_agg(d.id ORDER BY d.id) "
        "FROM hdqm.definition AS d WHERE d.is_current RETURNING id) "
        "UPDATE hdqm.dqm_file SET definition_set_id = one.id FROM one WHERE loaded",
    )
    assert pipeline.overview(settings).recomputes == []

    change(
        settings,
        "UPDATE hdqm.definition_set SET ids = ids[2:] WHERE sha256 = '\\x00'",
    )

    (queued,) = pipeline.overview(settings).recomputes
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        loaded = connection.execute("SELECT count(*) FROM hdqm.dqm_file WHERE loaded").fetchone()[0]
    assert (queued["files"], queued["trends"]) == (loaded, 1)


def test_a_run_is_looked_up(settings):
    newest = pipeline.overview(settings).freshness["newest_run"]

    facts, files = pipeline.run_page(settings, newest)

    assert {"Fill number", "Start time", "Era"} <= {fact["fact"] for fact in facts}
    assert files
    assert pipeline.run_page(settings, 1)[1] == []


def test_trends_are_found_by_any_part_and_the_exact_name_comes_first(settings):
    some = pipeline.find_trends(settings, "", most=1)[0]

    exact = pipeline.find_trends(settings, f"{some['subsystem']}/{some['trend']}")
    by_hash = pipeline.find_trends(settings, some["definition"])

    assert exact[0]["trend"] == some["trend"]
    assert exact[0]["elements"]
    assert [row["trend"] for row in by_hash] == [some["trend"]]


@pytest.mark.parametrize("text", ["'; DROP TABLE hdqm.run; --", "%", "\\", "100%", "😀", "<script>"])
def test_what_looks_like_sql_is_a_text_like_any_other(settings, text):
    found = pipeline.find_trends(settings, text)

    assert all(text.lower() in " ".join(map(str, row.values())).lower() for row in found)
    assert pipeline.overview(settings).states


def test_files_of_a_task_are_found_by_their_ids(settings):
    assert [row["dqm_file_id"] for row in pipeline.some_files(settings, [1])] == [1]
    assert pipeline.some_files(settings, [999999]) == []


def test_it_reads_as_hdqm_reader_or_not_at_all(settings):
    url = settings.database_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS hdqm_test_stranger")
        connection.execute("CREATE ROLE hdqm_test_stranger LOGIN PASSWORD 'x'")
        connection.execute(f'GRANT CONNECT ON DATABASE "{connection.info.dbname}" TO hdqm_test_stranger')
        try:
            stranger = SecretStr(make_conninfo(url, user="hdqm_test_stranger", password="x"))
            with pytest.raises(ConfigError, match="may not become hdqm_reader"):
                pipeline.overview(settings.model_copy(update={"database_url": stranger}))
        finally:
            pipeline._pages._reader.cache_clear()
            connection.execute("DROP OWNED BY hdqm_test_stranger")
            connection.execute("DROP ROLE hdqm_test_stranger")
