"""Processes that are counted in a run: triggers, paths, datasets, streams. Each is a rate plus a cross-section."""

from dataclasses import dataclass

from hdqm_ops.simulate.services._world import LUMISECTION_S, Run

# A lead collision makes far more of everything than a proton collision.
_IONS = 5e6


@dataclass(frozen=True, slots=True)
class Process:
    """Something that is counted: Hz without beams' help, events per pb^-1, Hz in cosmics."""

    name: str
    per_second: float
    per_pb: float
    cosmics: float

    def events(self, run: Run, first: int, last: int) -> int:
        """Events in lumisections first to last."""
        if run.fill is None:
            return run.counted(self.cosmics, 0.0, first, last)
        per_pb = self.per_pb * (_IONS if run.period.beams == "ions" else 1.0)
        return run.counted(self.per_second, per_pb, first, last)

    def scaled(self, name: str, share: float) -> "Process":
        """A share of this process, under a name of its own."""
        return Process(name, self.per_second * share, self.per_pb * share, self.cosmics * share)


def rate(events: float, first: int, last: int) -> float:
    """Events per second of lumisections first to last."""
    return events / ((last - first + 1) * LUMISECTION_S)


L1_PHYSICS = Process("l1a_physics", 8_000, 4.0e6, 420)
L1_CALIBRATION = Process("l1a_calibration", 73.36, 0, 73.36)
L1_RANDOM = Process("l1a_random", 428.06, 0, 100)
HLT_PHYSICS = Process("hlt_physics", 90, 4.5e4, 250)

HLT_PATHS: tuple[Process, ...] = tuple(
    HLT_PHYSICS.scaled(name, share)
    for name, share in (
        ("HLT_ZeroBias_v6", 0.021),
        ("HLT_Random_v3", 0.009),
        ("HLT_Physics_v7", 0.03),
        ("HLT_IsoMu24_v13", 0.18),
        ("HLT_Mu50_v13", 0.04),
        ("HLT_Ele32_WPTight_Gsf_v15", 0.12),
        ("HLT_Ele115_CaloIdVT_GsfTrkIdT_v14", 0.015),
        ("HLT_DoubleEle33_CaloIdL_MW_v18", 0.012),
        ("HLT_Photon200_v14", 0.011),
        ("HLT_PFJet500_v21", 0.013),
        ("HLT_PFHT1050_v18", 0.012),
        ("HLT_PFMET120_PFMHT120_IDTight_v20", 0.05),
        ("HLT_DoubleMediumChargedIsoPFTauHPS35_Trk1_eta2p1_Reg_v4", 0.06),
        ("HLT_QuadPFJet70_50_40_30_v1", 0.02),
        ("HLT_DoubleMu4_3_Bs_v15", 0.03),
        ("HLT_L1SingleMuCosmics_v2", 0.002),
    )
)
L1_ALGORITHMS: tuple[tuple[int, Process], ...] = tuple(
    (bit, L1_PHYSICS.scaled(name, share))
    for bit, name, share in (
        (19, "L1_SingleMu22", 0.09),
        (25, "L1_SingleMuCosmics", 0.002),
        (68, "L1_DoubleMu_15_7", 0.05),
        (128, "L1_SingleEG34", 0.08),
        (205, "L1_DoubleEG_25_14_HE34", 0.07),
        (262, "L1_DoubleIsoTau34er2p1", 0.06),
        (310, "L1_SingleJet180", 0.02),
        (402, "L1_HTT360er", 0.03),
        (421, "L1_ETMHF110", 0.05),
        (459, "L1_ZeroBias", 0.01),
        (473, "L1_IsolatedBunch", 0.001),
        (488, "L1_FirstCollisionInTrain", 0.0005),
    )
)
DATASETS: tuple[Process, ...] = tuple(
    HLT_PHYSICS.scaled(name, share)
    for name, share in (
        ("SingleMuon", 0.22),
        ("EGamma", 0.25),
        ("JetHT", 0.12),
        ("MET", 0.08),
        ("Tau", 0.07),
        ("ZeroBias", 0.021),
        ("HLTPhysics", 0.03),
        ("Cosmics", 0.002),
    )
)
STREAMS: tuple[tuple[Process, float], ...] = (  # with GB per event
    (HLT_PHYSICS.scaled("PhysicsMuons", 0.25), 7.5e-4),
    (HLT_PHYSICS.scaled("PhysicsEGamma", 0.25), 7.9e-4),
    (HLT_PHYSICS.scaled("PhysicsHadronsTaus", 0.27), 8.4e-4),
    (HLT_PHYSICS.scaled("ExpressPhysics", 0.04), 8.0e-4),
    (L1_CALIBRATION.scaled("Calibration", 1.0), 2.0e-4),
)
EVENT_GB = 7.53e-4
