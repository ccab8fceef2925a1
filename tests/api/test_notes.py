"""Annotations and saved views over HTTP: who may write, what is refused, what is shown at once and later."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from history import queries
from monitor import Monitor
from tests.api import stack
from tests.api.stack import Api, answered
from tests.history.rows import client_of
from tests.probes.listeners import eventually

HERE = {"Host": "localhost:8501"}
BELL = {"text": "<script>alert(1)</script> opened late", "at": "now-3m", "till": "now-2m", "component": "broker"}


def posted(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.request("POST", path, json=body, headers=HERE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


@pytest.fixture
def open_to_all(lit: Api) -> Iterator[Api]:
    """The same history, where the configuration lets other machines write."""
    app = lit.monitor.settings.app
    object.__setattr__(app, "api_writes", True)
    yield lit
    object.__setattr__(app, "api_writes", False)


def test_an_annotation_is_there_at_once_and_written_once_and_deleted(lit: Api) -> None:
    noted = posted(lit, "/api/events/", {**BELL, "author": "ann"})["event"]
    assert (noted["text"], noted["component"], noted["author"], noted["waiting"]) == (
        BELL["text"], "broker", "ann", True,
    )  # fmt: skip
    assert noted["at"] < noted["till"]
    url = "/api/events/?from=now-1h&component=broker"
    assert answered(lit, url)["events"] == [noted]
    assert answered(lit, "/api/events/?from=now-1h&component=host")["events"] == []
    assert lit.monitor.recorder.flush()
    assert eventually(lambda: answered(lit, url)["events"] == [{**noted, "waiting": False}], 5)
    deleted = lit.request("DELETE", f"/api/events/{noted['id']}/", headers=HERE)
    assert deleted.json()["data"] == {"deleted": noted["id"]}
    assert answered(lit, url)["events"] == []
    assert lit.request("DELETE", f"/api/events/{noted['id']}/", headers=HERE).status_code == 404
    assert lit.monitor.recorder.flush()
    assert answered(lit, url)["events"] == []


def test_an_event_written_long_ago_can_be_deleted(lit: Api) -> None:
    noted = posted(lit, "/api/events/", {"text": "ticks-writer 1.8", "kind": "deploy"})["event"]
    assert lit.monitor.recorder.flush()
    lit.monitor.notes._recent.clear()  # as after a restart
    assert lit.request("DELETE", f"/api/events/{noted['id']}/", headers=HERE).status_code == 200
    assert lit.monitor.recorder.flush()
    with client_of(lit.monitor.store) as client:
        scope = queries.Scope(lit.monitor.store.database, 86400, time.time())
        assert queries.events_of(client, scope, noted["id"]) == ()


def test_a_view_is_saved_listed_and_deleted(lit: Api) -> None:
    view = {"name": "Bell", "page": "trends", "query": "from=now-1h&to=now", "author": "ann", "note": "each morning"}
    saved = posted(lit, "/api/views/", view)["view"]
    assert {key: saved[key] for key in view} == view
    assert answered(lit, "/api/views/")["views"] == [saved]
    again = lit.request("POST", "/api/views/", json={**view, "name": "bell"}, headers=HERE)
    assert (again.status_code, again.json()["param"]) == (400, "name")
    assert "another name" in again.json()["detail"]
    assert lit.monitor.recorder.flush()
    assert eventually(lambda: answered(lit, "/api/views/")["views"] == [{**saved, "waiting": False}], 5)
    assert lit.request("DELETE", f"/api/views/{saved['id']}/", headers=HERE).status_code == 200
    assert answered(lit, "/api/views/")["views"] == []
    assert lit.request("DELETE", f"/api/views/{saved['id']}/", headers=HERE).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "param", "says"),
    [
        ("events", {"text": " "}, "text", "is empty"),
        ("events", {"text": "x", "at": "yesterdayish"}, "at", "yesterdayish"),
        ("events", {"text": "x", "at": "now-1m", "till": "now-2m"}, "till", "must be later"),
        ("events", {"text": "x", "component": "kafak"}, "component", "there are: host, network, broker, web"),
        ("events", {"text": "x", "kind": "alert"}, "kind", "annotation, deploy, restart"),
        ("events", {"text": "x", "colour": "red"}, "colour", "not permitted"),
        ("events", {}, "text", "required"),
        ("views", {"name": "x" * 81, "page": "trends"}, "name", "at most 80"),
        ("views", {"name": "x", "page": "https://evil.example"}, "page", "the path of a page"),
    ],
)
def test_what_cannot_be_noted_is_a_400_naming_it(
    lit: Api, path: str, body: dict[str, str], param: str, says: str
) -> None:
    answer = lit.request("POST", f"/api/{path}/", json=body, headers=HERE)
    assert (answer.status_code, answer.json()["param"]) == (400, param), answer.text
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/events/", "/api/views/"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "tapewatch.example.com"},
        {"Host": "evil.example:8501"},
        {**HERE, "X-Forwarded-For": "10.0.0.7"},
        {**HERE, "Forwarded": "for=10.0.0.7"},
    ],
)
def test_others_may_not_write_unless_the_configuration_says_so(lit: Api, path: str, headers: dict[str, str]) -> None:
    answer = lit.request("POST", path, json={"text": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "app.api_writes = true" in answer.json()["detail"]
    assert lit.request("DELETE", f"{path}61f0c404-5cb3-11e7-907b-a6006ad3dba0/", headers=headers).status_code == 403


def test_where_the_configuration_says_so_others_may(open_to_all: Api) -> None:
    answer = open_to_all.request("POST", "/api/events/", json={"text": "x", "at": "2020-01-01"})
    assert answer.status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_another_site_cannot_write(lit: Api, content_type: str) -> None:
    headers = {**HERE, "Content-Type": content_type}
    answer = lit.request("POST", "/api/events/", content=b'{"text": "x"}', headers=headers)
    assert answer.status_code == 415


def test_what_names_nothing_is_a_404(lit: Api) -> None:
    for identity in ("7", "' OR 1=1", "61f0c404-5cb3-11e7-907b-a6006ad3dba0"):
        assert lit.request("DELETE", f"/api/events/{identity}/", headers=HERE).status_code == 404


def test_while_the_history_is_away_notes_are_taken() -> None:
    monitor = Monitor(stack.settings("clickhouse://127.0.0.1:9"))
    api = Api(monitor)
    noted = posted(api, "/api/events/", {"text": "during the outage"})["event"]
    assert noted["waiting"]
    assert api.request("DELETE", f"/api/events/{noted['id']}/", headers=HERE).status_code == 200, "it is known here"
    saved = posted(api, "/api/views/", {"name": "Outage", "page": "trends"})["view"]
    assert api.request("DELETE", f"/api/views/{saved['id']}/", headers=HERE).status_code == 200
