# VGGT and MoGe-2. VGGT's research weights forbid commercial use; regen3d asks for --allow-noncommercial.
#   docker build -f docker/geometry.Dockerfile -t regen3d-geometry .
ARG BASE=regen3d-gpu-base:latest
# hadolint ignore=DL3006
FROM ${BASE}

# Commits to build from; set them to those that your studio has checked.
ARG VGGT=main
ARG MOGE=main
RUN pip install --no-cache-dir -c /opt/regen3d/constraints.txt einops huggingface_hub safetensors \
    && pip install --no-cache-dir --no-deps "git+https://github.com/facebookresearch/vggt.git@${VGGT}" \
    && pip install --no-cache-dir -c /opt/regen3d/constraints.txt "git+https://github.com/microsoft/MoGe.git@${MOGE}"
HEALTHCHECK --interval=60s --timeout=60s --start-period=60s CMD ["python", "-c", "import moge, torch, vggt; assert torch.cuda.is_available()"]
