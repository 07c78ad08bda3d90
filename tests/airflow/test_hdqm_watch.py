"""Fresh files through the whole stack: the watcher in the triggerer, the asset, the Dag, the ledger."""

import shutil
import time
from pathlib import Path

import pytest

from hdqm_ops import local, pipeline
from hdqm_ops.discover import file_name

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

[SAMPLE] = (Path(__file__).parents[1] / "data" / "dqm").glob("*.root")


def events(settings, path):
    return [event["new_state"] for event in pipeline.file_events(settings, str(path))]


def wait_for(settings, path, state, patience_s=240):
    """Until the ledger says so of the file; what it said before."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if events(settings, path)[-1:] == [state]:
            return events(settings, path)
        time.sleep(0.5)
    raise AssertionError(f"{path} is {events(settings, path)} after {patience_s} s")


def test_a_file_that_comes_is_ingested_and_one_that_grows_waits(stack, stack_settings):
    stack.up()
    settings = local.with_database(stack_settings)
    incoming = Path(stack_settings.files[0])
    fresh = incoming / file_name(324997, "/SingleMuon/Run2018D-PromptReco-v1/DQMIO")
    grows = incoming / file_name(324997, "/ZeroBias/Run2018D-PromptReco-v1/DQMIO")
    data = SAMPLE.read_bytes()

    grows.write_bytes(data[:600_000])
    shutil.copyfile(SAMPLE, fresh)
    assert wait_for(settings, fresh, "ingested") == ["discovered", "ingested"]
    wait_for(settings, grows, "waiting")
    with grows.open("ab") as end:
        end.write(data[600_000:])

    assert wait_for(settings, grows, "ingested")[:2] == ["discovered", "waiting"]
