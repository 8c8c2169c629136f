"""The trial of a class's server: which accounts it makes, and which it deletes."""

import subprocess
from types import SimpleNamespace

import pytest
import requests
from labs import LabError

pytest.importorskip("jupyter_kernel_client", reason="teaching/requirements.txt is not installed")
import classroom


@pytest.fixture
def machine(monkeypatch):
    """Return the accounts of a machine that only pretends to make and delete them."""
    there = set()

    def run(command, **options):
        program, name = command[0], command[-1]
        taken = program == "useradd" and name in there
        if program == "useradd":
            there.add(name)
        elif program == "userdel":
            there.remove(name)
        return SimpleNamespace(returncode=9 * taken, stderr=f"user '{name}' already exists\n")

    monkeypatch.setattr(subprocess, "run", run)
    return there


def test_accounts_are_there_while_they_are_needed(machine):
    with classroom.accounts(2) as passwords:
        assert set(passwords) == machine == {"lab-student-1", "lab-student-2"}
        assert len(set(passwords.values())) == 2
    assert not machine


def test_an_account_that_was_there_before_stays(machine):
    machine.add("lab-student-2")
    sentence = r"lab-student-2 cannot be made: .* exists"
    with pytest.raises(LabError, match=sentence), classroom.accounts(3):
        pass
    assert machine == {"lab-student-2"}


def test_another_server_is_not_taken_for_the_hub(monkeypatch):
    monkeypatch.setattr(requests, "get", lambda url, timeout: SimpleNamespace(ok=True))
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(LabError, match="Another server answers"), classroom.hub("1"):
        pass


def test_a_hub_that_ends_by_itself_is_not_waited_for(monkeypatch):
    def refuse(url, timeout):
        raise requests.ConnectionError

    def start(command, stdout, **options):
        stdout.write(b"no proxy")
        stdout.flush()
        return SimpleNamespace(poll=lambda: 1)

    monkeypatch.setattr(requests, "get", refuse)
    monkeypatch.setattr(subprocess, "Popen", start)
    sentence = r"The hub ended before it answered, and said:\nno proxy"
    with pytest.raises(LabError, match=sentence), classroom.hub("1"):
        pass
