"""What `explain` shows: of a person the timeline, of anything else each row with what made it."""

from __future__ import annotations

from typing import Final

import msgspec

from service import iso4217
from service.commands import screen
from service.explain import Explanation, Person, Subject
from service.timeline import balance

_MONEY: Final = ("amount", "amount_due", "amount_paid", "amount_refunded")
_OPEN_DIFFERENCES: Final = ("id", "class", "field", "local", "remote", "action")


def show(found: Explanation, *, every: bool) -> None:
    """Print an explanation; `every` adds the minor entries of a timeline."""
    for sentence in found.event_sentences:
        screen.say(sentence, "bold")
    if found.person is None:
        for subject in found.subjects:
            _show_subject(subject)
        return
    _show_person(found.person, found, every)


def _show_person(person: Person, found: Explanation, every: bool) -> None:
    names = [*person.emails, *(f"user {each}" for each in person.user_ids)]
    screen.say(f"{', '.join(names)}: {', '.join(person.customers) or 'no customer'}", "bold")
    shown = [each for each in found.timeline if every or not each.minor]
    entries = ({**msgspec.structs.asdict(each), "what": each.told} for each in shown)
    screen.table("timeline", ("at", "account", "what", "because"), entries)
    if len(shown) < len(found.timeline):
        screen.say(f"{len(found.timeline) - len(shown)} smaller steps are left out; --all shows them")
    for currency, sums in balance(found.timeline).items():
        screen.say(", ".join(f"{word} {iso4217.shown(amount, currency)}" for word, amount in sums.items() if amount))
    screen.say("now", "bold")
    for subject in found.subjects:
        screen.say(f"  {subject.why}")
        if subject.drift:
            screen.table("  open differences", _OPEN_DIFFERENCES, subject.drift)


def _show_subject(subject: Subject) -> None:
    screen.say(subject.why, "bold")
    money = [f"{name} {subject.row[name]}" for name in _MONEY if subject.row.get(name) is not None]
    if money:
        screen.say(f"  {', '.join(money)} {subject.row.get('currency')} (minor units)")
    if subject.items:
        columns = (
            "id",
            "price_id",
            "quantity",
            "amount" if "amount" in subject.items[0] else "unit_amount",
            "currency",
        )
        screen.table("  items", columns, subject.items)
    if subject.events:
        screen.table("  events", ("id", "event_id", "type", "status", "verdict", "occurred_at"), subject.events)
    if subject.changes:
        screen.table("  changes", ("at", "field", "old", "new", "cause"), subject.changes)
    if subject.drift:
        screen.table("  open differences", _OPEN_DIFFERENCES, subject.drift)
