"""Log stores as URLs: where the logs are, whose they are, and what is left for the device."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from agent.errors import MalformedError, UsageError
from agent.runtime.log_target import log_target


def test_a_url_says_where_and_whose() -> None:
    """The path is the place, each source a name, the rest is the device's."""
    url = "logs+loki://192.0.2.1:3100/%7Bjob%3D%22syslog%22%7D?source=fw1&source=10.0.0.1&tenant=school&scheme=https"
    found = log_target(urlsplit(url), "store")
    assert (found.logs.where, found.logs.tenant) == ('{job="syslog"}', "school")
    assert [(each.id, each.stored[0].name, each.stored[0].store) for each in found.sources] == [
        ("fw1", "fw1", "store"),
        ("10.0.0.1", "10.0.0.1", "store"),
    ]
    assert (found.rest, found.timezone) == ("scheme=https", "Asia/Shanghai")


def test_fields_and_zone_may_be_named() -> None:
    """A store may name its fields otherwise, and a school may live in another zone; a name that is none gets an id."""
    url = "logs+elasticsearch://h/logs-*?source=a%20b&source=a%20b&source_field=host&time_field=t&timezone=UTC"
    found = log_target(urlsplit(url), "store")
    assert (found.logs.where, found.logs.source_field, found.logs.time_field) == ("logs-*", "host", "t")
    assert [(each.id, each.stored[0].name) for each in found.sources] == [("a-b", "a b")]
    assert found.timezone == "UTC"


def test_a_store_is_not_asked_about_nobody() -> None:
    """Without a source there is nothing to count, and the error says how to name one."""
    with pytest.raises(UsageError, match="source=core-sw1"):
        log_target(urlsplit("logs+loki://h/"), "store")


def test_a_field_that_cannot_be_is_an_error_of_the_url() -> None:
    """A tenant with a line break would be a header of its own."""
    with pytest.raises(MalformedError, match="tenant"):
        log_target(urlsplit("logs+loki://h/?source=a&tenant=a%0Ab"), "store")
