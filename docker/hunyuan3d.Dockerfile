# Hunyuan3D 2.0. Its licence excludes the EU, the UK and South Korea; regen3d asks for --territory.
#   docker build -f docker/hunyuan3d.Dockerfile -t regen3d-hunyuan3d .
ARG BASE=regen3d-gpu-base:latest
# hadolint ignore=DL3006
FROM ${BASE}

RUN pip install --no-cache-dir -c /opt/regen3d/constraints.txt \
        accelerate diffusers einops pymeshlab pyyaml scikit-image transformers \
    && pip install --no-cache-dir --no-deps hy3dgen==2.0.2
HEALTHCHECK --interval=60s --timeout=60s --start-period=60s CMD ["python", "-c", "import hy3dgen, torch; assert torch.cuda.is_available()"]
