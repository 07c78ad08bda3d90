"""HDQM on a server: secrets for its containers, their setting up, signs of life. ``docker-compose.yml`` uses it."""

from hdqm_ops.deploy._check import check
from hdqm_ops.deploy._environment import environment_file
from hdqm_ops.deploy._grafana import set_up_grafana
from hdqm_ops.deploy._set_up import set_up
from hdqm_ops.deploy._settings import DeploySettings

__all__ = ["DeploySettings", "check", "environment_file", "set_up", "set_up_grafana"]
