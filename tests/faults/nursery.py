"""Starts the service's commands as forks of a process that has imported everything: a start costs no second of imports.

One JSON line in, one out: `{"run": [arguments], "log": file}` answers the pid, `{"wait": pid}` the exit code (negative:
the signal).
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import NoReturn

import service.app
import service.serve
import service.worker  # noqa: F401 - imported for the forks
from service.cli import main


def serve_requests() -> None:
    """Answer until the test closes the pipe."""
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = os.fork() or _run(request["run"], request["log"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _run(arguments: list[str], log: str) -> NoReturn:
    code: object = 1
    try:
        with open(log, "wb") as stream, open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - descriptors to be copied
            os.dup2(stream.fileno(), 2)
            os.dup2(nothing.fileno(), 0)
            os.dup2(nothing.fileno(), 1)
        code = main(arguments)
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - a fork must never return into the loop of its parent
        traceback.print_exc()
    finally:
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    serve_requests()
