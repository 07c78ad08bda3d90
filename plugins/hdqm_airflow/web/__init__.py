"""Pages inside Airflow, and the API behind Airflow's login; imported by the api-server with the first request."""

from hdqm_airflow.web._app import app

__all__ = ["app"]
