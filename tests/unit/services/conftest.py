"""The simulated services on a real socket, once for all tests of this folder; each test finds them without faults."""

from dataclasses import replace

import pytest

from hdqm_ops.services import Credentials, Service
from hdqm_ops.simulate.services import SimulatedServices, Simulation, World


@pytest.fixture(scope="session")
def running_services():
    with SimulatedServices(Simulation(World(seed=1, runs=1_500))) as services:
        yield services


@pytest.fixture
def services(running_services):
    simulation = running_services.simulation
    simulation.faults.clear()
    simulation.corrections.clear()
    simulation.clock = simulation.world.default_clock
    simulation.tokens_required = False
    simulation.sign_on.expires_in = 1200
    simulation.sign_on.clients = {}
    simulation.journal.clear()
    return running_services


@pytest.fixture
def faults(services):
    return services.simulation.faults


@pytest.fixture
def oms_service(services):
    """OMS without tokens, with next to no pauses."""
    return Service(name="OMS", url=services.oms_url, sso_url=services.sso_url, backoff_s=0.001, tries=4)


@pytest.fixture
def guarded_oms(services, oms_service):
    """OMS that wants tokens."""
    services.simulation.tokens_required = True
    services.simulation.sign_on.clients = {"me": "s3cret"}
    return replace(oms_service, audience="cmsoms-prod", credentials=Credentials("me", "s3cret"))


@pytest.fixture
def journal(services):
    return services.simulation.journal


@pytest.fixture
def oms(oms_service):
    from hdqm_ops.services import OMS

    with OMS(oms_service) as client:
        yield client


@pytest.fixture(scope="session")
def world(running_services):
    return running_services.simulation.world


@pytest.fixture(scope="session")
def lit_run(world):
    """A collisions run of protons in stable beams, with a few hundred lumisections."""
    return next(
        run
        for run in world.all_runs
        if run.kind == "collisions" and run.period.era == "2018A" and 100 < run.lumisections < 500
        if run.fill.luminosity(run.start) > 0.1
    )


@pytest.fixture
def rr_service(services):
    """Run Registry without tokens, as its backend is on the machine itself."""
    return Service(
        name="Run Registry",
        url=services.rr_url,
        sso_url=services.sso_url,
        backoff_s=0.001,
        tries=4,
        headers={"email": "api@api"},
    )


@pytest.fixture
def rr(rr_service):
    from hdqm_ops.services import RunRegistry

    with RunRegistry(rr_service) as client:
        yield client
