# `make` alone lists the verbs. Everything runs in .venv, which `make install` builds from nothing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install $(if $(VERBOSE),--progress-bar off,--quiet)
STAMP := $(VENV)/.installed
# options for installing torch: where pip would choose the large CUDA build, name the index of the CPU builds here
TORCH_OPTIONS ?=
PRESET ?= cpu

.DEFAULT_GOAL := help
SDKS := .sdk/openai-2/.installed .sdk/openai-3/.installed
.PHONY: help install sdks demo up test lint check bench bench-encode bench-post bench-long bench-delivery calibrate-seams bench-seams format test-faults test-hostile bench-load bench-portal train-model eval-model train-interpolation train-upscaling eval-interpolation eval-upscaling words clean

help: ## list these verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@# torch first, so that nothing after it asks for another build
	@echo "installing into $(VENV), once; VERBOSE=1 shows all that pip says"
	$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "1 of 2: torch, the largest part"
	$(PIP_INSTALL) torch==2.13.0 $(TORCH_OPTIONS)
	@echo "2 of 2: vidgen with its tools, about a hundred packages"
	$(PIP_INSTALL) --editable '.[dev]'
	@touch $@

# two versions of one package, each in a folder that only its own test puts on the path
.sdk/%/.installed: tests/sdk/%.txt | $(STAMP)
	rm -rf $(@D)
	$(PIP_INSTALL) --target $(@D) -r $<
	@touch $@

sdks: $(SDKS) ## install the openai SDKs that the tests drive

install: $(STAMP) ## make the virtualenv and install vidgen with its development tools

demo: $(STAMP) ## start the service, make three clips over HTTP, verify the webhooks, stop
	$(BIN)/python docs/examples/creator.py

up: $(STAMP) ## keep portal and worker running, and print the address
	$(BIN)/vidgen up

lint: $(STAMP) ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# a file's tests stay in one process, and the long ones, which come first in the alphabet, begin first
TEST_PROCESSES ?= 2
SIDE_BY_SIDE := --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

check: lint ## the fast gate: lint and fast tests
	$(BIN)/pytest $(SIDE_BY_SIDE) -q -m "not integration and not faults and not browser and not slow and not gpu" tests

test: $(STAMP) $(SDKS) ## every test that this machine can run
	$(BIN)/pytest $(SIDE_BY_SIDE) tests

# how often the fault suite strikes: 10 take less than half an hour on two quiet cores, VIDGEN_FAULT_ROUNDS=40 more than an
# hour; a run prints its seed, and VIDGEN_FAULT_SEED repeats it
VIDGEN_FAULT_ROUNDS ?= 10
export VIDGEN_FAULT_SEED

test-faults: $(STAMP) ## the tests that kill processes, on every database and broker at hand
	VIDGEN_FAULT_ROUNDS=$(VIDGEN_FAULT_ROUNDS) $(BIN)/pytest -m faults tests/faults

test-hostile: $(STAMP) ## every test image of Pillow's source archive, fetched by name, as an upload
	mkdir -p .hostile
	ls .hostile/pillow-*.tar.gz 2>/dev/null || $(BIN)/pip download --no-binary :all: --no-deps --dest .hostile pillow
	$(BIN)/python -W ignore -m tests.security.pillow_archive .hostile/pillow-*.tar.gz

bench: $(STAMP) ## speed and fidelity beside stock diffusers, in one run (fails below 50 dB)
	$(BIN)/python -m tests.bench.text_to_video

bench-load: $(STAMP) ## requests a second of the web process, with the load generator on the same two cores
	$(BIN)/python -m tests.bench.load

bench-encode: $(STAMP) ## speed of our encoding beside the ffmpeg command, which it needs (fails below 0.9 for H.264)
	$(BIN)/python -m tests.bench.encode

bench-post: $(STAMP) ## seconds of each post-processing step and each encoding for a megapixel
	$(BIN)/python -m tests.bench.post

# films lie in .film once they are fetched
bench-delivery: $(STAMP) ## what restoring detail gives back, and what the invisible mark survives
	cd models && PYTHONPATH=.. $(CURDIR)/$(BIN)/python -m tests.bench.delivery --films ../.film

bench-portal: $(STAMP) ## weight and speed of the portal in Chromium, with a gallery of 10,000 clips
	$(BIN)/python -m tests.bench.portal

bench-long: $(STAMP) ## memory and time of clips of 5 to 60 seconds (fails when either grows more than it may)
	$(BIN)/python -m tests.bench.long_clips

bench-seams: $(STAMP) ## joints of long clips beside concatenation, cross-fade and last-frame chaining, in one run
	$(BIN)/python -m tests.bench.seams.compare --processes 2 --sheets

# films lie in .film once they are fetched
calibrate-seams: $(STAMP) ## choose the seam thresholds on real film with planted defects, and tell both error rates
	cd models && PYTHONPATH=.. $(CURDIR)/$(BIN)/python -m tests.bench.seams.calibrate --cache ../.film --write $(CURDIR)/vidgen/quality/seams/thresholds.toml

# everything a training needs lies in .train, where it resumes from when it is started again
TRAIN := cd models && $(CURDIR)/$(BIN)/python -m
# the packages are one for all presets, what is made of them is each one's own
TRAINED := .train$(if $(filter-out cpu,$(PRESET)),/$(PRESET))
FOLDERS := --cache ../.train/sources --work ../$(TRAINED)
# on a GPU one process trains and all cores draw
PROCESSES ?= $(if $(filter full,$(PRESET)),$(shell nproc),2)
MODEL ?= vidgen_models/weights/sprites-64
STUDENT ?= vidgen_models/weights/sprites-64-fast/transformer.safetensors

# DEVICE=cpu runs a preset that is made for a GPU without one
STAGE := $(FOLDERS) --preset $(PRESET) $(if $(DEVICE),--device $(DEVICE))
DISTIL := training.distillation $(STAGE) --teacher ../$(TRAINED)/model

train-model: $(STAMP) ## train the embedded model from nothing (PRESET=cpu: three hours on two cores; full: an hour on one GPU, never tried; trial: minutes)
	$(TRAIN) training.prepare $(STAGE) --processes $(PROCESSES)
	mkdir -p $(TRAINED)
	for part in image video long; do \
	    ($(TRAIN) training.vae $(STAGE) --stage $$part --processes $(PROCESSES)) || exit 1; done
	$(TRAIN) training.judges $(STAGE) --processes $(PROCESSES)
	$(TRAIN) training.latents $(STAGE) --processes $(PROCESSES)
	$(TRAIN) training.transformer $(STAGE) --processes $(PROCESSES)
	$(TRAIN) training.decoder $(STAGE) --processes $(PROCESSES)
	$(TRAIN) training.export $(STAGE) --output ../$(TRAINED)/plain
	$(TRAIN) training.synonyms $(STAGE) --model ../$(TRAINED)/plain --output ../$(TRAINED)/model
	$(TRAIN) $(DISTIL) --stage guidance
	$(TRAIN) $(DISTIL) --stage steps
	$(TRAIN) $(DISTIL) --export-folder ../$(TRAINED)/few-steps

eval-model: $(STAMP) ## measure a model, and print every bar: wanted, measured, beside it, held or not (MODEL=folder STUDENT=its student's transformer)
	mkdir -p $(TRAINED)
	test -e $(TRAINED)/judges.pt || ($(TRAIN) training.judges $(STAGE))
	test -e $(TRAINED)/image-text.pt || test ! -d $(TRAINED)/latents || ($(TRAIN) training.image_text $(STAGE))
	$(TRAIN) training.evaluate_autoencoder --model $(MODEL) $(FOLDERS)
	$(TRAIN) training.evaluate --model $(MODEL) $(FOLDERS)
	$(TRAIN) training.evaluate_controls --model $(MODEL) $(FOLDERS)
	$(TRAIN) training.evaluate_wordings --model $(MODEL) $(FOLDERS)
	$(TRAIN) training.evaluate_pairs --model $(MODEL) $(FOLDERS)
	$(TRAIN) training.evaluate_distilled --teacher $(MODEL) --student $(STUDENT) $(FOLDERS)
	$(TRAIN) training.bars_table $(FOLDERS)

words: $(STAMP) ## find the portal's texts and put new ones into its translations, to be filled in there
	mkdir -p .words
	$(BIN)/pybabel -q extract -F web/vidgen_web/translations/extract.cfg -k mark -k say --no-wrap --add-location=file \
	    --sort-by-file --project vidgen -o .words/portal.pot web/vidgen_web
	for language in de; do $(BIN)/pybabel -q update -i .words/portal.pot -l $$language --no-wrap --ignore-obsolete \
	    --no-fuzzy-matching --omit-header -o web/vidgen_web/translations/$$language.po; done

# the cost of a run from nothing, on two cores: half an hour of preparation, then the minutes named here
INTERPOLATION_MINUTES ?= 60
UPSCALING_MINUTES ?= 60

train-interpolation: $(STAMP) ## train the network that draws frames between frames, into .train/interpolation
	mkdir -p .train
	$(TRAIN) training.interpolation --minutes $(INTERPOLATION_MINUTES) --processes $(PROCESSES) $(FOLDERS)
	$(TRAIN) training.export_networks --checkpoint ../.train/interpolation.pt --output ../.train/interpolation

train-upscaling: $(STAMP) ## train the networks that enlarge frames two and four times, into .train/upscaling-x2 and -x4
	mkdir -p .train
	for scale in 2 4; do \
	    ($(TRAIN) training.upscaling --scale $$scale --minutes $(UPSCALING_MINUTES) --processes $(PROCESSES) $(FOLDERS)) \
	    && ($(TRAIN) training.export_networks --checkpoint ../.train/upscaling-x$$scale.pt --output ../.train/upscaling-x$$scale) \
	    || exit 1; done

eval-interpolation: $(STAMP) ## measure the interpolation network beside plain blending and RIFE 4.25, and the cut detector
	mkdir -p .train
	$(TRAIN) training.evaluate_interpolation $(FOLDERS)
	$(TRAIN) training.evaluate_cuts $(FOLDERS)

eval-upscaling: $(STAMP) ## measure the upscaling networks beside Lanczos and SPAN
	mkdir -p .train
	$(TRAIN) training.evaluate_upscaling --scale 2 $(FOLDERS)
	$(TRAIN) training.evaluate_upscaling --scale 4 $(FOLDERS)

format: $(STAMP) ## let ruff format and fix the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the virtualenv and everything the demo made
	rm -rf $(VENV) .sdk .demo .words
