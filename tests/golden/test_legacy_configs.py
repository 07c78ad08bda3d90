"""All 74 configuration files of the predecessor, read from beside the checkout; the numbers are the inventory's."""

from collections import Counter
from configparser import RawConfigParser
from pathlib import Path

import pytest

from hdqm_ops import config, reduce
from hdqm_ops.config._scan import scan
from hdqm_ops.model import Place

LEGACY = Path(__file__).parents[3] / "shared" / "data" / "centralhdqm"

SUBSYSTEMS = {"CSC": 48, "DT": 101, "GEM": 8, "HCAL": 1876, "JetMET": 18, "L1T": 156, "Muons": 17, "Pixel": 85}
SUBSYSTEMS |= {"PixelPhase1": 186, "RPC": 16, "Reco": 63, "SiStrips": 261, "Tracker": 26}

pytestmark = pytest.mark.skipif(not LEGACY.is_dir(), reason="the predecessor's files (../shared) are not here")


@pytest.fixture(scope="module")
def tree():
    return config.read_tree([LEGACY / "cfg"], reduce.catalogue())


def test_everything_is_read_and_nothing_rejected(tree):
    report = config.check_report(tree)

    assert tree.errors == ()
    assert {key: report[key] for key in ("files", "sections", "trends", "monitor_elements", "subsystems")} == {
        "files": 74,
        "sections": 3005,
        "trends": 2861,
        "monitor_elements": 747,
        "subsystems": SUBSYSTEMS,
    }
    assert len(tree.monitor_elements) == 746  # one path is written with and without a leading slash


def test_every_oddity_is_a_warning_of_its_own(tree):
    numbers = Counter(problem.code for problem in tree.warnings if problem.code != "metric-not-available")

    assert numbers == {
        "always-zero": 656,
        "duplicate-alternative": 20,
        "duplicate-identical": 124,
        "ignored-key": 162,
        "leading-slash": 10,
        "name-unlike-path": 1,
        "odd-path": 2,
        "path-blanks": 7,
        "path-unlike-name": 1,
        "same-definition": 5,
        "shared-name": 3,
        "shared-title": 461,
        "title-blanks": 8,
        "title-markup": 4,
        "title-unlike-name": 2,
    }


def test_620_boxes_are_asked_for_depths_that_they_do_not_have(tree):
    warned = {problem.place for problem in tree.warnings if problem.code == "always-zero"}
    trends = {
        trend.key: trend.alternatives[0].metric.arguments[0]
        for trend in tree.trends
        for one in tree.definitions[trend.key]
        if Place(one.place.file, one.place.line + 1) in warned  # the metric stands below the section's name
    }

    assert Counter(box[:2] for box in trends.values()) == {"HB": 180, "HF": 80, "HO": 360}


def test_1511_sections_share_their_title(tree):
    titles = Counter((one.trend.subsystem, one.trend.title) for found in tree.definitions.values() for one in found)

    assert sum(number for number in titles.values() if number > 1) == 1511


def test_the_copied_section_and_the_typing_mistakes_are_named(tree):
    named = {problem.code: problem.message for problem in tree.warnings}

    assert "GEM/NSegments_Avg" in named["name-unlike-path"]
    assert "DigiPerClusterPixel_FPix_Dm1" in named["path-unlike-name"]
    assert any("MeanT0_W2x_MB4" in problem.message for problem in tree.warnings if problem.code == "odd-path")
    assert all("YB+1" in problem.message for problem in tree.warnings if problem.code == "title-unlike-name")


def test_run_3_definitions_of_t0_count_and_run_2_stays_behind_them(tree):
    trends = [trend for trend in tree.trends if len(trend.alternatives) > 1]

    assert len(trends) == 20
    for trend in trends:
        assert [one.metric.name for one in trend.alternatives] == ["basic.Mean", "muon_metrics.MeanCh"]
        assert trend.key.startswith("DT/MeanT0_MB")


@pytest.mark.parametrize("file", sorted(LEGACY.glob("cfg/*/*.ini")), ids=lambda file: file.stem)
def test_scanner_equals_configparser(file):
    parser = RawConfigParser()
    parser.read(file)
    scanned = scan(file.read_text())

    assert not scanned.malformed
    assert not scanned.duplicates
    found = {section.name: {key: entry.value for key, entry in section.entries.items()} for section in scanned.sections}
    assert found == {name: dict(parser[name]) for name in parser.sections()}


def test_display_groups_are_read_through_the_same_door(tree, tmp_path):
    found = config.import_groups(LEGACY / "display_groups.json", tree, tmp_path)

    assert [len(found.groups), *(found.count(state) for state in ("whole", "partly", "dead"))] == [297, 289, 5, 3]
    assert sum(len(one.unknown) for one in found.groups) == 20  # 21 references; one name is given twice
    assert {one.group.name for one in found.groups if one.state == "dead"} == {
        "Digi_Strips_Gemini",
        "Residual_Width",
        "PedestalNoise_Width",
    }
    copied = next(problem for problem in found.problems if "eff_muon_eta_ge+11_even" in problem.message)
    assert copied.message.endswith("GEM/NSegments_Avg reads a monitor element of this name")

    with_groups = config.read_tree([LEGACY / "cfg", tmp_path], reduce.catalogue())
    assert with_groups.errors == ()
    assert list(with_groups.groups) == [
        one.group for path in sorted(found.files) for one in found.groups if one.group.subsystem == path.parent.name
        and one.state != "dead"
    ]  # fmt: skip
    assert sum(len(group.trends) for group in with_groups.groups) == 2479 - 21
