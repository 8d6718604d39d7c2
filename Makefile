# `make demo` and `make test` need Python 3.11 or later and nothing else; both may be run again and again.
#   make demo PYTHON=python3.12                                            another Python
#   make demo PIP_EXTRA_INDEX_URL=<index of PyTorch's CPU builds>   torch without CUDA: a much smaller download

PYTHON ?= python3
VENV   := .venv
DEMO   := demo-output
PIP    := $(VENV)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
WHEN   := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test paper clean

help:
	@echo "make demo    install into $(VENV) and extract signatures from the example genomes, into $(DEMO)/"
	@echo "make test    install into $(VENV) and run the tests"
	@echo "make paper DATA=DIR OUT=DIR [QUICK=1]    rerun the experiments of the paper (docs/paper.md)"
	@echo "make clean   remove $(VENV) and $(DEMO)"

demo: $(VENV)/.installed
	$(VENV)/bin/python -m dnmf demo -o $(DEMO) --overwrite

# One thread per worker: two workers on two cores are faster than two workers that fight for both.
test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n 2

# An hour or more; the same command goes on where it was interrupted.
paper: $(VENV)/.installed
	@test -n "$(DATA)" && test -n "$(OUT)" || { \
	  echo "make paper DATA=DIR OUT=DIR: the folders of the paper's data and of the results (see docs/paper.md)" >&2; exit 2; }
	$(VENV)/bin/python benchmarks/rerun_paper.py --data "$(DATA)" --output "$(OUT)" $(if $(QUICK),--quick) \
	  $(if $(WORKERS),--workers $(WORKERS)) $(if $(FIGURES),--figures $(FIGURES)) $(if $(SETS),--sets $(SETS)) \
	  $(if $(FOLDS),--folds $(FOLDS))

clean:
	rm -rf $(VENV) $(DEMO)

# The stamps say which installation is complete; a changed requirement makes them old.
$(VENV)/.installed: $(WHEN) | $(VENV)/.created
	@echo "Installing dnmf into $(VENV) (several minutes the first time: torch is large) ..."
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(WHEN) | $(VENV)/.created
	@echo "Installing dnmf and its test tools into $(VENV) (several minutes the first time: torch is large) ..."
	$(PIP) -e ".[test,lint]"
	@touch $@ $(VENV)/.installed

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "dnmf needs Python 3.11 or later; '$(PYTHON)' is missing or older. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@
