# `make demo` and `make test` need Python 3.11 or later with venv and a network; both may be run again and again.
#   make demo PYTHON=python3.12                                            another Python
#   make demo TORCH_INDEX=<index of PyTorch's CPU builds>      torch without CUDA, a much smaller download; nothing else is from there
#   make test ROOM=refit                                                   the tests of one folder of tests/

PYTHON ?= python3
VENV   := .venv
LOWEST := .venv-lowest
DEMO   := demo-output
FUZZED := fuzz-output
KILLED := kill-test-output
SITE   := docs/_build/html
# Python compiles a module when it is first imported; pip would compile all of torch, for half of its time.
PIP    := -m pip --disable-pip-version-check install --quiet --no-compile
# Torch alone, before the rest: $(call torch,ENVIRONMENT,CONSTRAINTS). An index beside the usual one could supply any package.
torch   = $(if $(TORCH_INDEX),$(1)/bin/python $(PIP) --no-deps --index-url $(TORCH_INDEX) "$$(grep '^torch==' $(2))")
# One thread per worker: two workers on two cores are faster than two workers that fight for both.
PYTEST := OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n 2 --dist worksteal
ROOMS  := $(sort $(patsubst tests/%/,%,$(filter-out %/data/ %/__pycache__/,$(wildcard tests/*/))))
# The examples and the code on pages run where the site is built.
SHOWN  := tests/test_examples.py tests/test_gallery.py tests/test_code_of_pages.py
# Every dependency is used, and every kind of file read and written, in less than a minute.
TRIED  := tests/test_front_door.py tests/test_lowest_versions.py tests/kernels/test_nnls.py tests/test_compilation.py \
          tests/signatures/test_read_layouts.py tests/signatures/test_sites.py tests/signatures/test_write_tables.py \
          tests/cli/test_cli_help.py tests/cli/test_cli_extract.py tests/cli/test_cli_refit.py

.DEFAULT_GOAL := help
.PHONY: help demo lint test test-lowest docs figures dist fuzz kill-test paper clean

help:
	@echo "make demo             install into $(VENV) and extract signatures from the example genomes, into $(DEMO)/"
	@echo "make lint             install into $(VENV) and check style, types and what imports what: seconds"
	@echo "make test             install into $(VENV) and run the tests, but for those of examples and pages; ROOM=NAME runs those of one room"
	@echo "make test-lowest      install the lowest allowed versions into $(LOWEST) and run a few tests with them"
	@echo "make docs             install into $(VENV) and run the tests of examples and pages, and build the site: $(SITE)/index.html"
	@echo "make dist             build the sdist, and the wheel from it, into dist/, and check what is in them"
	@echo "make figures          write the measured figures and pictures of the documents from benchmarks/results/"
	@echo "make fuzz             feed damaged files to every reader: [INPUTS=200000] [SEED=0] (docs/explanation/reliability.md)"
	@echo "make paper            rerun the experiments of the paper: DATA=DIR OUT=DIR [QUICK=1] (docs/explanation/paper.md)"
	@echo "make kill-test        kill commands at every change of files, repeat them, compare: [MOST=100] (docs/explanation/reliability.md)"
	@echo "make clean            remove $(VENV), $(LOWEST), $(DEMO), $(FUZZED), $(KILLED), dist and the site"
	@echo "Rooms: $(ROOMS)"

demo: $(VENV)/.installed
	$(VENV)/bin/python -m dnmf demo -o $(DEMO) --overwrite

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

ifdef ROOM
ifeq ($(filter $(ROOMS),$(ROOM)),)
$(error there is no room '$(ROOM)': choose one of $(ROOMS))
endif
endif

test: $(VENV)/.installed-dev
	$(PYTEST) $(if $(ROOM),tests/$(ROOM) $(wildcard src/dnmf/$(ROOM)),$(addprefix --ignore=,$(SHOWN)))

# A cache of its own: each version of Numba throws away what another one compiled.
test-lowest: $(LOWEST)/.installed
	OMP_NUM_THREADS=1 NUMBA_CACHE_DIR=$(LOWEST)/numba-cache $(LOWEST)/bin/python -m pytest -q -n 2 -k "not nothing_heavy" $(TRIED)

# Every warning is an error: a page that is in no table of contents, a link that leads nowhere, an example that fails.
# Then every link of the built pages is followed, and axe-core looks at a page of each kind where there is a
# Chromium. The examples in docstrings run in `make test`.
docs: $(VENV)/.installed-docs
	$(PYTEST) $(SHOWN)
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m sphinx -b html -W --keep-going -j 2 -q docs $(SITE)
	$(VENV)/bin/python .ci/check_site.py $(SITE)

# The constraint reaches the environment of its own in which the build backend is installed.
dist: $(VENV)/.installed-release
	rm -rf dist
	PIP_CONSTRAINT=constraints.txt $(VENV)/bin/python -m build --outdir dist .
	$(VENV)/bin/twine check --strict dist/*
	$(VENV)/bin/python .ci/check_dist.py dist

# The tests check that it would change nothing.
figures: $(VENV)/.installed-dev
	PYTHONPATH=benchmarks $(VENV)/bin/python -m figures

# Half an hour; the same command goes on where it was interrupted. Status 1 if a reader breaks its promise.
fuzz: $(VENV)/.installed-dev
	PYTHONPATH=benchmarks OMP_NUM_THREADS=1 $(VENV)/bin/python -m reliability.fuzz --output $(FUZZED) \
	  $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED)) $(if $(WORKERS),--workers $(WORKERS))

# Three hours of one core; the same command goes on where it was interrupted.
paper: $(VENV)/.installed
	@test -n "$(DATA)" && test -n "$(OUT)" || { \
	  echo "make paper DATA=DIR OUT=DIR: the folders of the paper's data and of the results (see docs/explanation/paper.md)" >&2; exit 2; }
	$(VENV)/bin/python benchmarks/rerun_paper.py --data "$(DATA)" --output "$(OUT)" $(if $(QUICK),--quick) \
	  $(if $(WORKERS),--workers $(WORKERS)) $(if $(FIGURES),--figures $(FIGURES)) $(if $(SETS),--sets $(SETS)) \
	  $(if $(FOLDS),--folds $(FOLDS))

# Half an hour for all; the same command goes on where it was interrupted.
kill-test: $(VENV)/.installed
	PYTHONPATH=benchmarks OMP_NUM_THREADS=1 $(VENV)/bin/python -m reliability.kill -o $(KILLED) $(if $(MOST),--most $(MOST))

clean:
	rm -rf $(VENV) $(LOWEST) $(DEMO) $(FUZZED) $(KILLED) dist docs/_build docs/gallery docs/reference/api

# The stamps say which installation is complete; a changed requirement makes them old.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Installing dnmf into $(VENV) (several minutes the first time: torch is large) ..."
	$(call torch,$(VENV),constraints.txt)
	$(VENV)/bin/python $(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Installing dnmf and its test tools into $(VENV) (several minutes the first time: torch is large) ..."
	$(call torch,$(VENV),constraints.txt)
	$(VENV)/bin/python $(PIP) -c constraints.txt -e ".[test,lint,anndata,onnx]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	@echo "Installing what builds the site into $(VENV) ..."
	$(VENV)/bin/python $(PIP) -c constraints.txt -e ".[docs]"
	@touch $@

$(VENV)/.installed-release: pyproject.toml constraints.txt | $(VENV)/.created
	$(call torch,$(VENV),constraints.txt)
	$(VENV)/bin/python $(PIP) -c constraints.txt -e ".[release]"
	@touch $@ $(VENV)/.installed

$(LOWEST)/.installed: pyproject.toml constraints-lowest.txt | $(LOWEST)/.created
	@echo "Installing dnmf with the lowest versions it allows into $(LOWEST) ..."
	$(call torch,$(LOWEST),constraints-lowest.txt)
	$(LOWEST)/bin/python $(PIP) -c constraints-lowest.txt -e ".[test,anndata]"
	@touch $@

%/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "dnmf needs Python 3.11 or later; '$(PYTHON)' is missing or older. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $*
	@touch $@
