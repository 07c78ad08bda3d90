"""Names of DQM files: every sample of the predecessor's specification, and the way there and back."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdqm_ops.discover import file_name, parse_name
from hdqm_ops.errors import ConfigError

# name → run, dataset, primary dataset, processing, era, -vN, tier, DQM version
TAKEN = {
    "DQM_V0001_R000355760__MinimumBias__Run2022C-PromptReco-v1__DQMIO.root": (
        *(355760, "/MinimumBias/Run2022C-PromptReco-v1/DQMIO"),
        *("MinimumBias", "PromptReco", "Run2022C", 1, "DQMIO", 1),
    ),
    "DQM_V0001_R000324997__SingleMuon__Run2018D-12Nov2019_UL2018-v2__DQMIO.root": (
        *(324997, "/SingleMuon/Run2018D-12Nov2019_UL2018-v2/DQMIO"),
        *("SingleMuon", "12Nov2019_UL2018", "Run2018D", 2, "DQMIO", 1),
    ),
    "DQM_V0001_R000324997__StreamExpress__Run2018D-Express-v1__DQMIO.root": (
        *(324997, "/StreamExpress/Run2018D-Express-v1/DQMIO"),
        *("StreamExpress", "Express", "Run2018D", 1, "DQMIO", 1),
    ),
    "DQM_V0017_R000324997__ZeroBias__Run2018D-12Nov2019_UL2018_rsb-v1__DQMIO.root": (
        *(324997, "/ZeroBias/Run2018D-12Nov2019_UL2018_rsb-v1/DQMIO"),
        *("ZeroBias", "12Nov2019_UL2018_rsb", "Run2018D", 1, "DQMIO", 17),
    ),
    "DQM_V0001_R000355869__StreamExpress__Run2022C-PromptCalibProdSiStripHitEff-Express-v1__ALCAPROMPT.root": (
        *(355869, "/StreamExpress/Run2022C-PromptCalibProdSiStripHitEff-Express-v1/ALCAPROMPT"),
        *("StreamExpress", "PromptCalibProdSiStripHitEff-Express", "Run2022C", 1, "ALCAPROMPT", 1),
    ),
    "DQM_V0001_GEM_R000335670.root": (
        *(335670, "/GEM/Online/DQM"),
        *("GEM", "Online", "", 0, "DQM", 1),
    ),
    "DQM_V0002_R000357538__Global__CMSSW_X_Y_Z__RECO.root": (
        *(357538, "/Global/CMSSW_X_Y_Z/RECO"),
        *("Global", "CMSSW_X_Y_Z", "", 0, "RECO", 2),
    ),
    "DQM_V12345_R355760__MinimumBias__Run2022C-PromptReco-v1__DQMIO.root": (
        *(355760, "/MinimumBias/Run2022C-PromptReco-v1/DQMIO"),
        *("MinimumBias", "PromptReco", "Run2022C", 1, "DQMIO", 12345),
    ),
    "DQM_V0001_R001355760__MinimumBias__Run2032C-PromptReco-v1__DQMIO.root": (
        *(1355760, "/MinimumBias/Run2032C-PromptReco-v1/DQMIO"),
        *("MinimumBias", "PromptReco", "Run2032C", 1, "DQMIO", 1),
    ),
    "DQM_V0001_R000000001__QCD_Pt-15__Summer24-GT_v3-v2__DQMIO.root": (
        *(1, "/QCD_Pt-15/Summer24-GT_v3-v2/DQMIO"),
        *("QCD_Pt-15", "GT_v3", "Summer24", 2, "DQMIO", 1),
    ),
    "DQM_V0001_R000324997__SingleMuon__Run2018D-v1__RAW.root": (  # no processing: the middle part
        *(324997, "/SingleMuon/Run2018D-v1/RAW"),
        *("SingleMuon", "Run2018D", "", 1, "RAW", 1),
    ),
}


@pytest.mark.parametrize(("name", "said"), TAKEN.items(), ids=TAKEN)
def test_name_says(name, said):
    file = parse_name(f"/eos/cms/Run2018/SingleMuon/0003249xx/{name}")

    assert file.ignored is None
    assert (file.run_number, file.dataset) == said[:2]
    assert (file.primary_dataset, file.processing, file.era, file.processing_version) == said[2:6]
    assert (file.tier, file.dqm_version) == said[6:]
    assert (file.size_bytes, file.mtime) == (0, 0.0)
    assert file.path == f"/eos/cms/Run2018/SingleMuon/0003249xx/{name}"


IGNORED = {
    "DQM_V0001_R000999999__NoBPTX__Run2016F-23Sep2016-v1-277932-278193__DQMIO.root": "many runs (run 999999)",
    "DQM_V0001_R000355869__StreamExpress__Run2022C-PromptCalib-Express-v1-355807-355942__ALCAPROMPT.root": "many runs",
    "DQM_V0001_R000202209__JetHT__Run2012C-Validation_multiRun_v2-v1__DQMIO.root": "many runs (by its dataset)",
    "DQM_V0001_R000000001__RelValTTbar_14TeV__CMSSW_12_0_0-120X_mcRun3_v1-v1__DQMIO.root": "RelVal",
    "DQM_V0001_R000355760__SingleMuon__CMSSW_12_0_0-120X_mcRun3_v1-v1__DQMIO.root": "RelVal",
    "DQM_V0001_R000000001__RelValZMM__X__DQMIO.root": "RelVal",
}


@pytest.mark.parametrize(("name", "reason"), IGNORED.items(), ids=IGNORED)
def test_harvests_over_many_runs_and_relval_are_ignored_unless_wanted(name, reason):
    assert reason in parse_name(name).ignored
    assert parse_name(name, multi_run=True, relval=True).ignored is None


def test_harvests_over_different_runs_stay_apart():
    name = "DQM_V0001_R000999999__NoBPTX__Run2016F-23Sep2016-v1-277932-278193__DQMIO.root"

    file = parse_name(name, multi_run=True)

    assert (file.era, file.processing, file.processing_version) == ("Run2016F", "23Sep2016-277932-278193", 1)
    assert file.dataset == "/NoBPTX/Run2016F-23Sep2016-v1-277932-278193/DQMIO"


def test_relval_processing():
    name = "DQM_V0001_R000355760__SingleMuon__CMSSW_12_0_0-120X_mcRun3_v1-v1__DQMIO.root"

    file = parse_name(name, relval=True)

    assert (file.era, file.processing, file.processing_version) == ("CMSSW_12_0_0", "120X_mcRun3_v1", 1)


def test_alias_joins_processings_and_leaves_the_dataset():
    name = "DQM_V0001_R000324997__ZeroBias__Run2018D-12Nov2019_UL2018_rsb-v1__DQMIO.root"

    file = parse_name(name, aliases={"12Nov2019_UL2018_rsb": "12Nov2019_UL2018"})

    assert file.processing == "12Nov2019_UL2018"
    assert file.dataset == "/ZeroBias/Run2018D-12Nov2019_UL2018_rsb-v1/DQMIO"


NOT_DQM = {
    "examples_ref.root": "it looks neither like",
    "": "it looks neither like",
    "DQM_V0001_R000324997__SingleMuon__Run2018D-A-v1__DQMIO.root.part": "it looks neither like",
    "DQM_VABCD_R000324997__SingleMuon__Run2018D-A-v1__DQMIO.root": "it looks neither like",
    "DQM_V0001_R000335670.root": "it looks neither like",
    "DQM_V0001_R00032\u0664997__SingleMuon__Run2018D-A-v1__DQMIO.root": "it looks neither like",
    "DQM_V0001_R000324997__SingleMuon__DQMIO.root": "2 parts in place of three",
    "DQM_V0001_R000324997__A__B__C__D.root": "4 parts",
    "DQM_V0001_R000324997__Single Muon__Run2018D-A-v1__DQMIO.root": "'Single Muon' is no part of a CMS dataset",
    "DQM_V0001_R000324997__Single\nMuon__Run2018D-A-v1__DQMIO.root": r"'Single\nMuon' is no part",
    "DQM_V0001_R000324997__Müon__Run2018D-A-v1__DQMIO.root": "'Müon' is no part",
    "DQM_V0001_R000324997__SingleMuon____DQMIO.root": "'' is no part",
    "DQM_V0001_R000000000__SingleMuon__Run2018D-A-v1__DQMIO.root": "run 0",
    "DQM_V0000_R000324997__SingleMuon__Run2018D-A-v1__DQMIO.root": "version 0",
    "DQM_V0001_R99999999999__SingleMuon__Run2018D-A-v1__DQMIO.root": "run 99999999999 is larger than",
    f"DQM_V0001_R{'9' * 5000}__SingleMuon__Run2018D-A-v1__DQMIO.root": "run 99999999999999999999 is larger than",
}


@pytest.mark.parametrize(("name", "reason"), NOT_DQM.items(), ids=[repr(name)[:60] for name in NOT_DQM])
def test_other_names_are_ignored_with_what_is_odd(name, reason):
    file = parse_name(name, multi_run=True, relval=True)

    assert file.ignored.startswith("not a DQM file name: ")
    assert reason in file.ignored
    assert (file.run_number, file.dataset) == (0, "")


part = st.from_regex(r"[A-Za-z][A-Za-z0-9.-]{0,20}(_[A-Za-z0-9.-]{1,10})?", fullmatch=True)
number = st.integers(1, 2**31 - 1)


@given(number, part, part, part, number)
def test_name_of_an_offline_file_comes_back(run, primary, middle, tier, version):
    dataset = f"/{primary}/{middle}/{tier}"

    file = parse_name(file_name(run, dataset, version))

    assert (file.run_number, file.dataset, file.dqm_version) == (run, dataset, version)
    assert (file.primary_dataset, file.tier) == (primary, tier)


@given(number, st.from_regex(r"[A-Z][A-Za-z0-9]{0,10}", fullmatch=True), number)
def test_name_of_an_online_file_comes_back(run, subsystem, version):
    name = file_name(run, f"/{subsystem}/Online/DQM", version)

    assert "__" not in name
    assert parse_name(name).dataset == f"/{subsystem}/Online/DQM"
    assert (parse_name(name).run_number, parse_name(name).dqm_version) == (run, version)


@given(
    st.from_regex(r"Run20[0-9]{2}[A-I]", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9]{1,10}(_[A-Za-z0-9]{1,10}){0,2}(-Express)?", fullmatch=True),
    st.integers(1, 99),
)
def test_era_processing_and_version_are_told_apart(era, processing, version):
    file = parse_name(file_name(1, f"/A/{era}-{processing}-v{version}/DQMIO"))

    assert (file.era, file.processing, file.processing_version) == (era, processing, version)


@pytest.mark.parametrize("name", [name for name in TAKEN if "V12345" not in name])
def test_name_is_written_as_it_was_read(name):
    file = parse_name(name)

    assert file_name(file.run_number, file.dataset, file.dqm_version) == name


@pytest.mark.parametrize(
    ("run", "dataset", "version"),
    [
        *(
            (1, "/A/B", 1),
            (1, "/A/B/C/D", 1),
            (1, "/A b/B/C", 1),
            (0, "/A/B/C", 1),
            (1, "/A/B/C", -1),
            (1, "/A_/B/C", 1),
        ),
        *((1, "/A/B__B/C", 1), (2**31, "/A/B/C", 1), (1, "", 1)),
    ],
)
def test_what_no_name_can_say_is_an_error(run, dataset, version):
    with pytest.raises(ConfigError, match="no DQM file can be named") as caught:
        file_name(run, dataset, version)

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@given(st.text())
def test_no_name_is_an_accident(name):
    file = parse_name(name)

    assert file.ignored is not None or file.run_number > 0
