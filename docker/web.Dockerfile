# Portal and HTTP API, without torch.
#   docker build -f docker/web.Dockerfile -t vidgen-web .
FROM python:3.12-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY vidgen vidgen
COPY models models
COPY web web
COPY workers workers
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
# pip 25.1 is the first that reads dependency groups
RUN pip install --no-cache-dir --upgrade "pip>=25.1,<27"
COPY pyproject.toml /tmp/web/
RUN pip install --no-cache-dir --group /tmp/web/pyproject.toml:web --group /tmp/web/pyproject.toml:web-image
COPY --from=wheel /wheels /tmp/wheels
# without its dependencies: the engine's are left out on purpose (docs/adr/0009-web-without-torch.md)
RUN pip install --no-cache-dir --no-deps /tmp/wheels/*.whl
RUN useradd --create-home --uid 10001 vidgen && install -d -o vidgen -m 700 /data

USER 10001
WORKDIR /data
# other machines can reach a container's address, so everybody needs a key
ENV VIDGEN_DATA_DIR=/data VIDGEN_HOST=0.0.0.0 VIDGEN_AUTH=keys VIDGEN_LOG_FORMAT=json PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["vidgen", "alive", "web"]
CMD ["vidgen", "web"]
