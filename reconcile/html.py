"""The report as one self-contained HTML page: no script, no request to anywhere, every value escaped. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from reconcile.books import Books
from reconcile.money import Money
from reconcile.report import AccountReport, KindReport, Line, Report, amount_text, money_lines, not_compared, open_calls

# The order from the ground of a bar; each has its colour.
_CLASSES: Final = (
    "missed_event", "missing_local", "mismatch", "missing_remote",
    "usage_shortfall", "usage_excess", "usage_shifted", "usage_undecided",
)  # fmt: skip
_STYLE: Final = """
:root{color-scheme:light dark;--bg:#f7f7f5;--card:#fff;--ink:#1d2126;--soft:#5f6873;--line:#dfe2e6;
--c0:#4c78c8;--c1:#3a9d8f;--c2:#d9902f;--c3:#c8504c;--c4:#8a63b8;--c5:#b5527f;--c6:#7d8b3a;--c7:#7a6a5c;
--good:#26734d;--warn:#9a5b00;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1d2126;--ink:#e7e9ec;--soft:#9aa4af;--line:#343a41;
--c0:#7ba2ea;--c1:#5cc4b4;--c2:#eab15c;--c3:#ee7e78;--c4:#b594e0;--c5:#e08bb1;--c6:#b3c266;--c7:#b3a293;
--good:#6ccf9c;--warn:#eab15c;--bad:#ff8f87}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px}h1{font-size:26px;margin:0 0 20px}h2{font-size:19px;margin:0}
h3{font-size:14px;color:var(--soft);margin:26px 0 8px;font-weight:600}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:22px;margin-bottom:22px}
.soft{color:var(--soft)}.badge{display:inline-block;border:1px solid currentColor;border-radius:99px;padding:0 10px;
font-size:13px;margin-left:8px;vertical-align:2px}.code0{color:var(--good)}.code1{color:var(--warn)}.code2{color:var(--bad)}
.facts{display:flex;flex-wrap:wrap;gap:26px;margin-top:16px}.facts b{display:block;font-size:22px;font-weight:600}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13.5px}
th{text-align:left;color:var(--soft);font-weight:600}th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);
vertical-align:top;overflow-wrap:anywhere}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:12.5px ui-monospace,monospace}a{color:var(--c0)}.legend span{margin-right:16px;white-space:nowrap}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
svg{display:block;max-width:100%;height:auto}svg text{fill:var(--soft);font:11px system-ui,sans-serif}
"""
_WORDS: Final = {0: "well", 1: "needs a person", 2: "could not finish"}
_DAYS: Final = 60
_HEIGHT: Final = 150


def page(report: Report) -> str:
    """The whole page."""
    body = "".join(_account(each) for each in report.accounts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Tallyhook reconcile</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>Reconcile report</h1>{body}</main></body></html>\n"
    )


def _account(report: AccountReport) -> str:
    code = report.exit_code
    head = f'<h2>{escape(report.account)}<span class="badge code{code}">{_WORDS[code]}</span></h2>'
    error = f'<p class="code2">{escape(report.error)}</p>' if report.error else ""
    waiting = "".join(f'<p class="code1">{escape(each)}</p>' for each in open_calls(report))
    parts = [head, f'<p class="soft">{escape(_when(report))}</p>', error, _facts(report), waiting]
    parts += [_chart(report), _kinds(report.kinds), _money(report), _books(report.books), _findings(report)]
    return f"<section>{''.join(parts)}</section>"


def _when(report: AccountReport) -> str:
    run = "no run" if report.run_id is None else f"run {report.run_id}"
    words = [run, report.status, "full" if report.full else "", "dry run" if report.dry_run else ""]
    times = [each.strftime("%Y-%m-%d %H:%M:%S UTC") for each in (report.started_at, report.finished_at) if each]
    return " · ".join([word for word in words if word] + ([" to ".join(times)] if times else []))


def _facts(report: AccountReport) -> str:
    total = sum(report.by_class.values())
    facts = [(f"{sum(each.confirmed for each in report.kinds):,}", "confirmed"), (f"{total:,}", "findings")]
    facts += [(f"{number:,}", action.replace("_", " ")) for action, number in report.by_action.items()]
    facts += [(f"{amount:,} {currency}", "at stake, minor units") for currency, amount in report.at_stake.items()]
    return f'<div class="facts">{"".join(f"<div><b>{escape(v)}</b>{escape(k)}</div>" for v, k in facts)}</div>'


def _chart(report: AccountReport) -> str:
    """Findings a day, stacked by class; the last sixty days that have any."""
    days = list(report.by_day.items())[-_DAYS:]
    if not days:
        return ""
    most = max(sum(counts.values()) for _, counts in days)
    step = max(16, min(64, 1060 // len(days)))
    bars = "".join(_bar(day, counts, 40 + index * step, step, most) for index, (day, counts) in enumerate(days))
    axis = f'<text x="0" y="12">{most:,}</text><text x="0" y="{_HEIGHT}">0</text>'
    axis += f'<text x="40" y="{_HEIGHT + 18}">{escape(days[0][0])}</text>'
    if len(days) > 1:
        last = 40 + len(days) * step
        axis += f'<text x="{last}" y="{_HEIGHT + 18}" text-anchor="end">{escape(days[-1][0])}</text>'
    width = max(60 + len(days) * step, 220)
    found = {name for _, counts in days for name in counts}
    legend = "".join(
        f'<span><i style="background:var(--c{n})"></i>{name}</span>' for n, name in enumerate(_CLASSES) if name in found
    )
    tall = _HEIGHT + 24
    size = f'width="{width}" height="{tall}" viewBox="0 0 {width} {tall}"'
    chart = f'<svg role="img" aria-label="Drift by class and day" {size}>{bars}{axis}</svg>'
    return f'<h3>Drift by class and day</h3><p class="legend soft">{legend}</p><div class="wide">{chart}</div>'


def _bar(day: str, counts: dict[str, int], left: int, step: int, most: int) -> str:
    bottom, parts = float(_HEIGHT), []
    for number, name in enumerate(_CLASSES):
        height = counts.get(name, 0) / most * (_HEIGHT - 10)
        if height:
            bottom -= height
            title = f"<title>{escape(day)}: {counts[name]:,} {name}</title>"
            place = f'x="{left}" y="{bottom:.1f}" width="{step - 4}" height="{height:.1f}"'
            parts.append(f'<rect {place} rx="2" style="fill:var(--c{number})">{title}</rect>')
    return "".join(parts)


def _kinds(kinds: Sequence[KindReport]) -> str:
    rows = [
        (each.source, each.status + (f": {each.reason}" if each.reason else ""), each.objects, each.confirmed,
         each.drift, each.healed, each.pending, each.pages + each.reads)
        for each in kinds
    ]  # fmt: skip
    heads = ("listing", "status", "objects", "confirmed", "drift", "healed", "pending", "calls")
    return _table("Listings", heads, ((_cell(value) for value in row) for row in rows)) if rows else ""


def _money(report: AccountReport) -> str:
    """Totals, the days that differ, and all days to be unfolded."""
    parts = [_sums("Money of all that was compared, in minor units", report.totals)]
    parts.append(_sums("Days that differ", [each for each in report.money if not each.equal]))
    days = _sums("Money by day", report.money)
    return "".join(parts) + (
        f"<details><summary>All {len(report.money):,} days</summary>{days}</details>" if days else ""
    )


def _sums(title: str, found: Sequence[Money]) -> str:
    heads = ("day", "currency", "money", "provider", "here before", "here now", "difference")
    rows = [(*names, each.provider, each.before, each.now, each.difference) for *names, each in money_lines(found)]
    return _table(title, heads, ((_cell(value) for value in row) for row in rows)) if rows else ""


def _books(books: Books | None) -> str:
    """Sums that are not as the provider has booked them, and what was not compared."""
    if books is None:
        return ""
    heads = ("day", "currency", "money", "booked", "here now", "difference")
    rows = ((each.day, each.currency, each.part, each.booked, each.here, each.difference) for each in books.differences)
    cells = ((_cell(value) for value in row) for row in rows)
    told = "".join(f'<p class="soft">{escape(each)}</p>' for each in not_compared(books))
    title = "Warning: not as the provider has booked it, in minor units"
    return (_table(title, heads, cells) if books.differences else "") + told


def _findings(report: AccountReport) -> str:
    if not report.findings:
        return ""
    heads = ("id", "class", "object", "field", "here", "provider", "cause", "money at stake", "day", "action")
    more = ""
    if report.omitted:
        more = f'<p class="soft">and {report.omitted:,} more, in the table drift under run_id {report.run_id}</p>'
    return _table("Findings", heads, (_finding(each) for each in report.findings)) + more


def _finding(line: Line) -> Iterable[str]:
    name = f"{escape(line.kind)} <code>{escape(line.object_id)}</code>"
    if line.url is not None and line.url.startswith("https://"):
        name = f'<a href="{escape(line.url)}" rel="noreferrer">{name}</a>'
    money = amount_text(line.amount, line.currency)
    values = (line.field, line.local, line.remote, line.cause, money, line.day, line.action)
    return [_cell(line.id), _cell(line.drift_class), f"<td>{name}</td>", *(_cell(value) for value in values)]


def _table(title: str, heads: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<h3>{escape(title)}</h3><div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"
