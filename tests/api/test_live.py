import json
import re
import time

import pytest

from api.examples import ITEM
from monitor import Monitor
from probes.result import ProbeResult, Reading, Status, utc
from tests.api import stack
from tests.api.stack import Api

ENVELOPE = ["status", "checked_at", "age_s", "stale", "took_ms", "error", "data"]
LIVE = (
    "debug", "status", "services/health", "metrics/system", "metrics/dataflow", "metrics/kafka", "metrics/clickhouse",
    "metrics/redis", "alerts", "iqfeed", "ib", "network/status", "monitor/realtime-metrics", "monitor/components",
    "monitor/trading-health",
)  # fmt: skip
LISTS = (
    "status",
    "services/health",
    "metrics/system",
    "network/status",
    "monitor/realtime-metrics",
    "monitor/components",
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def strict(text: str) -> dict[str, object]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    read: dict[str, object] = json.loads(text, parse_constant=refuse)
    return read


@pytest.mark.parametrize("path", LIVE)
def test_live_endpoints_answer_200_in_the_envelope_with_and_without_slash(dark: Api, path: str) -> None:
    for url in (f"/api/{path}/", f"/api/{path}"):
        answer = dark.get(url)
        assert answer.status_code == 200, answer.text
        assert list(strict(answer.text)) == ENVELOPE
        assert stack.SECRET not in answer.text


@pytest.mark.parametrize("path", LISTS)
def test_items_have_every_field_and_times_are_utc(dark: Api, path: str) -> None:
    for item in dark.get(f"/api/{path}/").json()["data"]["components"]:
        assert ITEM.keys() <= item.keys()
        assert TIME.fullmatch(item["checked_at"])
        assert TIME.fullmatch(item["since"])
        assert all(metric.keys() == {"name", "labels", "value", "unit"} for metric in item["metrics"])


def test_status_names_root_causes_and_counts(dark: Api) -> None:
    answer = dark.get("/api/status/").json()
    assert answer["status"] == "critical"
    assert answer["error"]["code"] == "refused"
    assert answer["took_ms"] == 2.5
    data = answer["data"]
    assert data["counts"] == {"off": 0, "ok": 2, "unknown": 0, "warning": 1, "critical": 1}
    assert data["root_causes"] == [{"name": "broker", "status": "critical", "explains": ["web"]}]
    assert data["message"].startswith("2 of 4 need you")
    assert {item["name"]: item["caused_by"] for item in data["components"]}["web"] == ["broker"]
    assert data["alerts"] == []


def test_metrics_of_a_kind_hold_values_with_units_and_never_nan(dark: Api) -> None:
    (host,) = dark.get("/api/metrics/system/").json()["data"]["components"]
    assert host["metrics"] == [{"name": "host_cpu_ratio", "labels": {}, "value": 0.41, "unit": "ratio"}]
    assert host["tables"] == {"top": [{"what": "init", "ratio": None}]}
    (network,) = dark.get("/api/network/status/").json()["data"]["components"]
    assert network["targets"] == [{"target": "10.0.0.1:443", "rtt_seconds": 0.0011, "reachable": 1.0}]
    assert network["interfaces"] == [
        {"interface": "eth0", "receive_bytes_per_second": 1.2e6, "utilization_ratio": None}
    ]


@pytest.mark.parametrize("path", ["metrics/dataflow", "iqfeed", "ib", "monitor/trading-health", "alerts"])
def test_what_this_version_cannot_watch_is_off_and_says_so(dark: Api, path: str) -> None:
    answer = dark.get(f"/api/{path}/").json()
    assert answer["status"] == "off"
    assert answer["data"]["message"].startswith("This version has no ")
    assert answer["checked_at"] is None


def test_a_kind_without_a_component_says_how_to_configure_one(dark: Api) -> None:
    answer = dark.get("/api/metrics/redis/").json()
    assert answer["status"] == "off"
    assert 'kind = "redis"' in answer["data"]["message"]


def test_a_component_filter_narrows_and_a_wrong_one_is_refused(dark: Api) -> None:
    answer = dark.get("/api/monitor/components/?component=web&component=host").json()
    assert [(item["name"], item["depth"]) for item in answer["data"]["components"]] == [("host", 0), ("web", 2)]
    refused = dark.get("/api/metrics/system/?component=web")
    assert refused.status_code == 400
    assert refused.json()["detail"] == '"component" is "web"; there are: host.'


def test_the_tree_tells_dependents_breaker_and_next_check(dark: Api) -> None:
    tree = {item["name"]: item for item in dark.get("/api/monitor/components/").json()["data"]["components"]}
    assert tree["host"]["dependents"] == ["network", "broker"]
    assert tree["broker"]["breaker"] == {"state": "closed", "failures": 0}
    assert tree["broker"]["last_error"]["code"] == "refused"
    assert TIME.fullmatch(tree["broker"]["next_check_at"])


def test_since_returns_what_changed() -> None:
    api = Api(stack.watched("clickhouse://127.0.0.1:9"))
    newest = max(view.result.checked_at for view in api.monitor.views() if view.result)
    later = utc(newest.timestamp() + 0.25)
    since = newest.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    unchanged = [item["name"] for item in changed_since(api, utc(newest.timestamp() + 0.002).isoformat())]
    assert unchanged == []
    publish(api.monitor, later.timestamp())
    assert [item["name"] for item in changed_since(api, utc(newest.timestamp() + 0.002).isoformat())] == ["host"]
    assert TIME.fullmatch(since)
    everything = api.get("/api/monitor/realtime-metrics/").json()["data"]
    assert len(everything["components"]) == 4
    again = changed_since(api, everything["next_since"])
    assert "host" in [item["name"] for item in again], "what came within the last second may come twice"


def changed_since(api: Api, since: str) -> list[dict[str, object]]:
    answer = api.get("/api/monitor/realtime-metrics/", params={"since": since})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["data"]["components"]
    return found


def publish(monitor: Monitor, at_s: float) -> ProbeResult:
    result = stack.result("host", "host", Status.OK, at_s, (Reading("host_cpu_ratio", 0.9),))
    monitor.board.publish(result)
    return result


def test_a_stale_result_is_unknown_and_says_its_age() -> None:
    monitor = Monitor(stack.settings("clickhouse://127.0.0.1:9"))
    for result in stack.results(time.time() - 3600):
        monitor.board.publish(result)
    answer = Api(monitor).get("/api/metrics/system/").json()
    assert answer["stale"] is True
    assert answer["status"] == "unknown"
    assert answer["age_s"] >= 3600
    assert answer["data"]["components"][0]["stale"] is True


def test_health_is_503_while_the_loop_does_not_turn_and_200_when_it_does() -> None:
    monitor = Monitor(stack.settings("clickhouse://127.0.0.1:9").model_copy(update={"component": ()}))
    api = Api(monitor)
    stopped = api.get("/api/health/")
    assert stopped.status_code == 503
    assert stopped.headers["content-type"] == "application/problem+json"
    assert stopped.json()["data"]["version"]
    monitor.start()
    try:
        answer = api.get("/api/health")
    finally:
        monitor.stop()
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["data"]["uptime_s"] >= 0


def test_debug_masks_secrets_but_shows_the_rest(dark: Api) -> None:
    answer = dark.get("/api/debug/")
    data = answer.json()["data"]
    assert stack.SECRET not in answer.text
    web = next(c for c in data["configuration"]["component"] if c["name"] == "web")
    assert web["url"] == "http://desk:***@127.0.0.1:9/health"
    assert web["interval_s"] == 10
    assert data["configuration"]["history"]["dsn"].startswith("clickhouse://desk:***@127.0.0.1:")
    assert data["versions"]["fastapi"] != "not installed"
    assert [runner["name"] for runner in data["runners"]] == ["host", "network", "broker", "web"]
    assert data["history"]["ready"] is False
    assert data["history"]["error"]["code"] == "refused"


def test_exposition_is_prometheus_text(dark: Api) -> None:
    for url in ("/api/metrics/", "/metrics"):
        answer = dark.get(url)
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = answer.text.splitlines()
        assert 'probe_up{component="broker"} 0.0' in lines
        assert 'network_rtt_seconds{component="network",target="10.0.0.1:443"} 0.0011' in lines
        assert lines.count("# TYPE probe_up gauge") == 1
        assert "nan" not in answer.text.lower().replace("nanos", "")
