"""A small world to load: trends of one histogram, files that are a mapping, a reduction that one can do by heart."""

import numpy as np

from hdqm_ops import load
from hdqm_ops.model import (
    Alternative,
    Axis,
    DQMFile,
    Histogram,
    Measurement,
    MetricCall,
    Outcome,
    Reason,
    Trend,
)


def make_trend(name, *paths, subsystem="Tracker", metric="basic.Mean", arguments=(), **texts):
    """A trend of the first of ``paths`` that a file has."""
    alternative = Alternative(MetricCall(metric, arguments), {"main": paths or (f"{subsystem}/{name}",)})
    return Trend(subsystem, name, (alternative,), y_title=name, **texts)


def make_file(run=325000, version=1, *, dataset="SingleMuon", processing="PromptReco", reprocessing=1, **facts):
    """A DQM file that needs not exist."""
    name = f"DQM_V{version:04}_R{run:09}__{dataset}__Run2018D-{processing}-v{reprocessing}__DQMIO.root"
    defaults = {"path": f"/dqm/{name}", "size_bytes": 1000 + version, "mtime": 1.6e9 + version + 0.25}
    return DQMFile(
        run_number=run,
        dataset=f"/{dataset}/Run2018D-{processing}-v{reprocessing}/DQMIO",
        primary_dataset=dataset,
        processing=processing,
        era="Run2018D",
        processing_version=reprocessing,
        tier="DQMIO",
        dqm_version=version,
        **(defaults | facts),
    )


def make_histogram(value, name="h", entries=10.0):
    """A histogram whose outcome is ``value``; without entries it has none."""
    cells = np.array([0, value, 0], np.float32)
    return Histogram("TH1F", name, (Axis(1, 0.0, 1.0),), cells, entries, (1.0, 1.0, float(value), float(value) ** 2))


def reduce(trend, elements):
    """The first cell of the first element that is there."""
    paths = [path for alternative in trend.alternatives for path in alternative.paths["main"]]
    found = next((elements[path] for path in paths if path in elements), None)
    if found is None:
        return Outcome(Reason.ELEMENT_MISSING)
    if found.entries == 0:
        return Outcome(Reason.HISTOGRAM_EMPTY, None, 0.0, 0)
    value = float(found.cells[1]) + sum(trend.alternatives[0].metric.arguments)
    return Outcome(Reason.OK, Measurement(value, value / 8), found.entries, 0)


def recomputed(connection, works, trends):
    """What comes of stored histograms, of files that are stored at once: one list for each dataset."""
    by_key = {trend.key: trend for trend in trends}
    alike = {}
    for work in works:
        alike.setdefault((work.file.primary_dataset, work.file.processing, id(work.definitions)), []).append(work)
    found = []
    for some in alike.values():
        chosen = {key: by_key[key] for key in some[0].definitions}
        wanted = sorted({path for trend in chosen.values() for path in trend.monitor_elements})
        stored = load.stored_elements_of_files(connection, [work.file_id for work in some], wanted)
        results = [
            load.FileResult(
                work,
                {work.definitions[key]: reduce(t, stored[work.file_id]) for key, t in chosen.items()},
                None,
                wanted,
            )
            for work in some
        ]
        found.append(results)
    return found


def recompute(connection, works, trends):
    """Stored histograms of many files at once; what a load says of them, by file id."""
    done = {}
    for results in recomputed(connection, works, trends):
        done |= load.load_recomputed(connection, results)
    return done


def do(connection, work, trends, content, *, stage="ingest", run=None):
    """Do the work on one file whose elements are ``content`` (None: it is broken); what a load says of it."""
    by_key = {trend.key: trend for trend in trends}
    chosen = {key: by_key[key] for key in work.definitions}
    wanted = {path for trend in chosen.values() for path in trend.monitor_elements}
    if work.stored:
        elements = load.stored_elements(connection, work.file_id, sorted(wanted))
    elif content is None:
        load.record_failure(connection, work.file_id, "broken", file=work.file, claim=work.claim)
        return None
    else:
        elements = {path: found for path, found in content.items() if path in wanted}
    outcomes = {} if stage == "extract" else {work.definitions[key]: reduce(t, elements) for key, t in chosen.items()}
    read = {} if work.stored else {"elements": elements, "looked_for": wanted}
    run = None if work.stored else run or work.file.run_number
    return load.load_file(connection, load.FileResult(work, outcomes, run_number=run, **read))


def ingest(connection, trends, contents, *, whole=True, together=True, holder=None, **scope):
    """Apply the configuration, and do what is pending until nothing is; the counts by path, of every load.

    With ``holder``, each file is claimed, and what others hold is left to them.
    """
    load.apply_configuration(connection, trends, whole=whole)
    keys = None if whole else tuple(trend.key for trend in trends)
    done, stage = {}, scope.get("stage", "ingest")
    again, tried, refused = scope.get("mode", "missing") == "missing", set(), set()
    for _ in range(10):
        works = load.pending(connection, load.Scope(trends=keys, refused=tuple(refused), **scope))
        works = [work for work in works if again or work.file_id not in tried]
        stored = [work for work in works if together and work.stored and stage != "extract"]
        recomputed = recompute(connection, stored, trends)
        free = False
        for work in works:
            counts = recomputed.get(work.file_id)
            if counts is None:
                mine = work if holder is None else load.claim_work(connection, work, holder, 60)
                if not isinstance(mine, load.Work):
                    continue
                counts = do(connection, mine, trends, contents.get(work.file.path), stage=stage)
            free = True
            tried.add(work.file_id)
            if counts is None:
                refused.add(work.file_id)  # the next best is asked for
            done.setdefault(work.file.path, []).append(counts)
        if not free:
            return done
    raise AssertionError(f"the work has no end: {works}")
