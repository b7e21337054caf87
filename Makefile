# Each target makes or reuses $(VENV) and needs nothing but Python 3.11–3.13 with venv.
BACKEND ?= tensorflow
VENV ?= .venv$(patsubst -tensorflow,,-$(BACKEND))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$python && break; done)
READY = $(VENV)/.ready

export KERAS_BACKEND = $(BACKEND)

.PHONY: demo test web check format

demo: $(READY)  ## train, compare, export and run on embedded digits
	$(VENV)/bin/keras-sparse demo --overwrite

test: $(READY)  ## the tests; BACKEND=jax or BACKEND=torch for another backend
	$(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

web:  ## what the page runs on, and is tested with; needs npm
	npm ci --prefix export/web --no-audit --no-fund

check: $(READY)  ## lint and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(READY)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

$(READY): pyproject.toml export/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Expected Python 3.11, 3.12 or 3.13 on PATH." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet -e "./export[convert]" -e ".[$(BACKEND),export,data,insight,sweep,dev]"
	touch $@
