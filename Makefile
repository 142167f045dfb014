# make learn   set up and open JupyterLab at lesson 00
# make test    set up and run everything; make fast: what takes no seconds
# CONTRIBUTING.md explains the rest.

PYTHON ?= python3
VENV ?= .venv
COLAB_VENV ?= .venv-colab
BENCH_VENV ?= .venv-benchmark
CONSTRAINTS ?= constraints/ci.txt
# Colab's Python; pyenv keeps its versions off the PATH.
PYTHON313 ?= $(shell for p in python3.13 $(HOME)/.pyenv/versions/3.13*/bin/python; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)

BIN := $(VENV)/bin
COLAB_BIN := $(COLAB_VENV)/bin
BENCH_BIN := $(BENCH_VENV)/bin
PIP_QUIET := -m pip install --quiet --disable-pip-version-check
PARALLEL := -n 2 --dist loadscope
STRICT := --nbval --nbval-current-env --nbval-cell-timeout 120 \
	--nbval-sanitize-with tests/sanitize.cfg
LESSONS := $(wildcard notebooks/[0-9][0-9]_*.ipynb)

.PHONY: FORCE learn test fast lint format freeze address colab offline benchmark
.DELETE_ON_ERROR:

learn: $(VENV)/learn.done
	$(BIN)/python tools/learn.py $(ARGS)

test: $(VENV)/test.done
	$(BIN)/python -m pytest $(PARALLEL) $(STRICT) -m "not colab" \
		course_utils tests $(LESSONS) $(ARGS)

fast: $(VENV)/test.done
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow and not colab" $(ARGS)

lint: $(VENV)/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/test.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

freeze: $(VENV)/test.done
	$(BIN)/python tools/freeze.py $(LESSON)

address: $(VENV)/test.done
	$(BIN)/python tools/stamp.py $(if $(REPO),--repo $(REPO)) $(if $(REF),--ref $(REF))

colab: $(COLAB_VENV)/colab.done
	COLAB_WHEELS=$(COLAB_VENV)/wheels $(COLAB_BIN)/python -m pytest $(PARALLEL) $(STRICT) \
		-m "colab or not slow or lesson" course_utils tests $(LESSONS) $(ARGS)

# Alone on a quiet machine. What `make colab` set up serves for one row, if it is there.
benchmark: $(BENCH_VENV)/benchmark.done
	COLAB_VENV=$(COLAB_VENV) $(BENCH_BIN)/python -m benchmarks $(ARGS)

# Everything again in a network namespace in which only loopback is up.
offline: $(VENV)/test.done $(COLAB_VENV)/colab.done
	unshare --net --map-root-user sh -c \
		'ip link set lo up && $(MAKE) test && $(MAKE) colab'

$(VENV)/python.done:
	$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
		f"Python 3.11 or newer is needed, {v.major}.{v.minor} was found: set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_QUIET) --upgrade pip
	touch $@

# A copy of the constraints in use, so that others make the environment new.
$(VENV)/constraints.used: $(VENV)/python.done FORCE
	@cmp -s $(CONSTRAINTS) $@ || cp $(CONSTRAINTS) $@

$(VENV)/learn.done: $(VENV)/constraints.used requirements.txt pyproject.toml
	PYTHONWARNINGS=ignore $(BIN)/python $(PIP_QUIET) -c $(CONSTRAINTS) -r requirements.txt -e .
	touch $@

$(VENV)/test.done: $(VENV)/learn.done
	$(BIN)/python $(PIP_QUIET) -c $(CONSTRAINTS) --group test
	touch $@

# Colab's image, then what a first cell adds to it, then the test runner. The course
# itself is not installed there: the tests find it in the clone, as Colab would not.
$(COLAB_VENV)/colab.done: constraints/colab.txt constraints/colab-added.txt requirements.txt
	@test -n "$(PYTHON313)" || { echo "Python 3.13 is needed: set PYTHON313="; exit 1; }
	$(PYTHON313) -m venv --clear $(COLAB_VENV)
	$(COLAB_BIN)/python $(PIP_QUIET) -r constraints/colab.txt
	$(COLAB_BIN)/python tools/colab_wheels.py $(COLAB_VENV)/wheels
	$(COLAB_BIN)/python $(PIP_QUIET) -c constraints/colab-added.txt nbval pytest-xdist
	touch $@

$(BENCH_VENV)/benchmark.done: constraints/benchmark.txt constraints/ci.txt
	$(PYTHON) -m venv --clear $(BENCH_VENV)
	$(BENCH_BIN)/python $(PIP_QUIET) -r constraints/benchmark.txt
	touch $@
