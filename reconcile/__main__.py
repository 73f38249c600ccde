"""`python -m reconcile`, which is `tallyhook reconcile`."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog
from rich.console import Console
from sqlalchemy.exc import DBAPIError

from reconcile import html
from reconcile.plan import Options, parse_since
from reconcile.progress import watched
from reconcile.report import Report, print_summary
from reconcile.run import reconcile
from service import logs
from service.errors import ConfigError, TallyhookError
from service.system import start


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit code: 0 well, 1 something needs a person, 2 could not run or could not finish."""
    try:
        given = _parser().parse_args(argv)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    if not structlog.is_configured():
        logs.configure("info")
    try:
        report = _run(given)
        _write(given, report)
    except (TallyhookError, DBAPIError, OSError) as error:
        sys.stderr.write(f"tallyhook reconcile: {error}\n")
        return 2
    return report.exit_code


def _run(given: argparse.Namespace) -> Report:
    options = Options(
        account=given.account, kind=given.kind, since=parse_since(given.since) if given.since else None,
        full=given.full, dry_run=given.dry_run, max_changes=given.max_changes,
    )  # fmt: skip
    if given.html is not None and not given.html.absolute().parent.is_dir():
        raise ConfigError(f"--html {given.html}: the folder does not exist")
    gc.freeze()  # what is loaded stays: collections need not walk it
    system = start()
    logs.set_level(system.settings.log_level)
    progress = watched(quiet=given.quiet)
    try:
        return reconcile(system, options, progress)
    finally:
        progress.close()
        system.close()


def _write(given: argparse.Namespace, report: Report) -> None:
    if given.html is not None:
        given.html.write_text(html.page(report), encoding="utf-8")
    if given.json:
        sys.stdout.write(report.json().decode() + "\n")
    elif not given.quiet:
        print_summary(report, Console(file=sys.stdout))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tallyhook reconcile",
        description="Compare the local copy with the provider and heal it. Exit code: 0 well (all healed is well),"
        " 1 something needs a person, 2 could not run or could not finish.",
    )
    add = parser.add_argument
    add("--account", metavar="NAME", help="only this account (default: all with an API key)")
    add("--kind", metavar="KIND", help="only this kind, for instance invoice (default: all)")
    window = parser.add_mutually_exclusive_group()
    window.add_argument("--since", metavar="2d", help="only what was created in this time (90m, 36h, 2d, 1w)")
    window.add_argument("--full", action="store_true", help="compare everything")
    add("--dry-run", action="store_true", help="find, but heal nothing")
    add("--max-changes", metavar="N", type=_natural, help="heal no kind in which more than N rows would change")
    add("--json", action="store_true", help="print the report as one JSON document")
    add("--html", metavar="FILE", type=Path, help="write the report as one HTML page")
    add("--quiet", action="store_true", help="print no summary and no progress")
    return parser


def _natural(value: str) -> int:
    number = int(value)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


if __name__ == "__main__":
    sys.exit(main())
