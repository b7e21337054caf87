# Each target makes or reuses $(VENV) and needs nothing but Python with venv: 3.11–3.14, with
# TensorFlow 3.11–3.13.
BACKEND ?= tensorflow
VENV ?= .venv$(patsubst -tensorflow,,-$(BACKEND))
NEWEST = $(if $(filter tensorflow,$(BACKEND)),13,14)
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $(NEWEST)))' 2>/dev/null \
	&& echo $$python && break; done)
READY = $(VENV)/.ready

# One folder of tests, of both packages where both have it: make test ROOM=sparsity
ROOMS = $(filter-out __pycache__,$(sort $(notdir $(patsubst %/,%,$(wildcard \
	tests/library/*/ tests/export/*/ tests/benchmarks/ tests/contracts/)))))
PLACES = $(foreach room,$(ROOM),$(wildcard \
	tests/library/$(room) tests/export/$(room) tests/$(room)))
# Only tests with these marks (`pytest --markers` explains them): make test MARKED="not process"
MARKED ?=
PYTEST = $(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist worksteal

export KERAS_BACKEND = $(BACKEND)

.PHONY: demo test quick room web validators check format

demo: $(READY)  ## train, compare, export and run on embedded digits
	$(VENV)/bin/keras-sparse demo --overwrite

test: room $(READY)  ## all that the README promises for one backend: BACKEND=jax or BACKEND=torch
	$(PYTEST) $(if $(MARKED),-m "$(MARKED)") $(PLACES)

quick: room $(READY)  ## the inner loop: no processes, browsers, fuzzing, documents or slow trainings
	$(PYTEST) -m "not (process or browser or fuzz or doc or slow)" $(PLACES)

room:
	@test -z "$(filter-out $(ROOMS),$(ROOM))" || { \
	echo "Invalid value for argument \`ROOM\`. Expected one of: $(ROOMS). Received: $(ROOM)" >&2; \
	exit 1; }

web:  ## what the page runs on, and is tested with; needs npm
	npm ci --prefix export/web --no-audit --no-fund

validators: $(READY)  ## generate the validators of manifest.json from its schema
	$(VENV)/bin/python export/tools/generate_validators.py

check: $(READY)  ## lint, types, order of imports, and whether generated validators are current
	$(VENV)/bin/python export/tools/generate_validators.py --check
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy --python-version 3.10 export/keras_sparse_export examples/run_on_device.py
	$(VENV)/bin/lint-imports

format: $(READY)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

$(READY): pyproject.toml export/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Expected Python 3.11 to 3.$(NEWEST) on PATH." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet -e "./export[convert]" -e ".[$(BACKEND),export,data,insight,sweep,dev]"
	touch $@
