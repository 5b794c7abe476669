# A worker with the whole engine; `vidgen up` in it is the service for one machine.
#   docker build -f docker/worker.Dockerfile -t vidgen-worker .
# For CPUs name the package index of torch's CPU builds, or the image carries the much larger CUDA build:
#   docker build -f docker/worker.Dockerfile --build-arg TORCH_OPTIONS="--index-url …" -t vidgen-worker:cpu .
# The CUDA build needs no CUDA base image, because torch's wheels carry the libraries; the host needs NVIDIA's driver
# and container toolkit (docker/compose.cuda.yaml).
FROM python:3.12-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY vidgen vidgen
COPY models models
COPY web web
COPY workers workers
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
# torch first, so that nothing after it asks for another build
ARG TORCH_OPTIONS=""
# hadolint ignore=DL3013,SC2086
RUN pip install --no-cache-dir torch==2.13.0 $TORCH_OPTIONS
COPY --from=wheel /wheels /tmp/wheels
# hadolint ignore=DL3013
RUN for wheel in /tmp/wheels/*.whl; do pip install --no-cache-dir "${wheel}[postgres,redis,telemetry]"; done
RUN useradd --create-home --uid 10001 vidgen && install -d -o vidgen -m 700 /data

USER 10001
WORKDIR /data
ENV VIDGEN_DATA_DIR=/data VIDGEN_LOG_FORMAT=json PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 HF_HOME=/tmp/huggingface
VOLUME /data
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 CMD ["vidgen", "alive", "worker"]
CMD ["vidgen", "worker"]
