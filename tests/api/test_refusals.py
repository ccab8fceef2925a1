import time

import pytest

from monitor import Monitor
from tests.api import stack
from tests.api.stack import Api

HISTORY = ("network/history", "network/capacity", "monitor/health-trend", "monitor/performance", "events")
BAD_RANGES = (
    ("from", {"from": "banana"}),
    ("from", {"from": "9" * 400}),
    ("from", {"from": "\x00"}),
    ("step", {"from": "now-50d", "to": "now", "step": "1s"}),
    ("from", {"from": "1970-01-01"}),
    ("from", {"from": "now-3000w"}),
    ("to", {"to": "banana"}),
    ("to", {"from": "now-1h", "to": "now-2h"}),
    ("step", {"step": "0"}),
    ("step", {"step": "0s"}),
    ("step", {"step": "9" * 400}),
    ("step", {"step": "-5m"}),
)


@pytest.mark.parametrize("path", HISTORY)
@pytest.mark.parametrize(("param", "query"), BAD_RANGES)
def test_an_unusable_range_is_refused_naming_the_parameter(
    dark: Api, path: str, param: str, query: dict[str, str]
) -> None:
    answer = dark.get(f"/api/{path}/", params=query)
    problem = answer.json()
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["param"] == param
    assert problem["status"] == 400
    assert problem["title"]
    assert len(problem["detail"]) < 300


def test_a_session_is_asked_for_again_when_the_calendar_is_read(dark: Api) -> None:
    answer = dark.get("/api/network/history/?from=session-4&to=session")
    problem = answer.json()
    assert (answer.status_code, problem["param"]) == (503, "from")
    assert problem["title"] == "The exchange calendar is not known"
    assert "is being read" in problem["detail"]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("url", "param", "says"),
    [
        ("/api/monitor/trading-health/?cmponent=host", "cmponent", "takes none"),
        ("/api/network/history/?form=now-1h", "form", "this endpoint takes component, metric, from, to, step"),
        ("/api/network/history/?component=nope", "component", "there are: network"),
        ("/api/network/history/?metric=host_cpu_ratio", "metric", "network_rtt_seconds"),
        ("/api/query/", "metric", "required"),
        ("/api/query/?metric=nope", "metric", "host_cpu_ratio"),
        ("/api/query/?metric=%00", "metric", "probe_up"),
        ("/api/query/?metric=probe_up&format=xml", "format", "json, csv, arrow, parquet"),
        ("/api/query/?metric=probe_up&percentiles=maybe", "percentiles", "true, false"),
        ("/api/query/?metric=probe_up&component=nope", "component", "host, network, broker, web"),
        ("/api/monitor/realtime-metrics/?since=banana", "since", "ISO 8601"),
        ("/api/alerts/?severity=loud", "severity", "warning, critical"),
        ("/api/alerts/?state=odd", "state", "firing"),
        ("/api/events/?component=nope", "component", "host"),
    ],
)
def test_a_bad_parameter_is_refused_and_told_what_there_is(dark: Api, url: str, param: str, says: str) -> None:
    answer = dark.get(url)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["param"] == param
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("url", ["/api/nope/", "/api/nope", "/api/metrics/nope", "/api/%00", "/api/docs/assets/no.js"])
def test_what_there_is_not_is_a_404_problem(dark: Api, url: str) -> None:
    answer = dark.get(url)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["param"] is None


def test_a_wrong_method_is_a_405_problem(dark: Api) -> None:
    answer = dark.request("DELETE", "/api/status")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("url", ["/api/alerts/7/ack", "/api/alerts/silences/"])
def test_acting_on_alerts_is_refused_with_the_reason(dark: Api, url: str) -> None:
    answer = dark.request("POST", url)
    assert answer.status_code == 501
    assert answer.json()["detail"] == "This version has no alert engine."


@pytest.mark.parametrize("url", [*(f"/api/{path}/" for path in HISTORY), "/api/query/?metric=probe_up"])
def test_an_unreachable_history_is_a_503_at_once(dark: Api, url: str) -> None:
    started_s = time.monotonic()
    answer = dark.get(url)
    assert time.monotonic() - started_s < 3
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert "refuses connections" in answer.json()["detail"]
    assert stack.SECRET not in answer.text


def test_a_fault_of_ours_is_a_500_problem_without_its_secrets() -> None:
    class Broken(Monitor):
        def views(self) -> tuple[object, ...]:  # type: ignore[override]
            raise RuntimeError(stack.SECRET)

    answer = Api(Broken(stack.settings("clickhouse://127.0.0.1:9"))).get("/api/status/")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert stack.SECRET not in answer.text


@pytest.mark.parametrize("at", ["banana", "", "now+2h", "2085-01-01T00:00:00Z", "9" * 400])
def test_a_moment_that_is_none_or_not_past_is_refused_naming_the_parameter(dark: Api, at: str) -> None:
    answer = dark.get("/api/status/", params={"at": at})
    assert (answer.status_code, answer.json()["param"]) == (400, "at")


def test_a_past_moment_without_a_history_is_said_at_once_while_the_present_is_there(dark: Api) -> None:
    assert dark.get("/api/status/").status_code == 200
    answer = dark.get("/api/status/", params={"at": "now-1h"})
    assert (answer.status_code, answer.json()["title"]) == (503, "The history cannot be reached")
