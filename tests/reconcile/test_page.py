"""The report as a page: escaped, complete, and explained."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from reconcile import html
from reconcile.report import AccountReport, Line, Report


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_finding_holds_the_page_escapes_it(local: str, object_id: str) -> None:
    line = Line(
        id=1, kind="customer", object_id=object_id + "<i>", drift_class="mismatch", field="name", local=local + "<script>",
        remote="'\"&", cause="no event", action="healed", amount=5, currency="USD", day="2026-11-01", url=None,
    )  # fmt: skip
    report = AccountReport(account="a<b>", status="complete", findings=[line], by_class={"mismatch": 1})
    text = html.page(Report(accounts=[report]))
    assert "<script>" not in text
    assert "<i>" not in text
    assert "<b>" not in text.replace("<b>0</b>", "").replace("<b>1</b>", "")


_CLASSES = (
    "missed_event", "missing_local", "mismatch", "missing_remote", "usage_shortfall", "usage_excess", "usage_shifted",
    "usage_undecided",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(_CLASSES), st.integers(1, 50), min_size=1))
def test_each_class_of_findings_has_its_bar_and_its_colour(counts: dict[str, int]) -> None:
    report = AccountReport(account="shop", status="complete", by_class=counts, by_day={"2026-11-01": counts})
    page = html.page(Report(accounts=[report]))
    colours = set(re.findall(r'<rect [^>]*fill:(var\(--c\d\))"><title>', page))
    assert len(colours) == len(counts)
    assert colours == set(re.findall(r'<i style="background:(var\(--c\d\))">', page))
    assert all(f"{each[4:-1]}:#" in page for each in colours)


def test_a_page_says_why_a_person_is_needed_where_no_finding_does() -> None:
    """A write to the provider that may have been done or not is reason enough for exit code 1."""
    report = AccountReport(account="shop", status="complete", open_calls={"pending": 0, "needs_review": 2})
    page = html.page(Report(accounts=[report]))
    assert ("needs a person" in page, "2 needs_review; see `tallyhook calls list`" in page) == (True, True)
