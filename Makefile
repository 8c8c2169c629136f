# make lab        open your copies in JupyterLab     (ARGS="--no-browser --port 9999" for flags)
# make test       unit tests and every notebook      (ARGS="-k 01_basic" for pytest's flags)
# make notebooks  re-execute all notebooks in place  (NAME=01_basic_autoencoder for one)
# make bench      time, memory and figures of each   (SEED=3 for another seed, NAME=... for one)
# make evidence   the same for many seeds, a table   (SEEDS="0 1 2", NAME=... for one)
# make student    copies for a class, and a zip      (ARGS=--core without further sections)
# make assignments   nbgrader, and a course for it   (NAME="00 05" for some labs)
# make hub         a JupyterHub on this machine      (as root; teaching/server.md)
# make classroom   measures it with students at once (as root; ARGS="--students 4 01 05")
# make lecture    slides for any browser, and the lecture in JupyterLab  (ARGS=--export: slides alone)
# make lint       ruff, notebooks included
# make clean      remove what the above made

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UNFINISHED := $(VENV)/.unfinished
TEACHING := $(VENV)/.teaching

.PHONY: lab test notebooks bench evidence student assignments hub classroom lecture lint clean

lab: $(READY)
	$(BIN)/python tools/lab.py $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

notebooks: $(READY)
	$(BIN)/python tools/execute.py $(NAME)

bench: $(READY)
	$(BIN)/python tools/bench.py $(if $(SEED),--seed $(SEED)) $(NAME)

evidence: $(READY)
	$(BIN)/python tools/seeds.py $(NAME) $(if $(SEEDS),--seeds $(SEEDS))

student: $(READY)
	$(BIN)/python tools/student.py $(ARGS)

assignments: $(TEACHING)
	$(BIN)/python tools/assignments.py $(NAME)

hub: $(TEACHING)
	$(BIN)/python -m jupyterhub -f teaching/jupyterhub_config.py $(ARGS)

classroom: $(TEACHING)
	$(BIN)/python tools/classroom.py $(ARGS)

lecture: $(TEACHING)
	$(BIN)/python tools/lecture.py $(ARGS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

clean:
	rm -rf $(VENV) build *.egg-info

# READY means that an install is done once, and again only when the pins change.  UNFINISHED means
# that one was broken off: pip takes a half unpacked package for a whole one, so start afresh.
$(READY): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Autoencoder Labs needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is %d.%d. Install one of these and name it: make PYTHON=python3.12 $(MAKECMDGOALS)" % v)'
	@if [ -e $(UNFINISHED) ]; then \
		echo "The last installation was broken off; starting afresh."; rm -rf $(VENV); fi
	@mkdir -p $(VENV) && touch $(UNFINISHED)
	$(PYTHON) -m venv $(VENV)
	@echo "Installing: a download of about 1 GB, and then some minutes of unpacking ..."
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -c 'import tensorflow' || { \
		echo "TensorFlow is installed and cannot be imported: run 'make clean', then this again."; exit 1; }
	@rm $(UNFINISHED) && touch $@

# What only who teaches needs: nbgrader, and the browser test.
$(TEACHING): $(READY) teaching/requirements.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r teaching/requirements.txt
	@touch $@
