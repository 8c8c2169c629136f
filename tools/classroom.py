"""Measure a class on a hub: students log in at once and run the cores of labs; a row each time.

For whoever plans a server: on a machine for trials, as root, because accounts `lab-student-1` and
so on are made for the time of the run.  The course must be readable for them.  First it is tried
that nobody gets at another's work, and that without a login there is no access.
"""

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import psutil
import requests
from jupyter_kernel_client import JupyterKernelClient
from labs import COURSE, LabError, find_labs, tags

URL = "http://127.0.0.1:8000"
TASKS = {"exercise", "solution", "check"}


def main() -> None:
    """Read the command line, run the class alone and together, print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labs", nargs="*", metavar="NAME", default=["01", "05"])
    parser.add_argument("--students", type=int, default=4)
    parser.add_argument("--threads", nargs="+", default=["1", str(os.cpu_count())])
    options = parser.parse_args()
    names = [path.name for path in find_labs(options.labs)]
    if options.students < 2:
        raise LabError(f"expected two students or more; got {options.students}.")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:  # Windows has none
        raise LabError("Run this as root, on Linux: it makes accounts, and a hub that serves them.")
    if not shutil.which("configurable-http-proxy"):
        raise LabError(
            "JupyterHub needs its proxy on your PATH: npm install -g configurable-http-proxy."
        )
    print("students  threads  seconds (mean, longest)  GB each  core seconds each", flush=True)
    with accounts(options.students) as passwords:
        with hub("1"):
            try_to_intrude(passwords)
        for threads in options.threads:
            for size in (1, options.students):
                with hub(threads), ThreadPoolExecutor(size) as pool:
                    some = list(passwords.items())[:size]
                    rows = list(pool.map(lambda who: attend(*who, names), some))
                seconds, memory, cpu = zip(*rows, strict=True)
                print(
                    f"{size:8d}  {threads:>7}  {sum(seconds) / size:10.0f}, {max(seconds):8.0f}"
                    f"  {max(memory) / 1e9:10.2f}  {sum(cpu) / size:10.0f}",
                    flush=True,
                )


@contextmanager
def accounts(count: int) -> Iterator[dict[str, str]]:
    """Make accounts for the time of the block; yield their passwords by name.

    Only what was made here is deleted: an account that was there before stays.

    Raises
    ------
    LabError
        If there is an account of such a name already, or it cannot be made.
    """
    passwords = {}
    try:
        for name in (f"lab-student-{i}" for i in range(1, count + 1)):
            command = ["useradd", "--create-home", "--shell", "/bin/bash", "--key"]
            run = subprocess.run([*command, "HOME_MODE=0700", name], capture_output=True, text=True)
            if run.returncode:
                raise LabError(f"The account {name} cannot be made: {run.stderr.strip()}.")
            passwords[name] = password = secrets.token_hex(8)
            subprocess.run(["chpasswd"], input=f"{name}:{password}", text=True, check=True)
        yield passwords
    finally:
        for name in passwords:
            subprocess.run(["userdel", "--remove", name], check=False, capture_output=True)


@contextmanager
def hub(threads: str) -> Iterator[None]:
    """Run a hub whose students' kernels compute with so many threads each.

    Raises
    ------
    LabError
        If there is a server already, or the hub or what the block does with it fails.
    """
    with suppress(requests.ConnectionError):  # nobody listens there yet
        requests.get(URL, timeout=5)
        raise LabError(f"Another server answers at {URL}: end it, and start again.")
    config = COURSE / "teaching" / "jupyterhub_config.py"
    command = [sys.executable, "-m", "jupyterhub", "-f", str(config)]
    environment = os.environ | {"LABS_HUB_URL": URL, "LABS_HUB_THREADS": threads}
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=scratch, env=environment, stdout=out, stderr=out
            )
        try:
            wait_for(lambda: is_healthy(process), 60)
            yield
        except Exception as error:
            said = log.read_text(encoding="utf-8", errors="replace")
            raise LabError(f"{error}\n{said[-3_000:]}") from error
        finally:
            if process.poll() is None:
                children = psutil.Process(process.pid).children(recursive=True)
                process.terminate()
                process.wait(60)
                psutil.wait_procs(children, 30)


def is_healthy(process: subprocess.Popen) -> bool:
    """Tell whether the hub that we have started answers; raise an error if it has ended."""
    if process.poll() is not None:
        raise ChildProcessError("The hub ended before it answered, and said:")
    return requests.get(f"{URL}/hub/health", timeout=5).ok


def wait_for(ready, seconds: float) -> None:
    """Ask until something is ready."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"not ready after {seconds} s")


def log_in(name: str, password: str) -> requests.Session:
    """Log in as a browser does; return a session with a token of this user, server started."""
    session = requests.Session()
    session.get(f"{URL}/hub/login", timeout=30).raise_for_status()
    form = {"username": name, "password": password, "_xsrf": session.cookies["_xsrf"]}
    session.post(f"{URL}/hub/login", data=form, timeout=120).raise_for_status()
    me = f"{URL}/hub/api/users/{name}"
    xsrf = {"_xsrf": session.cookies.get("_xsrf", path="/hub/")}
    answer = session.post(f"{me}/tokens", params=xsrf, headers={"Referer": URL}, timeout=30)
    answer.raise_for_status()
    user = requests.Session()
    user.headers["Authorization"] = f"token {answer.json()['token']}"
    user.post(f"{me}/server", timeout=150).raise_for_status()
    wait_for(lambda: user.get(me, timeout=30).json()["servers"].get("", {}).get("ready"), 150)
    return user


def attend(name: str, password: str, labs: list[str]) -> tuple[float, float, float]:
    """Log in and run the core of each lab as it lies in the student's copies.

    Returns
    -------
    tuple
        Seconds for the cores, peak memory in bytes, and seconds of processor time.
    """
    user = log_in(name, password)
    server = f"{URL}/user/{name}"
    peak = Usage(name)
    with peak:
        began = time.monotonic()
        for lab in labs:
            answer = user.get(f"{server}/api/contents/my_labs/{lab}", timeout=60)
            answer.raise_for_status()
            run_core(user, server, nbformat.from_dict(answer.json()["content"]).cells)
        seconds = time.monotonic() - began
    user.delete(f"{URL}/hub/api/users/{name}/server", timeout=60)
    return seconds, peak.bytes, peak.cpu


def kernel_of(user: requests.Session, server: str) -> JupyterKernelClient:
    """Return a new kernel on a user's server, to be used in a `with` block."""
    token = user.headers["Authorization"].removeprefix("token ")
    # A hub takes no token from an address, so it goes into the header of the websocket, too.
    return JupyterKernelClient(server_url=server, token=token, headers=dict(user.headers))


def run_core(user: requests.Session, server: str, cells: list[nbformat.NotebookNode]) -> None:
    """Run the given cells of a lab's core in a kernel of this server."""
    with kernel_of(user, server) as kernel:
        for cell in cells:
            if cell.cell_type == "code" and not tags(cell) & {"further", *TASKS}:
                reply = kernel.execute(cell.source, timeout=600)
                if reply["status"] != "ok" and "raises-exception" not in tags(cell):
                    raise RuntimeError(f"{cell.source}\n{reply}")


def try_to_intrude(passwords: dict[str, str]) -> None:
    """Assert that a stranger gets nothing, and a student nothing of another."""
    (first, secret), (second, other) = list(passwords.items())[:2]
    files = f"{URL}/user/{first}/api/contents"
    user, intruder = log_in(first, secret), log_in(second, other)
    assert user.get(files, timeout=30).ok
    assert requests.get(files, timeout=30, allow_redirects=False).status_code in (302, 403)
    assert intruder.get(files, timeout=30).status_code in (403, 404)
    with kernel_of(intruder, f"{URL}/user/{second}") as kernel:
        for path in (Path("/home") / first, COURSE / "notebooks" / "new"):
            action = "iterdir().__next__()" if path.parent.name == "home" else "write_text('')"
            reply = kernel.execute(f"from pathlib import Path; Path({str(path)!r}).{action}")
            assert reply["outputs"][0].get("ename") == "PermissionError", reply
    print("without a login, and from another login: no access", flush=True)


class Usage:
    """Peak memory and processor time of all processes of an account while the block runs."""

    def __init__(self, account: str):
        self.account = account

    def __enter__(self):
        self.bytes, self.seconds, self.done = 0, {}, threading.Event()
        self.watcher = threading.Thread(target=self.watch)
        self.watcher.start()

    def __exit__(self, *exception):
        self.done.set()
        self.watcher.join()

    def watch(self):
        """Look every second; pages that several processes share count once for all."""
        while not self.done.wait(1):
            resident = 0
            for process in psutil.process_iter(["username"]):
                if process.info["username"] == self.account:
                    try:
                        resident += process.memory_full_info().pss
                        times = process.cpu_times()
                        self.seconds[process.pid] = times.user + times.system
                    except psutil.Error:  # it has just ended
                        continue
            self.bytes = max(self.bytes, resident)

    @property
    def cpu(self) -> float:
        """Processor seconds so far."""
        return sum(self.seconds.values())


if __name__ == "__main__":
    main()
