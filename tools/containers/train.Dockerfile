# Everything else: conversion, training, evaluation, detection, tools. From the checkout:
# docker build --file=tools/containers/train.Dockerfile --tag=anime-train .     (--build-arg=LOCK=gpu for NVIDIA GPUs)

FROM python:3.12-slim-bookworm AS build
ARG LOCK=run
WORKDIR /app
COPY requirements requirements
# Without pip and TensorFlow's headers, as for the page.
RUN python -m venv --without-pip /opt/venv \
    && pip --python=/opt/venv/bin/python install --no-cache-dir --no-deps --only-binary=:all: --require-hashes \
       --requirement=requirements/${LOCK}.txt \
    && rm -r /opt/venv/lib/python3*/site-packages/tensorflow/include
COPY boxes boxes
COPY checkpoints checkpoints
COPY datasets datasets
COPY demo demo
COPY engine engine
COPY faces faces
COPY files files
COPY labelling labelling
COPY nets nets
COPY preprocessing preprocessing
COPY ssd_tensorflow ssd_tensorflow
COPY terminal terminal
COPY tools tools
COPY video video
COPY visualization visualization
COPY *.py .
RUN /opt/venv/bin/python -m compileall -q . \
    && chmod -R a+rX,go-w .

FROM python:3.12-slim-bookworm
# Libraries that OpenCV and Skia open.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libegl1 libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# A volume that is first mounted here belongs to the training.
RUN install --directory --owner=10001 --group=10001 /app/runs
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["python"]
CMD ["train_ssd_network.py", "--help"]
