"""The document tells the truth: what it declares is what the service does, whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode

from service.app import build
from service.http.api import openapi
from service.http.api.routes import OPERATIONS
from service.model import Customer, Invoice, InvoiceLine, Payment, Refund, Subscription, SubscriptionItem
from service.sandbox.server import serving
from service.system import System
from tests.http.api.conftest import NOW, READER, WRITER, Copy, bearer

DOCUMENT = msgspec.json.decode(msgspec.json.encode(openapi.document(OPERATIONS)))


@pytest.fixture
def busy(system: System, copy: Copy) -> Iterator[str]:
    """The address of an application whose copy has a few rows of everything, some under ids that are easily guessed."""
    for number, id_ in enumerate(("0", "a", "cus_1")):
        copy.put("customer", id_, Customer(created_at=NOW, email="ada@example.com", user_id="0"), raw='{"id": "0"}')
        copy.put("subscription", id_, Subscription(customer_id="0", items=(SubscriptionItem(id=f"si_{number}"),)))
        copy.put("invoice", id_, Invoice(customer_id="0", amount=2**60, lines=(InvoiceLine(id="il_1"),)))
        copy.put("payment", id_, Payment(customer_id="0", status="succeeded"))
        copy.put("refund", id_, Refund(payment_id="0", amount=1))
    copy.put("customer", "0", Customer(), account="paddle")
    with serving(build(system)) as url:
        yield url


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", [f"{each.method} {each.path}" for each in OPERATIONS])
def test_every_answer_is_a_declared_one(busy: str, operation: str, mode: GenerationMode) -> None:
    method, path = operation.split(" ")
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.config.update(base_url=busy)

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def check(case: Case[Any]) -> None:
        if mode.is_positive:
            case.query.pop("cursor", None)  # no schema can say which cursors the service made
        answer = case.call(headers=bearer(WRITER))
        assert answer.status_code < 500
        case.validate_response(answer, headers=bearer(WRITER))

    check()


def test_the_served_document_is_the_one_that_was_checked(client: httpx.Client) -> None:
    served = client.get("/v1/openapi.json", headers=bearer(READER)).json()
    del served["paths"]["/v1/openapi.json"]
    del served["components"]["schemas"]["Document"]
    assert served == DOCUMENT


def test_each_operation_is_declared_once_with_a_name_a_summary_and_its_refusals() -> None:
    names = [each.name for each in OPERATIONS]
    assert len(set(names)) == len(names)
    for path, methods in DOCUMENT["paths"].items():
        for method, each in methods.items():
            assert each["summary"], (method, path)
            assert {"400", "401", "503"} <= set(each["responses"])
            assert ("404" in each["responses"]) or "{id}" not in path
