# The page and the API of `text-to-pose app`, with the bundled models and pose-tokenizer's, and without torch:
#
#     docker build --tag text-to-pose .
#     docker run --rm --publish 127.0.0.1:8000:8000 text-to-pose
#
# By another name or port than localhost's: `docker run ... text-to-pose --allow-host NAME`.

FROM python:3.12-slim AS build
RUN pip install --no-cache-dir uv
WORKDIR /source
COPY pyproject.toml ./
COPY packages packages
# Models run by onnxruntime; what is only of torch is left out by markers that hold nowhere.
RUN printf '%s; python_version < "3"\n' torch torchmetrics torch-geometric vector-quantize-pytorch > without-torch.txt \
    && for name in pose-core pose-encoders text-to-pose pose-tokenizer; do \
           uv build --quiet --package "$name" --wheel --out-dir /wheels || exit 1; \
       done \
    && uv venv --quiet /app \
    && uv pip install --quiet --compile-bytecode --python /app/bin/python --override without-torch.txt \
           "$(ls /wheels/text_to_pose-*.whl)[app]" /wheels/pose_*.whl

FROM python:3.12-slim
RUN useradd --system --create-home signer
COPY --from=build /app /app
USER signer
# numba keeps what it has compiled there.
ENV NUMBA_CACHE_DIR=/tmp/numba PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
    CMD ["/app/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Inside the container 0.0.0.0 is its own network; `--publish` says who reaches it.
ENTRYPOINT ["/app/bin/text-to-pose", "app", "--host", "0.0.0.0", "--port", "8000"]
