# syntax=docker/dockerfile:1
# One image for Airflow's components, the API and the command line:
#   docker build --build-arg VERSION=$(git describe --tags --always) --tag hdqm-ops .
# The conventions are those of Airflow's own image: user 50000 in group 0, AIRFLOW_HOME=/opt/airflow, dumb-init, and an
# entry point that takes `scheduler` for `airflow scheduler`, and `bash`, `python`, `hdqm` for themselves.
ARG PYTHON=3.13-slim-trixie

# -- everything is installed here; compilers, caches and sources stay behind -------------------------------------------
FROM python:${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY constraints.txt pyproject.toml ./
RUN python -m venv /opt/hdqm \
    && /opt/hdqm/bin/python -m pip install --constraint constraints.txt uv
# What changes seldom first: the libraries are a layer of their own.
RUN /opt/hdqm/bin/uv pip install --no-cache --python /opt/hdqm/bin/python --constraint constraints.txt \
        --requirement pyproject.toml \
        --extra airflow --extra arrow --extra celery --extra fab --extra pandas --extra plot --extra xrootd
COPY LICENSE README.md ./
COPY dags dags
COPY grafana grafana
COPY hdqm_ops hdqm_ops
COPY plugins plugins
COPY sql sql
# The image has no history to read the version from.
ARG VERSION=0.1.0
RUN SETUPTOOLS_SCM_PRETEND_VERSION_FOR_HDQM_OPS=${VERSION#v} \
    /opt/hdqm/bin/uv pip install --no-cache --python /opt/hdqm/bin/python --no-deps . \
    && /opt/hdqm/bin/uv pip uninstall --python /opt/hdqm/bin/python uv \
    && cd / \
    && ln -s "$(/opt/hdqm/bin/hdqm paths dags)" /opt/hdqm/dags \
    && ln -s "$(/opt/hdqm/bin/hdqm paths grafana)" /opt/hdqm/grafana \
    && ln -s "$(/opt/hdqm/bin/hdqm paths package)/deploy/entrypoint.sh" /opt/hdqm/entrypoint \
    && mkdir /opt/hdqm/config \
    && ln -s "$(/opt/hdqm/bin/hdqm paths package)/deploy/airflow_local_settings.py" /opt/hdqm/config/ \
    && /opt/hdqm/bin/python -m compileall -q -j 0 /opt/hdqm

# -- what runs ---------------------------------------------------------------------------------------------------------
FROM python:${PYTHON}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="HDQM" \
      org.opencontainers.image.description="Historic data quality monitoring for CMS: Airflow, REST API, command line" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# krb5-user: tickets for EOS; dumb-init: signals reach all children, and none stays as a zombie.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends dumb-init krb5-user \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --gid 0 --create-home --home-dir /home/airflow --shell /usr/sbin/nologin airflow \
    && install --directory --owner 50000 --group 0 --mode 0775 \
        /opt/airflow /var/lib/hdqm /var/log/hdqm /provisioning /dqm
COPY --from=build /opt/hdqm /opt/hdqm
# PYTHONPATH: Airflow imports airflow_local_settings from there, whatever is mounted over AIRFLOW_HOME.
ENV PATH=/opt/hdqm/bin:$PATH \
    PYTHONPATH=/opt/hdqm/config \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/hdqm/dags \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/hdqm/airflow \
    HDQM_HOME=/var/lib/hdqm \
    HOME=/home/airflow
WORKDIR /opt/airflow
USER 50000:0
EXPOSE 8080 8050
ENTRYPOINT ["/usr/bin/dumb-init", "--", "/opt/hdqm/entrypoint"]
CMD []
