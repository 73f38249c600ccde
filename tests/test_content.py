"""Contents are plain values that a database can hold, equal whenever what they describe is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.model import Invoice, InvoiceLine, content_of, digest

_text = (
    st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("\0\\u0"))) | st.just("\\u0000") | st.just("\ud800")
)


@given(st.none() | _text, st.lists(_text, max_size=3))
def test_a_content_holds_no_nul_and_children_are_lists_as_in_a_loaded_row(number: str | None, texts: list[str]) -> None:
    lines = tuple(InvoiceLine(id=str(place), description=text) for place, text in enumerate(texts))
    content = content_of(Invoice(number=number, lines=lines))
    assert content["number"] == (None if number is None else number.replace("\0", "\ufffd"))
    assert type(content["lines"]) is list
    assert [line["description"] for line in content["lines"]] == [text.replace("\0", "\ufffd") for text in texts]


def test_equal_contents_have_one_digest_whatever_the_order_of_their_fields() -> None:
    content = content_of(Invoice(number="1", amount=5))
    assert digest(content) == digest(dict(reversed(content.items()))) != digest(content | {"amount": 6})
