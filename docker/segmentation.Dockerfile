# GroundingDINO with SAM, and SAM 3. Weights are fetched once into the volume /weights: `regen3d models list`.
#   docker build -f docker/segmentation.Dockerfile -t regen3d-segmentation .
ARG BASE=regen3d-gpu-base:latest
# hadolint ignore=DL3006
FROM ${BASE}

RUN pip install --no-cache-dir -c /opt/regen3d/constraints.txt transformers
HEALTHCHECK --interval=60s --timeout=60s --start-period=60s CMD ["python", "-c", "import torch, transformers; assert torch.cuda.is_available()"]
