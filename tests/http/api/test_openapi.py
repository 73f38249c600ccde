"""The document tells the truth: what it declares is what the service does, whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from service.app import build
from service.http.api import openapi
from service.http.api.operation import Operation
from service.http.api.routes import OPERATIONS
from service.model import Customer, Invoice, InvoiceLine, Payment, Refund, Subscription, SubscriptionItem
from service.sandbox.server import serving
from service.system import System
from tests.http.api.conftest import NOW, READER, WRITER, Copy, bearer
from tests.http.api.conftest import settings as configured

DOCUMENT = msgspec.json.decode(msgspec.json.encode(openapi.document(OPERATIONS)))

FORM = ("bad_parameter", "bad_payload", "invalid_body", "unsupported_media_type", "too_large")


@pytest.fixture
def busy(postgres_url: str) -> Iterator[str]:
    """The address of an application over PostgreSQL, which refuses more than SQLite does."""
    system = System(configured(postgres_url))
    _fill(Copy(system))
    with serving(build(system)) as url:
        yield url
    system.close()


def _fill(copy: Copy) -> None:
    """A few rows of everything, some under ids that are easily guessed."""
    for number, id_ in enumerate(("0", "a", "cus_1")):
        copy.put("customer", id_, Customer(created_at=NOW, email="ada@example.com", user_id="0"), raw='{"id": "0"}')
        copy.put("subscription", id_, Subscription(customer_id="0", items=(SubscriptionItem(id=f"si_{number}"),)))
        copy.put("invoice", id_, Invoice(customer_id="0", amount=2**60, lines=(InvoiceLine(id="il_1"),)))
        copy.put("payment", id_, Payment(customer_id="0", status="succeeded"))
        copy.put("refund", id_, Refund(payment_id="0", amount=1))
    copy.put("customer", "0", Customer(), account="paddle")


@pytest.mark.long
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_a_declared_one(busy: str, mode: GenerationMode, subtests: pytest.Subtests) -> None:
    """Requests as the document allows them, and such as it does not."""
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.config.update(base_url=busy)
    for each in OPERATIONS:
        with subtests.test(operation=each.name):
            _exercise(each, schema[each.path][each.method].as_strategy(generation_mode=mode), mode)


def _exercise(operation: Operation, cases: SearchStrategy[Case[Any]], mode: GenerationMode) -> None:
    @given(case=cases)
    @settings(max_examples=10, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    def check(case: Case[Any]) -> None:
        if mode.is_positive:
            case.query.pop("cursor", None)  # no schema can say which cursors the service made
        answer = case.call(headers=bearer(WRITER))
        assert answer.status_code < 500
        if answer.status_code >= 400:
            cause = answer.json()["cause"]
            assert cause in operation.refusals, (answer.text, case.body)
            assert cause not in FORM or not mode.is_positive, (answer.text, case.body)
        # What a plan or a provider refuses may be well-formed all the same; and an unknown parameter whose generated value
        # is empty is not sent at all. Both are tested by hand.
        case.validate_response(
            answer, headers=bearer(WRITER), excluded_checks=[positive_data_acceptance, negative_data_rejection]
        )

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


def test_only_what_is_sent_to_a_provider_under_a_key_can_have_an_unknown_outcome() -> None:
    for each in OPERATIONS:
        sent = each.remote and each.key == "needed"
        assert ("outcome_unknown" in each.refusals) == ("key_in_use" in each.refusals) == sent, each.name
