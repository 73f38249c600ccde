"""The documented application is run as it stands in the documentation, and so is each example of docs/api.md, whose tables
name all that there is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.http.api.problem import STATUS
from service.http.api.routes import OPERATIONS
from tests.billing.cases.base import discover
from tests.http.api.conftest import WRITER
from tests.http.api.shop import Shop, opened

ROOT = Path(__file__).parents[3]


@pytest.fixture
def shop(sqlite_url: str) -> Iterator[Shop]:
    """A shop at the first provider."""
    with opened(discover()["stripe"](), sqlite_url) as shop:
        yield shop


def blocks(file: str, language: str) -> list[str]:
    """The code of this language in a document."""
    found = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / file).read_text(encoding="utf-8"), re.M | re.S)
    assert found
    return [str(each) for each in found]


def run(command: list[str], code: str, shop: Shop, tmp_path: Path) -> list[str]:
    """The lines that the code prints; standard input is the code."""
    env = {
        "PATH": f"{_tools(tmp_path)}:{os.environ['PATH']}", "TALLYHOOK_URL": str(shop.client.base_url).rstrip("/"),
        "TALLYHOOK_TOKEN": WRITER, "TOKEN": WRITER, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    done = subprocess.run(command, input=code, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.splitlines()


def _tools(directory: Path) -> Path:
    """A folder with a `curl`, where the machine has none."""
    folder = directory / "bin"
    folder.mkdir(exist_ok=True)
    if shutil.which("curl") is None:
        script = folder / "curl"
        here = shlex.join([sys.executable, str(ROOT / "tests/http/api/curl.py")])
        script.write_text(f'#!/bin/sh\nexec {here} "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


@pytest.mark.parametrize(("language", "command"), [("python", [sys.executable, "-"]), ("sh", ["sh"])])
def test_the_documented_application_runs_and_running_it_again_is_harmless(
    shop: Shop, tmp_path: Path, language: str, command: list[str]
) -> None:
    (code,) = blocks("application.md", language)
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    before = run(command, code, shop, tmp_path)
    assert before[0].startswith("pay at http")
    assert before[1] in ("plan: None", "plan: ")
    (customer,) = shop.case.customers("42")
    (subscription,) = shop.case.subscriptions(customer)
    shop.case.sandbox.advance(60)  # the customer takes a minute
    shop.case.check_out(before[0].removeprefix("pay at "), subscription)
    shop.deliver()
    after = run(command, code, shop, tmp_path)
    assert (after[0], after[1]) == (before[0], "plan: Pro")
    assert shop.case.subscriptions(customer) == [subscription]
    assert shop.get(f"/v1/usage?customer={customer}")["meters"][0]["quantity"] == 1_000


def test_the_documented_example_runs_without_curl_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    (code,) = blocks("application.md", "sh")
    assert run(["sh"], code, shop, tmp_path)[0].startswith("pay at http")


def test_each_example_of_the_reference_is_answered(shop: Shop, tmp_path: Path) -> None:
    for code in blocks("api.md", "sh"):
        address = str(shop.client.base_url).rstrip("/")
        (answer,) = run(["sh"], "set -e\n" + code.replace("http://127.0.0.1:8000", address), shop, tmp_path)
        assert '"data":' in answer or '"state":"done"' in answer


def test_the_tables_of_the_reference_name_every_operation_and_every_refusal() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.M)
    operations = {
        f"{row[0].split()[0].lstrip('`')} {path}" for row in rows for path in re.findall(r"/v1/[^`?]*", row[0])
    }
    assert operations == {f"{each.method} {each.path}" for each in OPERATIONS}
    refusals = [
        (cause, int(status)) for statuses, causes in rows if statuses[0].isdigit()
        for cause, status in _paired(re.findall("`([a-z_]+)`", causes), statuses.split(", "))
    ]  # fmt: skip
    assert sorted(refusals) == sorted(STATUS.items())


def _paired(causes: list[str], statuses: list[str]) -> list[tuple[str, str]]:
    """One status for all the causes of a line, or one for each."""
    return list(zip(causes, statuses * len(causes) if len(statuses) == 1 else statuses, strict=True))
