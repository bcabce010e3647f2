# regen3d with the embedded profile on CPUs: command line, Prefect worker and server, Ray node, exporter of metrics.
#   docker build -f docker/cpu.Dockerfile -t regen3d-cpu .
FROM python:3.11.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/regen3d
ENV PATH=/opt/regen3d/bin:$PATH
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY regen3d ./regen3d
COPY models ./models
COPY tasks ./tasks
COPY flows ./flows
# TORCH_INDEX is the index that holds PyTorch's CPU builds, where the usual one has only those for CUDA.
ARG TORCH_INDEX=""
# hadolint ignore=DL3013
RUN pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -c constraints.txt '.[ray,s3,gemini]'

FROM python:3.11.14-slim-bookworm

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 regen3d \
    && mkdir /scenes /prefect \
    && chown 10001:10001 /scenes /prefect
COPY --from=build /opt/regen3d /opt/regen3d
COPY --chown=10001:10001 deploy/prefect.yaml /opt/regen3d/deploy/prefect.yaml
ENV PATH=/opt/regen3d/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30 \
    RAY_USAGE_STATS_ENABLED=0
USER 10001
WORKDIR /scenes
# A worker, a server and a Ray node override this with a question to themselves (docker/compose.yaml, infra/).
HEALTHCHECK --interval=60s --timeout=30s --start-period=30s CMD ["regen3d", "--version"]
ENTRYPOINT ["tini", "--"]
CMD ["regen3d", "--help"]
