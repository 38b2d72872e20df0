# Every target works on a fresh machine with Python 3.11 to 3.13.
PYTHON ?= python3
SEED ?= 0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
       --constraint constraints.txt

.PHONY: continue test fast lint format tiny docs clean

# A folder holds continuations of one seed: out/speech, out/speech-1, ...
OUT_SEED := $(if $(filter-out 0,$(SEED)),-$(SEED))

## Continue data/prompts/* with the bundled models, into out/.
continue: $(VENV)/core
	$(BIN)/audiolm generate --prompts='data/prompts/speech_*' --model=speech \
	    --output_dir=out/speech$(OUT_SEED) --seed=$(SEED)
	$(BIN)/audiolm generate --prompts='data/prompts/piano_*' --model=piano \
	    --output_dir=out/piano$(OUT_SEED) --seed=$(SEED)

## All tests, the whole pipeline on a tiny corpus among them.
test: $(VENV)/test
	$(BIN)/python -m pytest -n 2 --dist worksteal tests

## The tests that take seconds.
fast: $(VENV)/test
	$(BIN)/python -m pytest -n 2 -m 'not slow' tests

lint: $(VENV)/test
	$(BIN)/ruff check --no-cache .
	$(BIN)/pyink --quiet --check .

format: $(VENV)/test
	$(BIN)/ruff check --fix .
	$(BIN)/pyink --quiet .

## From a small corpus to a bundle and a continuation, all trained from scratch.
tiny: $(VENV)/test
	PATH=$(abspath $(BIN)):$$PATH bash launch/tiny.sh

## The documentation, into site/: open site/index.html. To search in it as well:
## python3 -m http.server --directory site
docs: $(VENV)/docs
	$(BIN)/python -m mkdocs build --strict

$(VENV)/core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/test: $(VENV)/core
	$(PIP) --editable '.[test]' --requirement data/requirements-tiny.txt
	touch $@

$(VENV)/docs: $(VENV)/core
	$(PIP) --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build site *.egg-info
