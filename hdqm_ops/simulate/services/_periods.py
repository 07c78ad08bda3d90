"""The calendar of the simulated world: two years of data taking with a long shutdown between them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

Beams: TypeAlias = Literal["none", "protons", "ions"]


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of data taking in which the machine, the names and the units stay the same.

    Attributes:
        era: as OMS names it.
        beams: what circulates.
        start: first second (UTC).
        end: last second.
        runs: first and last run number that may be given.
        first_fill: number of the first fill.
        run_class: class that Run Registry gives to the good runs.
        prompt: name of the offline dataset, ``/PromptReco/<prompt>/DQM``.
        express: name of the express dataset, ``/Express/<express>/DQM``.
        hlt: folder of HLT keys.
        cmssw: release at the detector.
        energy: GeV per beam in collisions.
        field: magnetic field in T.
        lumi: initial luminosity of a fill, 10^34 cm^-2 s^-1.
        gem: GEM and the new roman pots are there, with flags of their own.
    """

    era: str
    beams: Beams
    start: datetime
    end: datetime
    runs: tuple[int, int]
    first_fill: int
    run_class: str
    prompt: str
    express: str
    hlt: str
    cmssw: str
    energy: float = 0.0
    field: float = 3.8
    lumi: float = 0.0
    gem: bool = False

    @property
    def year(self) -> int:
        """Year of data taking."""
        return self.start.year


def _protons(era: str, days: tuple[tuple[int, int], tuple[int, int]], runs: tuple[int, int], fill: int) -> Period:
    year = int(era[:4])
    short = year % 100
    return Period(
        era,
        "protons",
        datetime(year, *days[0], tzinfo=UTC),
        datetime(year, *days[1], tzinfo=UTC),
        runs,
        fill,
        f"Collisions{short}",
        f"Collisions{era}",
        f"Collisions{year}",
        f"/cdaq/physics/Run{year}/2e34",
        "CMSSW_10_1_10" if year == 2018 else "CMSSW_12_4_9",
        energy=6500.0 if year == 2018 else 6800.0,
        lumi=2.0,
        gem=year > 2018,
    )


def _cosmics(
    era: str, days: tuple[tuple[int, int], tuple[int, int]], runs: tuple[int, int], name: str, field: float
) -> Period:
    year = int(era[-4:])
    return Period(
        era,
        "none",
        datetime(year, *days[0], tzinfo=UTC),
        datetime(year, *days[1], tzinfo=UTC),
        runs,
        0,
        name,
        name,
        name,
        f"/cdaq/cosmic/commissioning{year}",
        "CMSSW_10_0_5" if year == 2018 else "CMSSW_12_3_4",
        field=field,
        gem=year > 2018,
    )


PERIODS: tuple[Period, ...] = (
    _cosmics("Commissioning2018", ((2, 1), (3, 25)), (308_500, 312_400), "Cosmics18CRUZET", 0.0),
    _cosmics("Commissioning2018", ((3, 25), (4, 17)), (312_401, 314_100), "Cosmics18", 3.8),
    _protons("2018A", ((4, 17), (6, 12)), (314_101, 317_079), 6_480),
    _protons("2018B", ((6, 22), (7, 16)), (317_080, 319_310), 6_830),
    _protons("2018C", ((7, 16), (8, 20)), (319_311, 320_400), 6_930),
    _protons("2018D", ((8, 20), (10, 26)), (320_401, 325_500), 7_060),
    Period(
        "HIRun2018A",
        "ions",
        datetime(2018, 11, 7, tzinfo=UTC),
        datetime(2018, 12, 3, tzinfo=UTC),
        (326_250, 327_600),
        7_427,
        "HICollisions18",
        "HICollisions18A",
        "HICollisions18",
        "/cdaq/physics/Run2018HI/PbPb",
        "CMSSW_10_3_1",
        energy=6369.0,
        lumi=3e-7,
    ),
    _cosmics("HICosmics2018", ((12, 3), (12, 11)), (327_601, 328_000), "HICosmics18A", 3.8),
    _cosmics("Commissioning2022", ((3, 1), (7, 5)), (347_000, 355_050), "Cosmics22", 3.8),
    _protons("2022C", ((7, 5), (8, 22)), (355_051, 357_482), 7_920),
    _protons("2022F", ((9, 27), (11, 28)), (357_483, 362_760), 8_180),
    _cosmics("Commissioning2022", ((11, 28), (12, 9)), (362_761, 363_200), "Cosmics22", 3.8),
)
