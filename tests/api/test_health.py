from fix_api import served

from hdqm_ops.api import create_app
from hdqm_ops.settings import Settings


def test_ready_tells_the_age_of_the_newest_data(api):
    answer = api.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["newest_file_age_s"] > 0


def test_without_database_it_lives_and_is_not_ready():
    nowhere = create_app(Settings(reader_url="postgresql://nobody:hush-hush@127.0.0.1:1/none"))
    with served(nowhere) as api:
        assert api.get("/health/live").status_code == 200
        answer = api.get("/health/ready")

    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["detail"] == "the database does not answer: try again"
    assert "hush" not in answer.text


def test_a_mounted_application_answers_though_nobody_runs_its_lifespan(api_database):
    from fastapi import FastAPI

    parent = FastAPI()
    parent.mount("/hdqm", create_app(Settings(database_url=api_database)))
    with served(parent) as api:
        assert api.get("/hdqm/health/ready").json()["status"] == "ready"
