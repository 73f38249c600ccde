"""As much of curl as the documented example uses, for machines without it: `-X -H -d URL`, and 22 for an error answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import httpx


def main(arguments: Sequence[str]) -> int:
    """Send one request; its body on standard output."""
    method, url, headers, body = "GET", "", {}, None
    rest = iter(arguments)
    for each in rest:
        if each == "-X":
            method = next(rest)
        elif each == "-H":
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif each == "-d":
            body = next(rest)
        elif not each.startswith("--"):
            url = each
    answer = httpx.request(method, url, headers=headers, content=body, timeout=60)
    sys.stdout.write(answer.text)
    return 22 if answer.status_code >= 400 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
