# The commands of who teaches; the Makefile includes them.
#
# make evidence     each lab under many seeds, a table  (SEEDS="0 1 2", NAME=... for one)
# make student      copies for a class, and a zip       (ARGS=--core without further sections)
# make assignments  nbgrader, and a course for it       (NAME="00 05" for some labs)
# make lecture      slides for any browser, and the lecture in JupyterLab  (ARGS=--export: slides alone)
# make hub          a JupyterHub on this machine        (as root; teaching/server.md)
# make classroom    measures it with students at once   (as root; ARGS="--students 4 01 05")

TEACHING := $(VENV)/.teaching
SEEDS :=

.PHONY: evidence student assignments lecture hub classroom

evidence: $(READY)
	$(BIN)/python tools/seeds.py $(NAME) $(if $(SEEDS),--seeds $(SEEDS))

student: $(READY)
	$(BIN)/python tools/student.py $(ARGS)

assignments: $(TEACHING)
	$(BIN)/python tools/assignments.py $(NAME)

lecture: $(TEACHING)
	$(BIN)/python tools/lecture.py $(ARGS)

hub: $(TEACHING)
	$(BIN)/python -m jupyterhub -f teaching/jupyterhub_config.py $(ARGS)

classroom: $(TEACHING)
	$(BIN)/python tools/classroom.py $(ARGS)

# nbgrader, a hub, the lecture's slides, the tests in a browser.
$(TEACHING): $(READY) teaching/requirements.txt
	$(PIP_INSTALL) -r teaching/requirements.txt
	@touch $@
