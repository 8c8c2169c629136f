# make lab        open your copies in JupyterLab     (ARGS="--no-browser --port 9999" for flags)
# make test       unit tests and every notebook      (ARGS="-k 01_basic" for pytest's flags)
# make notebooks  re-execute all notebooks in place  (NAME=01_basic_autoencoder for one)
# make bench      time, memory and figures of each   (SEED=3 for another seed, NAME=... for one)
# make lint       ruff, notebooks included
# make clean      remove .venv and build/            (my_labs/, assignments/, data/.decoded/ stay)

PYTHON ?= python3
# Set here, and not taken from the environment: `rm -rf $(VENV)` must not delete what somebody's
# variable of that name leads to, and WSL sets NAME.  The command line still wins.
VENV := .venv
ARGS :=
NAME :=
SEED :=
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UNFINISHED := $(VENV)/.unfinished
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check

.PHONY: lab test notebooks bench lint clean

lab: $(READY)
	$(BIN)/python tools/lab.py $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

notebooks: $(READY)
	$(BIN)/python tools/execute.py $(NAME)

bench: $(READY)
	$(BIN)/python tools/bench.py $(if $(SEED),--seed $(SEED)) $(NAME)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

clean:
	rm -rf $(VENV) build *.egg-info

# What only who teaches has: student, assignments, lecture and more.  A class's copy is without.
-include teaching/teaching.mk

# READY means that an install is done once, and again only when the pins change; first it is tried
# whether they can be had, so that without a network an environment that works stays as it is.
# UNFINISHED holds the process id of the make that installs.  If that has ended, it was broken off:
# pip takes a half unpacked package for a whole one, so start afresh.
$(READY): requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Autoencoder Labs needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is %d.%d. Install one of these and name it: make PYTHON=python3.12 $(MAKECMDGOALS)" % v)'
	@if [ -e $(UNFINISHED) ]; then \
		other=$$(cat $(UNFINISHED)); \
		if [ "$$other" != $$PPID ] && kill -0 "$$other" 2>/dev/null; then \
			echo "Another make (process $$other) seems to be installing into $(VENV): when it has ended, run this again; if it is something else, 'make clean' first."; exit 1; fi; \
		echo "The last installation was broken off; starting afresh."; rm -rf $(VENV); fi
	@if [ -e $@ ]; then \
		echo "The pins have changed: looking for the new packages ..."; \
		$(PIP_INSTALL) -q --dry-run -r requirements.txt || { \
		echo "The new packages cannot be had now, and $(VENV) stays as it was: connect and run this again, or go on with the old ones by 'touch $@'."; exit 1; }; fi
	@mkdir -p $(VENV) && echo $$PPID > $(UNFINISHED)
	$(PYTHON) -m venv $(VENV)
	@echo "Installing: a download of about 1 GB, and then some minutes of unpacking ..."
	$(PIP_INSTALL) -r requirements.txt
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -c 'import tensorflow' || { \
		echo "TensorFlow is installed and cannot be imported: run 'make clean', then this again."; exit 1; }
	@rm $(UNFINISHED) && touch $@
