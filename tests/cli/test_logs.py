"""Log lines: JSON off a terminal, glanceable on one, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from service import logs
from service.moments import age, since


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_off_a_terminal_is_json_with_time_level_and_name() -> None:
    stream = io.StringIO()
    logs.configure("info", stream=stream)
    structlog.get_logger().info("event.applied", event_id=7, object_id="in_1")
    (line,) = _lines(stream)
    assert (line["level"], line["event"], line["event_id"], line["object_id"]) == ("info", "event.applied", 7, "in_1")
    assert datetime.fromisoformat(line["at"]).utcoffset() == timedelta(0)


def test_a_terminal_gets_two_glanceable_lines_an_event() -> None:
    stream = Terminal()
    logs.configure("info", stream=stream)
    log = structlog.get_logger()
    log.info("webhook.accepted", type="invoice.paid", provider_event_id="evt_1")
    log.info("event.applied", kind="invoice", object_id="in_1", ms=12.2)
    assert "--> invoice.paid [evt_1]" in stream.getvalue()
    assert "<-- applied invoice in_1 12 ms" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "terminal"])
@pytest.mark.parametrize("key", ["webhook_secret", "signature", "Authorization", "api_key", "payload", "body", "email"])
def test_private_keys_are_dropped_at_any_depth(stream: io.StringIO, key: str) -> None:
    logs.configure("info", stream=stream)
    structlog.get_logger().info("webhook.rejected", **{key: "mark"}, headers={key: "mark", "list": [{key: "mark"}]})
    assert "mark" not in stream.getvalue()
    assert "webhook.rejected" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "terminal"])
@pytest.mark.parametrize(
    "token", ["whsec_m4rk", "sk_live_m4rk", "sk_test_m4rk", "rk_live_m4rk", "rk_m4rk", "pdl_ntfset_m4rk"]
)
def test_what_looks_like_a_key_is_redacted_in_any_value(stream: io.StringIO, token: str) -> None:
    logs.configure("info", stream=stream)
    structlog.get_logger().warning("event.retry", error=f"refused {token}")
    logging.getLogger("uvicorn").warning("refused %s", token)
    assert "m4rk" not in stream.getvalue()


def test_the_standard_library_logs_through_the_same_formatter_from_warning_on() -> None:
    stream = io.StringIO()
    logs.configure("info", stream=stream)
    logging.getLogger("httpx").info("not shown")
    logging.getLogger("httpx").warning("GET https://api.example.com/v1/x?key=mark failed")
    (line,) = _lines(stream)
    assert line["event"] == "GET https://api.example.com/v1/x failed"
    assert line["logger"] == "httpx"


def test_text_that_no_encoding_holds_still_makes_a_line() -> None:
    stream = io.StringIO()
    logs.configure("info", stream=stream)
    structlog.get_logger().info("event.applied", object_id="\ud800")
    assert len(_lines(stream)) == 1


def test_a_closed_stream_does_not_fail_the_work() -> None:
    stream = io.StringIO()
    logs.configure("info", stream=stream)
    stream.close()
    structlog.get_logger().info("event.applied")


def test_lines_of_one_turn_go_out_together_and_none_is_lost() -> None:
    stream = io.StringIO()
    logs.configure("info", stream=stream)
    log = structlog.get_logger()
    later: list[Callable[[], None]] = []
    with logs.gathered(later.append):
        log.info("one")
        log.info("two")
        thread = threading.Thread(target=log.info, args=("from another thread",))
        thread.start()
        thread.join()
        assert [line["event"] for line in _lines(stream)] == ["from another thread"]
        later.pop()()
        assert [line["event"] for line in _lines(stream)][1:] == ["one", "two"]
        log.info("three")
    log.info("four")
    assert [line["event"] for line in _lines(stream)][3:] == ["three", "four"]


def test_control_characters_do_not_reach_the_terminal() -> None:
    stream = Terminal()
    logs.configure("info", stream=stream)
    structlog.get_logger().info("webhook.accepted", type="\x1b[2Jx", provider_event_id="evt_1")
    assert "\x1b[2J" not in stream.getvalue()


def test_since_reads_spans_midnight_and_iso_times() -> None:
    now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert now - since("2h", now) == timedelta(hours=2)
    assert since("2026-03-01T00:00+01:00", now) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert since("midnight", now).astimezone().hour == 0
    with pytest.raises(ValueError, match="no time"):
        since("99999999d", now)


def test_ages_are_as_precise_as_they_matter() -> None:
    spans = [timedelta(seconds=45), timedelta(minutes=12), timedelta(hours=27), timedelta(days=9)]
    assert [age(span) for span in spans] == ["45 s", "12 min", "27.0 h", "9 d"]
