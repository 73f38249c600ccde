"""Whatever a command is given, it ends by itself and says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from service import cli
from service.store.engine import Database
from tests.cli.conftest import Run


def _leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, each in getattr(command, "commands", {}).items():
        yield from _leaves(each, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


_STARTERS = ("serve", "worker", "demo", "sandbox", "migrate", "reconcile")
_WRONG = ("-1", "99999999999999999999", "x", "", "'; --", "9999999w", "ü")


@pytest.mark.parametrize(
    ("path", "command"),
    [each for each in _leaves(get_command(cli.app)) if each[0][0] not in _STARTERS],
    ids=lambda each: str(each),
)
def test_whatever_a_command_is_given_it_ends_by_itself_and_says_why(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], command: Any
) -> None:
    """No traceback, for any argument and any option that takes a value."""
    monkeypatch.delenv("STRIPE_API_KEY")  # or doctor would ask the provider
    assert database
    needed = ["1" for each in command.params if each.param_type_name == "argument" and each.required]
    taking = [each for each in command.params if each.param_type_name == "option" and not each.is_flag]
    for wrong in _WRONG:
        given = [[wrong] * len(needed)] + [[*needed, each.opts[0], wrong] for each in taking]
        for arguments in given:
            ran = run(*path, *arguments)
            assert ran.code in (0, 1, 2), (arguments, ran)
            assert ran.code == 0 or ran.out + ran.err, arguments
