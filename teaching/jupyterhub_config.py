"""A JupyterHub on one machine, for a class that has accounts on it; `make hub` starts it.

Whoever logs in with name and password of the account gets copies of the labs in the home, and a
server that runs as this user: the homes keep apart what is whose.  The course lies where all can
read it and only its owner can write; the data are there once.

Started as root, because only root can start servers as somebody else.
"""

import os
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent

c = get_config()  # noqa: F821
c.JupyterHub.bind_url = os.environ.get("LABS_HUB_URL", "http://127.0.0.1:8000")
c.JupyterHub.authenticator_class = "pam"
c.Authenticator.allow_all = True  # who has no account does not get in
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.cmd = [sys.executable, str(COURSE / "tools" / "lab.py")]
c.Spawner.start_timeout = 120
c.Spawner.environment = {
    "LABS_DATA": str(COURSE / "data"),
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    # How many threads a student's TensorFlow takes; more than one only fight when all compute.
    "TF_NUM_INTRAOP_THREADS": os.environ.get("LABS_HUB_THREADS", "1"),
    "TF_NUM_INTEROP_THREADS": os.environ.get("LABS_HUB_THREADS", "1"),
    "OMP_NUM_THREADS": os.environ.get("LABS_HUB_THREADS", "1"),
}
# A kernel that nobody has used for an hour gives its memory back.
c.Spawner.args = ["--MappingKernelManager.cull_idle_timeout=3600"]
