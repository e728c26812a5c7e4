# gsm0710: every target makes .venv by itself; python3, make and a package index are all it takes.

PYTHON ?= python3
TIME   ?= 60
ROOMS  := cmux/protocol cmux/threads cmux/aio drivers/at drivers/tcpip # whose branches are counted
COVERING := tests/cmux tests/drivers/at tests/drivers/tcpip tests/drivers/integration tests/drivers/cli fuzz \
	$(wildcard tests/drivers/test_*.py) # the tests that take them; counting makes them half as fast
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: help demo test coverage rest interop mutants lint conformance acceptance pictures tables docs fuzz fuzz-selftest soak bench performance
.PHONY: clean
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE # hundreds of programs are started by the tests

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gsm0710 needs Python 3.11 or newer; name one with PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# One stamp per set of packages: pip runs again when pyproject.toml changes.
$(VENV)/run.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --group test --editable .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --group dev --editable .
	@touch $@

demo: $(VENV)/run.stamp ## chapter 8 of the app note over a multiplexed line, on the emulated module
	@$(BIN)/gsm0710 demo
	@echo "The program is $(BIN)/gsm0710; '. $(BIN)/activate' puts it on the path: gsm0710 --help"

ifeq ($(COMPILED),1)
test: ## the test suite; COMPILED=1: in .compiled, a copy of the tree with the core compiled
	mkdir -p .compiled
	find .compiled -mindepth 1 -maxdepth 1 ! -name $(VENV) -exec rm -rf {} +
	tar -cf - --exclude=./.compiled --exclude=./$(VENV) --exclude=./.git --exclude=./docs/_build --exclude=./dist \
		--exclude='./.*_cache' --exclude=./.hypothesis --exclude=__pycache__ --exclude='*.so' . | tar -xf - -C .compiled
	rm -f .compiled/$(VENV)/test.stamp # nothing is compiled in the copy now
	GSM0710_COMPILE=1 $(MAKE) -C .compiled test COMPILED=
else
test: $(VENV)/test.stamp
	@test -e $(VENV)/read.stamp || for part in tests/cmux 'tests/drivers fuzz'; do \
		$(BIN)/python -m pytest --collect-only -qq $$part >/dev/null & \
	done; wait
	@touch $(VENV)/read.stamp # all tests have been compiled once, and not by each worker
	$(BIN)/python -m pytest --ignore tests/interop -n 8 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
endif

coverage: $(VENV)/test.stamp ## the tests of core, shells and drivers, which have to take 95 % of their branches
	$(MAKE) test PYTEST_ARGS="$(COVERING) $(PYTEST_ARGS) --cov --cov-report= --cov-report=json:$(VENV)/coverage.json"
	$(BIN)/python tests/support/branch_coverage.py $(VENV)/coverage.json 95 $(ROOMS)

rest: $(VENV)/test.stamp ## the tests that coverage leaves out: the two are the whole suite
	$(MAKE) test PYTEST_ARGS="tests $(COVERING:%=--ignore=%) $(PYTEST_ARGS)"

interop: $(VENV)/test.stamp ## the tests with programs that nobody here wrote, as far as they are installed
	$(BIN)/python -m pytest tests/interop $(PYTEST_ARGS)

mutants: $(VENV)/test.stamp ## defects of driver and emulated module, one at a time: the tests of that number must fail
	$(BIN)/python tests/mutants/run.py $(MUTANTS)

lint: $(VENV)/dev.stamp ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/python_blocks.py docs/_build/examples
	PATH="$(CURDIR)/$(BIN):$$PATH" pyright docs/_build/examples
	@for package in cmux drivers; do \
		PATH="$(CURDIR)/$(BIN):$$PATH" pyright --verifytypes $$package --ignoreexternal >docs/_build/types.txt || \
			{ sed -n '/^Symbols used/,$$p' docs/_build/types.txt; exit 1; }; \
		grep score docs/_build/types.txt; \
	done
	$(BIN)/lint-imports

conformance: $(VENV)/dev.stamp ## write docs/conformance.md and the state diagrams
	$(BIN)/python docs/conformance.py
	$(BIN)/python docs/state_diagrams.py

acceptance: $(VENV)/test.stamp ## write docs/acceptance.md, docs/acceptance-lte.md and docs/statements.md
	$(BIN)/python docs/acceptance.py
	$(BIN)/python docs/statements.py

pictures: $(VENV)/dev.stamp ## draw the pictures and the ladder of README.md from real runs on the emulated module
	$(BIN)/python docs/pictures.py

tables: $(VENV)/dev.stamp ## write the tables of settings, profiles and the like into their pages
	$(BIN)/python docs/tables.py

docs: $(VENV)/dev.stamp ## the documentation in docs/_build/html, warnings as errors
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python docs/public_names.py docs/_build/html/objects.inv
	@echo "open docs/_build/html/index.html"

fuzz: $(VENV)/test.stamp ## the fuzz targets for TIME seconds in all (default 60)
	$(BIN)/python fuzz/run.py --time $(TIME)

fuzz-selftest: $(VENV)/test.stamp ## each planted defect has to be found by a fuzz target within 60 s
	$(BIN)/python fuzz/selftest.py

soak: $(VENV)/test.stamp ## the fault campaign, everything at once, transfers, TIME seconds each (60), see docs/reliability.md
	$(BIN)/python tests/faults/soak.py --time $(TIME) $(SOAK_ARGS)
	$(if $(SOAK_ARGS),,$(BIN)/python tests/faults/at_once.py --time $(TIME))
	$(if $(SOAK_ARGS),,$(BIN)/python tests/faults/transfers.py --time $(TIME))

bench: $(VENV)/test.stamp ## speed against references of the same run, in benchmarks.json; ROWS="rtt bulk": some of it
	@$(BIN)/python tests/benchmarks/bench.py $(UPDATE) $(ROWS)

performance: $(VENV)/test.stamp ## write figures and plots of docs/performance.md from benchmarks.json
	@$(BIN)/python tests/benchmarks/performance.py $(UPDATE)

clean: ## remove what the targets made
	rm -rf $(VENV) .compiled docs/_build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -f gsm0710__mypyc.*.so cmux/protocol/*.so cmux/protocol/compiled.*.txt
	find . -name __pycache__ -prune -exec rm -rf {} +
