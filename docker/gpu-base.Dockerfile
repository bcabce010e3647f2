# What all GPU images share: CUDA, PyTorch, PyTorch3D built for it, regen3d. One image a model family stands on it.
#   docker build -f docker/gpu-base.Dockerfile -t regen3d-gpu-base .
FROM nvidia/cuda:12.8.1-cudnn-devel-ubuntu24.04 AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 DEBIAN_FRONTEND=noninteractive
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential ca-certificates git ninja-build software-properties-common \
    && add-apt-repository -y ppa:deadsnakes/ppa \
    && apt-get install -y --no-install-recommends python3.11 python3.11-dev python3.11-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3.11 -m venv /opt/regen3d
ENV PATH=/opt/regen3d/bin:$PATH
# Compute capabilities of the farm's cards: A100, RTX 30, RTX 40 and L4, H100.
ENV TORCH_CUDA_ARCH_LIST="8.0;8.6;8.9;9.0" FORCE_CUDA=1
WORKDIR /src
COPY constraints.txt ./
ARG TORCH_INDEX=https://download.pytorch.org/whl/cu128
RUN pip install --extra-index-url "$TORCH_INDEX" -c constraints.txt torch torchvision wheel
# The tag of PyTorch3D that fits the torch above: its builds for the registry do not.
ARG PYTORCH3D=v0.7.9
RUN pip install --no-build-isolation "git+https://github.com/facebookresearch/pytorch3d.git@${PYTORCH3D}"
COPY pyproject.toml README.md LICENSE ./
COPY regen3d ./regen3d
COPY models ./models
COPY tasks ./tasks
COPY flows ./flows
RUN pip install -c constraints.txt '.[ray,s3,gemini,pytorch3d]'

FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04

ENV DEBIAN_FRONTEND=noninteractive
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git libegl1 libgl1 libgomp1 software-properties-common tini \
    && add-apt-repository -y ppa:deadsnakes/ppa \
    && apt-get install -y --no-install-recommends python3.11 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 regen3d \
    && mkdir /weights /scenes \
    && chown 10001:10001 /weights /scenes
COPY --from=build --chown=10001:10001 /opt/regen3d /opt/regen3d
COPY --from=build /src/constraints.txt /opt/regen3d/constraints.txt
ENV PATH=/opt/regen3d/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/weights \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30 \
    RAY_USAGE_STATS_ENABLED=0
USER 10001
WORKDIR /scenes
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s CMD ["python", "-c", "import torch; assert torch.cuda.is_available()"]
ENTRYPOINT ["tini", "--"]
CMD ["regen3d", "doctor"]
