"""A few of the trials that ``python -m tests.chaos`` makes by the hundred, and the line that they hurt."""

from contextlib import suppress

import pytest
from chaos import trials
from chaos.line import Fault, Line
from chaos.world import World, place, through

from hdqm_ops import load
from hdqm_ops.errors import TryAgain
from hdqm_ops.load._connection import in_transaction

KINDS = ["cut after a message", "error 40001", "worker killed", "worker stopped, replaced, woken"]


@pytest.fixture(scope="module")
def world(database_server, tmp_path_factory):
    made = World(database_server, tmp_path_factory.mktemp("chaos"), runs=(324791,))
    trials.count_messages(made)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_tables_are_those_of_an_undisturbed_ingest(world, kind):
    outcome = trials.run(world, 1, {kind: trials.WAYS[kind]})

    assert outcome.ended in {*trials.ENDS.values()}
    assert outcome.whole


def write(connection):
    """A statement and a copy in one transaction."""

    def both():
        connection.execute("INSERT INTO hdqm.run (run_number) VALUES (%s)", [1])
        with connection.cursor() as cursor, cursor.copy("COPY hdqm.run (run_number) FROM STDIN") as copy:
            copy.write_row((2,))

    in_transaction(connection, both)


@pytest.mark.parametrize("kind", ["error", "cut before", "cut within"])
def test_a_line_hurts_one_message_and_the_rest_is_postgresql(db, connection, kind):
    written = set()
    for number in range(100):
        connection.execute("DELETE FROM hdqm.run")
        with Line(place(db), Fault(kind, number, "40001")) as line:
            with suppress(TryAgain), load.connect(through(db, line)) as other:
                write(other)
            struck = line.struck.is_set()
        written.add(connection.execute("SELECT count(*) FROM hdqm.run").fetchone()[0])
        if not struck:
            break

    assert number > 8
    assert written == {0, 2}
