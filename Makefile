# Set-up, demo and checks, for Linux and macOS (on Windows: WSL 2). `make` alone lists the targets.
#
#   PYTHON=python3.12   the Python of .venv (default: python3, or a supported one that uv finds)
#   GPU=1, GPU=jax      with `make setup`: TensorFlow's CUDA libraries too, or JAX and its (Linux, NVIDIA)
#   WEB=1               with `make setup`: what the page needs too
#   BEAM=1              with `make setup`: instead, .beam-venv, for --runner
#   EXPORT=1            with `make setup`: what export_model.py needs too
#   UV_DEFAULT_INDEX=…  a mirror of PyPI (default: pip's, where pip has one)

VENV_PYTHON := .venv/bin/python
DEMO := runs/demo
spread := --numprocesses=auto --maxprocesses=4 --dist=loadfile

# Warnings and errors of TensorFlow's C++ part stay; its remarks do not.
TF_CPP_MIN_LOG_LEVEL ?= 2
export TF_CPP_MIN_LOG_LEVEL
# Output through a pipe (CI, tee) appears when it is written.
export PYTHONUNBUFFERED := 1

python := $(if $(PYTHON),$(PYTHON),python3)
set_up = "$(python)" -c "import sys; sys.exit(sys.version_info < (3, 8))" 2>/dev/null || { \
	echo "set-up: $(python) does not run or is too old: install Python 3.11 to 3.13 (Debian/Ubuntu: sudo apt-get" \
	"install python3 python3-venv), or name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }; \
	"$(python)" tools/setup_environment.py $(if $(PYTHON),--chosen)

gpu = $(if $(GPU),$(if $(filter jax,$(GPU)),gpu_jax,gpu))

.PHONY: help setup setup-dev demo labelimg label web test test-all lint format lock clean

help:
	@echo "make demo      draw a data set, train on it, evaluate, draw boxes: all of it under $(DEMO)/"
	@echo "make web       a page that finds characters in your pictures (CHECKPOINT=RUN: with your detector)"
	@echo "make setup     only create .venv (GPU=1: with TensorFlow's CUDA libraries, GPU=jax: with JAX's)"
	@echo "make labelimg DATASET=folder   label its pictures in LabelImg (makes .labelimg-venv for it)"
	@echo "make label DATASET=folder      the same in a browser, whole groups of heads at a time (TRAIN=1: a detector"
	@echo "                               learns meanwhile, and its boxes come in)"
	@echo "make test      the tests, on the TensorFlow and on the JAX backend"
	@echo "make test-all  with the slow ones, which train"
	@echo "make lint      ruff and basedpyright"
	@echo "make format    let ruff format the code"
	@echo "make lock      resolve pyproject.toml anew into requirements/ (UPGRADE=1: newest versions)"
	@echo "make clean     remove $(DEMO)/ and caches; .venv and other runs stay"

setup:
	@$(set_up) $(if $(BEAM),beam,run $(if $(WEB),web) $(if $(EXPORT),export) $(gpu))

setup-dev:
	@$(set_up) dev $(gpu)

demo: setup
	$(VENV_PYTHON) -m datasets.drawn --output_dir=$(DEMO)/drawn
	$(VENV_PYTHON) tf_convert_data.py --dataset_name=pascalvoc --dataset_dir=$(DEMO)/drawn --output_dir=$(DEMO)/records
	$(VENV_PYTHON) train_ssd_network.py --dataset_dir=$(DEMO)/records --train_dir=$(DEMO)/train \
	    --model_name=ssd_300_lite --batch_size=8 --max_number_of_steps=1500 --evaluate_steps=500
	$(VENV_PYTHON) eval_ssd_network.py --dataset_dir=$(DEMO)/records --checkpoint_path=$(DEMO)/train \
	    --eval_dir=$(DEMO) --dataset_split_name=test
	$(VENV_PYTHON) detect.py --checkpoint_path=$(DEMO)/train --output_dir=$(DEMO)/detections --contact_sheet demo
	cp $(DEMO)/detections/detections.png $(DEMO)/detections.png
	@echo
	@echo "Look at   $(DEMO)/detections.png   named boxes on the pictures of demo/"
	@echo "          $(DEMO)/report.html      how good they are on episodes that the training never saw"

web:
	@$(set_up) web
	@$(VENV_PYTHON) -m web.browser_runtime
	@$(VENV_PYTHON) -m web $(if $(CHECKPOINT),--checkpoint_dir="$(CHECKPOINT)") $(if $(HOST),--host=$(HOST)) $(if $(PORT),--port=$(PORT))

labelimg: setup
	@test -n "$(DATASET)" || { echo "Which data set? make labelimg DATASET=my_set" >&2; exit 1; }
	@$(VENV_PYTHON) -m tools.labelimg --dataset_dir="$(DATASET)" $(if $(LABELS),--labels_file="$(LABELS)")

label:
	@test -n "$(DATASET)" || { echo "Which data set? make label DATASET=my_set" >&2; exit 1; }
	@$(set_up) web
	-@$(VENV_PYTHON) -m tools.propose_faces --dataset_dir="$(DATASET)"
	@$(VENV_PYTHON) -m web --dataset_dir="$(DATASET)" $(if $(TRAIN),--train) $(if $(HOST),--host=$(HOST)) $(if $(PORT),--port=$(PORT))

# Each file stays in one process; every process holds a TensorFlow, so that more than four would need much memory.
test: setup-dev
	$(VENV_PYTHON) -m pytest $(spread)
	KERAS_BACKEND=jax $(VENV_PYTHON) -m pytest tests/boxes tests/nets tests/engine/training/test_between_steps.py \
	    -m "not slow and not jax_slow and not tensorflow_only" $(spread)

test-all: setup-dev
	$(VENV_PYTHON) -m pytest -m ""
	KERAS_BACKEND=jax $(VENV_PYTHON) -m pytest tests/boxes tests/nets tests/engine/training/test_between_steps.py \
	    tests/engine/test_exact_resume.py -m "not tensorflow_only"

lint: setup-dev
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m basedpyright

format: setup-dev
	$(VENV_PYTHON) -m ruff check --fix .
	$(VENV_PYTHON) -m ruff format .

# One lock for every supported Python and platform, with hashes, without any index's address. The first file
# binds the others, so that installing one over another changes no version.
resolve = $(shell "$(python)" tools/setup_environment.py uv) pip compile pyproject.toml --universal --python-version=3.11 --no-build --generate-hashes --quiet \
	--no-emit-index-url --no-emit-find-links --custom-compile-command="make lock" $(if $(UPGRADE),--upgrade)

lock:
	$(resolve) --output-file=requirements/run.txt
	$(resolve) --output-file=requirements/web.txt --extra=web --constraints=requirements/run.txt
	$(resolve) --output-file=requirements/export.txt --extra=export --constraints=requirements/web.txt
	$(subst pyproject.toml,requirements/serve.in,$(resolve)) --output-file=requirements/serve.txt --constraints=requirements/web.txt
	$(resolve) --output-file=requirements/dev.txt --extra=dev --extra=web --extra=export --constraints=requirements/export.txt
	$(resolve) --output-file=requirements/beam.txt --extra=beam
	$(resolve) --output-file=requirements/gpu.txt --extra=gpu --constraints=requirements/run.txt
	$(resolve) --output-file=requirements/gpu_jax.txt --extra=gpu_jax --constraints=requirements/dev.txt
	$(subst pyproject.toml,requirements/uv.in,$(resolve)) --output-file=requirements/uv.txt
	$(subst pyproject.toml,requirements/labelimg-build.in,$(resolve)) --output-file=requirements/labelimg-build.txt
	$(subst --no-build,,$(subst pyproject.toml,requirements/labelimg.in,$(resolve))) --output-file=requirements/labelimg.txt

clean:
	rm -rf $(DEMO) .pytest_cache .ruff_cache .hypothesis
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
