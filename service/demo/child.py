"""The service as a child process of the demo, configured for every shop; only this child is ended."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from service.errors import TallyhookError
from service.sandbox.shop import Shop
from service.system import options

_START_SECONDS: Final = 60.0


class DemoFailed(TallyhookError):
    """The demo did not end as it must. The message says where."""


def environment(folder: Path, shops: Mapping[str, Shop], bases: Mapping[str, str]) -> dict[str, str]:
    """An environment without accounts of the machine's own: they come from a file, each of a stand-in without hurry."""
    path = folder / "tallyhook.toml"
    path.write_text("".join(_account(name, shop, bases[name]) for name, shop in shops.items()))
    ours = ("TALLYHOOK_", "DATABASE_URL", "PORT", *(f"{name.upper()}_" for name in options()))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "DATABASE_URL": f"sqlite:///{folder}/tallyhook.db",
        "TALLYHOOK_CONFIG": str(path),
        "TALLYHOOK_SWEEP_SECONDS": "0",
    }


def _account(name: str, shop: Shop, base: str) -> str:
    values: dict[str, str | float] = {
        "provider": name, "webhook_secret": f"whsec_{secrets.token_hex(16)}", "api_key": shop.sandbox.api_key,
        "api_base": base, "mode": "test", "reads_per_second": 200.0, **shop.settings(),
    }  # fmt: skip
    # What JSON writes of text and numbers, TOML reads.
    return f"[accounts.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


@contextmanager
def service(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The address of `serve` while the block runs."""
    port, log = _free_port(), folder / "service.log"
    command = [sys.executable, "-m", "service", "serve", "--host", "127.0.0.1", "--port", str(port)]
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join(path for path in (root, environ.get("PYTHONPATH")) if path)
    with log.open("wb") as lines:
        child = subprocess.Popen(command, env={**environ, "PYTHONPATH": paths}, stdout=lines, stderr=lines)  # noqa: S603
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, child, log)
        yield address
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _wait_until_ready(address: str, child: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    with httpx.Client(timeout=2, trust_env=False) as client:
        while time.monotonic() < until and child.poll() is None:
            try:
                if client.get(f"{address}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    ended = child.poll()
    why = (
        f"did not become ready in {_START_SECONDS:.0f} s"
        if ended is None
        else f"ended with {ended} before it was ready"
    )
    raise DemoFailed(f"the service {why}; its last words:\n{tail}")
