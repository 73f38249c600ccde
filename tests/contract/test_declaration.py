"""What an adapter declares fits together: types, listings, ordering, budget."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from urllib.parse import quote

from service.model import FIELDS, KINDS
from service.provider import Provider
from tests.contract.specimen import Specimen

_PORT = {f"service.{each}" for each in ("model", "errors", "provider", "write_port", "usage_port", "book_port")}
_SHARED = {"envelopes", "reading", "refusals", "signatures", "transport"}


def test_its_name_can_begin_a_variable_and_a_path(provider: Provider) -> None:
    assert re.fullmatch("[a-z][a-z0-9]*", provider.name)
    assert all(re.fullmatch("[a-z][a-z0-9_]*", option) for option in provider.options)
    assert provider.scope_option is None or provider.scope_option in provider.options


def test_it_listens_to_types_once_each_and_in_order(provider: Provider) -> None:
    assert provider.types
    assert provider.types == tuple(sorted(set(provider.types)))


def test_every_type_that_it_listens_to_has_a_fixture_or_a_sibling(provider: Provider, specimen: Specimen) -> None:
    """Each handled type is shown, or another type of the same object is."""
    shown = {name.partition("__")[0] for name in specimen.names()}
    stems = {re.split(r"[._]", each)[0] for each in shown}
    assert [each for each in provider.types if re.split(r"[._]", each)[0] not in stems] == []
    assert set(provider.types) & shown


def test_each_source_is_listed_once_and_feeds_kinds_that_exist(provider: Provider) -> None:
    sources = [each.source for each in provider.listings]
    assert len(sources) == len(set(sources))
    for each in provider.listings:
        assert {each.kind, *each.feeds} <= set(KINDS)
        assert each.kind not in each.feeds
        assert not (each.shifts and each.filter), "numbered pages of a list that is limited by time"


def test_each_kind_has_an_owner_among_the_listings(provider: Provider) -> None:
    """A part of a row is never its whole: somebody lists the row itself."""
    owned = {kind for each in provider.listings if each.owns_row for kind in (each.kind, *each.feeds)}
    assert {each.kind for each in provider.listings} <= owned
    assert "subscription" in owned


def test_what_events_tell_of_is_what_listings_feed(provider: Provider, specimen: Specimen) -> None:
    fed = {(each.source, kind) for each in provider.listings for kind in (each.kind, *each.feeds)}
    seen = {
        (snapshot.source, snapshot.kind)
        for name in specimen.names()
        for snapshot in provider.map(specimen.fixture(name)).snapshots
        if snapshot.source not in provider.ordering.attempts
    }
    # A source that only links a payment to another row (an old invoice, its payment) is no part of a listing's declaration.
    assert {each for each in seen - fed if each[0] not in provider.ordering.precedence} == set()


def test_its_ordering_names_sources_and_fields_that_exist(provider: Provider) -> None:
    ordering, sources = provider.ordering, {each.source for each in provider.listings}
    assert set(ordering.precedence) <= sources | set(ordering.attempts)
    assert len(ordering.precedence) == len(set(ordering.precedence))
    assert set(ordering.attempts) <= set(ordering.precedence)
    assert set(ordering.receipts) <= sources
    assert set(ordering.sticky) <= {name for fields in FIELDS.values() for name in fields.__struct_fields__}
    assert ordering.margin > 0


def test_its_rank_is_pure_and_knows_no_strangers(provider: Provider) -> None:
    for source in (*(each.source for each in provider.listings), "something_else"):
        assert provider.rank(source, {"provider_status": "of_tomorrow!"}) is None
        assert provider.rank(source, {}) is None


def test_its_budget_and_its_memory_are_believable(provider: Provider) -> None:
    assert 0 < provider.reads_per_second <= 1000
    assert provider.budget_scope in ("account", "key", "address")
    assert provider.log_memory_days is None or provider.log_memory_days > 0
    assert 0 <= provider.safety_lag_seconds < 3600
    assert provider.gives_up_after_seconds is None or provider.gives_up_after_seconds > 0


def test_a_mode_is_told_only_where_a_key_shows_it(provider: Provider) -> None:
    assert [provider.mode(key) for key in (None, "", "x", "nonsense_live")] == [None] * 4


def test_a_dashboard_page_is_one_segment_of_a_secure_address(provider: Provider) -> None:
    hostile = "a/../b?c#d"
    for source in (*(each.source for each in provider.listings), "something_else"):
        for livemode in (True, False):
            url = provider.dashboard_url(source, hostile, livemode=livemode)
            assert url is None or (url.startswith("https://") and url.endswith(quote(hostile, safe="")))


def test_the_adapter_imports_nothing_of_ours_but_the_port(provider: Provider) -> None:
    folder = Path(inspect.getfile(type(provider))).parent
    own = type(provider).__module__
    lines = [line for file in folder.rglob("*.py") for line in file.read_text().splitlines()]
    named = [re.match(r"\s*(?:from|import) (service|reconcile)([.\w]*)", line) for line in lines]
    ours = {"".join(found.groups()) for found in named if found}
    allowed = _PORT | {f"service.{each}" for each in _SHARED}
    assert {name for name in ours if name != own and not name.startswith(f"{own}.")} <= allowed
