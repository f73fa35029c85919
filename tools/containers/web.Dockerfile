# The page and its inbox. From the checkout: docker build --file=tools/containers/web.Dockerfile --tag=anime-web .
# compose.yaml beside this file runs it; docs/web.md says how.

# ONNX Runtime for the visitors' browsers. The next stage compares it with the digests in web/browser_runtime.py.
FROM node:22-bookworm-slim AS browser
ARG ONNXRUNTIME_WEB=1.30.0
WORKDIR /package
RUN npm pack onnxruntime-web@${ONNXRUNTIME_WEB} --ignore-scripts --pack-destination=/package

FROM python:3.12-slim-bookworm AS build
WORKDIR /app
COPY requirements/serve.txt requirements/serve.txt
# Without pip, and without TensorFlow's headers: nothing that installs or compiles is in the last image's environment.
RUN python -m venv --without-pip /opt/venv \
    && pip --python=/opt/venv/bin/python install --no-cache-dir --no-deps --only-binary=:all: --require-hashes \
       --requirement=requirements/serve.txt \
    && rm -r /opt/venv/lib/python3*/site-packages/tensorflow/include
COPY boxes boxes
COPY checkpoints checkpoints
COPY datasets datasets
COPY demo demo
COPY faces faces
COPY files files
COPY labelling labelling
COPY nets nets
COPY preprocessing preprocessing
COPY terminal terminal
COPY tools tools
COPY visualization visualization
COPY web web
COPY --from=browser /package /package
RUN python -m web.browser_runtime /package/*.tgz \
    && /opt/venv/bin/python -m compileall -q . \
    && chmod -R a+rX,go-w .

FROM python:3.12-slim-bookworm
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# Volumes that are first mounted here belong to the server.
RUN install --directory --owner=10001 --group=10001 /inbox /app/runs
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp \
    ANIME_SSD_INBOX=/inbox \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
# Reached from outside of the container, so that visitors need the access token (ANIME_SSD_TOKEN).
ENTRYPOINT ["python", "-m", "web", "--host=0.0.0.0"]
