"""Usage falls in exactly one period, whatever the clock on the wall does."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store import usage_courses
from service.store.engine import Database
from service.usage_periods import Course, Item, Period, month, place, starts
from tests.usage import copy

_ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe")
_GRACE = timedelta(minutes=30)
_moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001


def _course(*days: datetime, end: datetime | None = None, ended: datetime | None = None, name: str = "sub_1") -> Course:
    return Course(
        subscription_id=name, currency="USD", starts=days, end=end, ended_at=ended, live=ended is None,
        items=(Item("si_1", "price_1", True),),
    )  # fmt: skip


@pytest.fixture(params=_ZONES)
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The process lives in a zone whose summer time ends on 2026-10-25, 2026-11-01 or 2026-04-05, or in none."""
    before = os.environ["TZ"]
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ["TZ"] = before
    time.tzset()


def test_a_day_across_a_boundary_and_a_change_of_clocks_counts_every_minute_once(zone: str) -> None:
    """The boundary is at noon UTC of the night in which the clocks change; every minute of that day is in one period."""
    assert zone
    for day in (
        datetime(2026, 10, 25, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 4, 5, tzinfo=UTC),
    ):
        noon = day + timedelta(hours=12)
        course = _course(noon - timedelta(days=30), noon, end=noon + timedelta(days=30))
        found = [place([course], day + timedelta(minutes=n), noon, None, ()).period for n in range(24 * 60)]
        assert [sum(each == period for each in found) for period in dict.fromkeys(found)] == [720, 720]
        assert {each.start for each in found} == {noon - timedelta(days=30), noon}


def test_months_begin_at_midnight_utc_in_every_zone(zone: str) -> None:
    """Where no subscription tells."""
    assert zone
    edge = datetime(2026, 11, 1, tzinfo=UTC)
    before, after = month((edge - timedelta(microseconds=1)).astimezone()), month(edge.astimezone())
    assert (before, after) == (
        Period(datetime(2026, 10, 1, tzinfo=UTC), edge),
        Period(edge, datetime(2026, 12, 1, tzinfo=UTC)),
    )


@given(st.lists(_moments, min_size=1, max_size=6, unique=True), _moments, st.booleans())
def test_every_moment_is_in_exactly_one_period_that_holds_it(
    bounds: list[datetime], at: datetime, open_end: bool
) -> None:
    """And neighbours meet without a gap or an overlap."""
    known = sorted(bounds)
    end = None if open_end else known[-1] + timedelta(days=30)
    course = _course(*known, end=end)
    found = place([course], at, at, None, ()).period
    assert found.holds(at)
    if found.end is not None and found.start >= known[0]:
        following = place([course], found.end, found.end, None, ()).period
        assert following.start == found.end
        assert not found.holds(found.end)


def test_usage_on_the_boundary_belongs_to_the_period_that_begins() -> None:
    """A microsecond before, to the one that ends; past the last known end, to one whose end is not known yet."""
    first, second, third = (datetime(2026, 9 + n, 14, 13, 20, tzinfo=UTC) for n in range(3))
    course = _course(first, second, end=third)
    assert course.at(second - timedelta(microseconds=1)) == Period(first, second)
    assert course.at(second) == Period(second, third)
    assert course.at(third) == Period(third, None)
    assert course.at(first - timedelta(seconds=1)) is None


def test_a_subscription_that_ended_has_no_period_afterwards() -> None:
    """Its last one ends with it; then the calendar's month counts."""
    start, end, ended = (datetime(2026, 9, day, tzinfo=UTC) for day in (1, 30, 12))
    course = _course(start, end=end, ended=ended)
    assert course.at(ended - timedelta(seconds=1)) == Period(start, ended)
    assert place([course], ended, ended, None, ()).period == month(ended)


def test_late_usage_is_placed_in_the_period_that_runs_where_its_own_cannot_be_billed_any_more() -> None:
    """Within the grace it stays in its own, and without any too."""
    first, second, third = (datetime(2026, 9 + n, 1, tzinfo=UTC) for n in range(3))
    course, at = _course(first, second, end=third), datetime(2026, 9, 20, tzinfo=UTC)
    in_time, late = second + _GRACE, second + _GRACE + timedelta(microseconds=1)
    assert place([course], at, in_time, _GRACE, ()).period.start == first
    assert (place([course], at, late, _GRACE, ()).period.start, place([course], at, late, _GRACE, ()).late) == (
        second,
        True,
    )
    assert place([course], at, late, None, ()).period.start == first


def test_the_subscription_of_the_meters_price_goes_first() -> None:
    """Then one with a metered item, then one that lives, then the newest."""
    start = datetime(2026, 9, 1, tzinfo=UTC)
    plain, metered = _course(start, name="sub_a"), _course(start, name="sub_b")
    at = start + timedelta(days=1)
    other = Course(
        **{name: getattr(plain, name) for name in Course.__struct_fields__} | {"items": (Item("si", "p", False),)}
    )
    for prices, name in (((), "sub_b"), (("p",), "sub_a")):
        found = place([other, metered], at, at, None, prices).course
        assert found is not None
        assert found.subscription_id == name
    newer = _course(start + timedelta(hours=1), name="sub_c")
    dead = _course(start + timedelta(hours=2), ended=at + timedelta(days=1), name="sub_d")
    for courses, name in (([metered, newer, dead], "sub_c"), ([metered, dead], "sub_b")):
        found = place(courses, at, at, None, ()).course
        assert found is not None
        assert found.subscription_id == name


def test_where_only_ends_are_told_a_period_begins_where_another_ends() -> None:
    """With starts told, ends say nothing; the subscription's own beginning is the first of all."""
    began, one, two = (datetime(2026, 9 + n, 1, tzinfo=UTC) for n in range(3))
    assert starts(began, [], [one, two]) == (began, one, two)
    assert starts(began, [two], [one]) == (began, two)
    assert starts(None, [], []) == ()


def test_the_history_of_a_subscription_tells_its_earlier_periods(database: Database) -> None:
    """From `state_change`: each renewal leaves the start before it."""
    bounds = [datetime(2026, 9 + n, 14, tzinfo=UTC) for n in range(4)]
    for number, (start, end) in enumerate(itertools.pairwise(bounds)):
        copy.subscription(
            database,
            "sub_1",
            "cus_1",
            second=number,
            started_at=bounds[0],
            current_period_start=start,
            current_period_end=end,
        )
    with database.read() as connection:
        (course,) = usage_courses.courses(connection, [("stripe", "cus_1"), ("stripe", "cus_2")])["stripe", "cus_1"]
    assert (course.starts, course.end, course.live) == (tuple(bounds[:3]), bounds[3], True)
    assert course.at(datetime(2026, 10, 1, tzinfo=UTC)) == Period(bounds[0], bounds[1])
