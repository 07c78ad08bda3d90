"""Golden JSONs of one's own: kept for a time, nobody's but the owner's to replace, chosen like all others."""

import psycopg
import pytest
from pydantic import SecretStr

from hdqm_ops import load, pipeline
from hdqm_ops.errors import ConfigError
from hdqm_ops.settings import Settings

GOLDEN = '{"325001": [[1, 88], [91, 92]], "325003": [[1, 10]]}'


@pytest.fixture
def settings(db, tmp_path):
    return Settings(database_url=SecretStr(db), home=tmp_path)


def keep(settings, name="mine", text=GOLDEN, owner="anna", days=90):
    return pipeline.keep_golden_json(settings, name, text, owner=owner, days=days)


def change(db, sql):
    with psycopg.connect(db) as connection:
        connection.execute(sql)


def chosen(db, name):
    """Whether somebody who only reads can choose it."""
    with load.connect(db, role="hdqm_reader") as connection:
        question = f"SELECT count(*) FROM hdqm.run_selection('golden', '{name}', NULL, NULL, NULL)"
        return load.ask(connection, question)[1][0][0]


def test_it_is_kept_with_owner_and_end_and_can_be_chosen(settings, db):
    assert keep(settings) == {"runs": 2, "lumisections": 100}

    (row,) = pipeline.golden_jsons(settings)
    assert (row["name"], row["owner"], row["runs"]) == ("mine", "anna", 2)
    assert (row["expires_at"] - row["imported_at"]).days == 90
    assert chosen(db, "mine") == 0  # no file of these runs, and no error


def test_an_expired_one_is_gone_for_all_who_read(settings, db):
    keep(settings)
    change(db, "UPDATE hdqm.golden_json SET expires_at = now() - interval '1 second'")

    assert pipeline.golden_jsons(settings) == []
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no list of certified runs named 'mine'"):
        chosen(db, "mine")
    with load.connect(db, role="hdqm_reader") as connection:
        assert load.ask(connection, "SELECT count(*) FROM hdqm.golden_jsons")[1] == [(0,)]


def test_the_name_of_an_expired_one_is_free(settings, db):
    keep(settings)
    change(db, "UPDATE hdqm.golden_json SET expires_at = now() - interval '1 second'")

    keep(settings, owner="bob")

    assert [row["owner"] for row in pipeline.golden_jsons(settings)] == ["bob"]


def test_nobody_replaces_what_is_not_theirs(settings, tmp_path):
    keep(settings)
    (tmp_path / "golden.json").write_text(GOLDEN)
    pipeline.import_golden_json(settings, "2018", tmp_path / "golden.json")

    for name, owner in (("mine", "bob"), ("2018", "anna")):
        with pytest.raises(ConfigError, match="is not yours"):
            keep(settings, name, '{"1": [[1, 1]]}', owner)

    assert {row["name"]: (row["owner"], row["runs"]) for row in pipeline.golden_jsons(settings)} == {
        "2018": (None, 2),
        "mine": ("anna", 2),
    }


def test_ones_own_is_replaced_and_the_site_replaces_all(settings, tmp_path):
    keep(settings)
    keep(settings, text='{"1": [[1, 1]]}', days=1)
    assert [row["runs"] for row in pipeline.golden_jsons(settings)] == [1]

    (tmp_path / "golden.json").write_text(GOLDEN)
    pipeline.import_golden_json(settings, "mine", tmp_path / "golden.json")

    (row,) = pipeline.golden_jsons(settings)
    assert (row["owner"], row["expires_at"], row["runs"]) == (None, None, 2)


def test_only_the_owner_removes_it(settings):
    keep(settings)

    with pytest.raises(ConfigError, match="that is yours"):
        pipeline.remove_golden_json(settings, "mine", "bob")
    pipeline.remove_golden_json(settings, "mine", "anna")

    assert pipeline.golden_jsons(settings) == []


@pytest.mark.parametrize("name", ["", " ", " mine", "a\0b", "a\nb", "x" * 101, "\u202eenim"])
def test_a_name_that_nobody_could_choose_is_refused(settings, name):
    with pytest.raises(ConfigError, match="is no name for a golden JSON"):
        keep(settings, name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("{}", "no lumisection of any run"),
        ('{"325001": []}', "no lumisection of any run"),
        ("[1, 2]", "an object of runs is wanted"),
        ("[" * 100_000, "no JSON"),
        ('{"325001": [[1, 1e400]]}', "no range"),
        ('{"325001": [[1, NaN]]}', "no range"),
        ('{"325001": [[1, 99999999999]]}', "is not 1 ≤ first ≤ last"),
        ('{"325001": [[1, ' + "9" * 5000 + "]]}", "no JSON"),
        ('{"' + "9" * 5000 + '": [[1, 2]]}', "is no run number"),
        ('{"<script>": [[1, 2]]}', "is no run number"),
        ('{"\\u0000": [[1, 2]]}', "is no run number"),
        ('{"1; DROP TABLE hdqm.run": [[1, 2]]}', "is no run number"),
    ],
)
def test_hostile_texts_are_refused_with_a_reason_and_nothing_is_kept(settings, text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        keep(settings, text=text)

    assert len(str(caught.value)) < 2000
    assert pipeline.golden_jsons(settings) == []


def test_very_many_wrong_runs_are_refused_by_the_first_of_them(settings):
    """Looking for runs that are there twice was quadratic once: an hour for a file of this size."""
    with pytest.raises(ConfigError, match=r"'x0' is no run number.*and 299990 more"):
        keep(settings, text="{" + ",".join(f'"x{n}": []' for n in range(300_000)) + "}")
