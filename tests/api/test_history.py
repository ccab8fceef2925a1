import io
import re
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet
import pytest

from history.reader import Answer
from history.rows import Sample, SeriesKey, SeriesRow, insert, samples_table, series_table
from history.sessions import Session, Sessions
from tests.api.stack import Api, answered
from tests.probes.listeners import eventually

POINTS = {"time", "avg", "min", "max", "count"}


def test_network_history_has_points_as_columns(lit: Api) -> None:
    data = answered(lit, "/api/network/history/?from=now-30m&step=1m&metric=network_rtt_seconds")
    assert (data["step_s"], data["tier"], data["state"]) == (60, "raw", "fresh")
    assert data["window"]["from"].endswith(":00.000Z")
    (series,) = data["series"]
    assert (series["component"], series["labels"], series["unit"]) == ("network", {"target": "10.0.0.1:443"}, "seconds")
    points = series["points"]
    assert points.keys() == POINTS
    assert len({len(column) for column in points.values()}) == 1
    assert sum(points["count"]) == 90
    assert points["avg"] == pytest.approx([0.0011] * len(points["avg"]), rel=1e-3)
    assert points["time"] == sorted(points["time"])
    assert points["time"][0].endswith("Z")


def test_a_range_may_name_sessions_of_the_exchange(lit: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    hour_s = int(time.time()) // 3600 * 3600
    today = Session(datetime.now(UTC).date(), hour_s - 7200, hour_s - 3600, hour_s + 3600, hour_s + 7200)
    monkeypatch.setattr(lit.monitor.sessions, "known", Sessions("NYSE", ZoneInfo("UTC"), (today,)))
    data = answered(lit, "/api/network/history/?from=session&to=session&step=1m")
    ends = [datetime.fromisoformat(data["window"][end]).timestamp() for end in ("from", "to")]
    assert ends == [today.open_s, today.close_s]


def test_health_trend_tells_uptime_with_its_coverage(lit: Api) -> None:
    data = answered(lit, "/api/monitor/health-trend/?from=now-30m&component=broker&component=host")
    rows = {row["name"]: row for row in data["components"]}
    assert rows["host"]["uptime"]["up_ratio"] == 1
    broker = rows["broker"]["uptime"]
    assert broker["up_ratio"] == pytest.approx(2 / 3, abs=0.02)
    assert broker["observed_ratio"] == pytest.approx(0.5, abs=0.03)
    assert (broker["incidents"], broker["worst_status"], broker["mttr_s"]) == (1, "critical", None)
    shares = rows["broker"]["status_shares"]
    assert max(shares["critical_ratio"]) == pytest.approx(1)
    assert min(shares["observed_ratio"]) == 0
    assert rows["host"]["latency_seconds"].keys() == POINTS


def test_performance_tells_percentiles_errors_and_throughput(lit: Api) -> None:
    data = answered(lit, "/api/monitor/performance/?from=now-30m")
    rows = {row["name"]: row for row in data["components"]}
    assert rows["broker"]["error_ratio"] == pytest.approx(1 / 3, abs=0.01)
    assert rows["host"]["checks"] == 90
    assert rows["host"]["latency_ms"] == pytest.approx(
        {"p50": 1.5, "p95": 1.5, "p99": 1.5, "max": 1.5, "avg": 1.5}, rel=1e-3
    )
    (rate,) = rows["network"]["throughput"]
    assert (rate["metric"], rate["unit"], rate["avg"]) == (
        "network_receive_bytes_per_second",
        "bytes/s",
        pytest.approx(1.2e6, rel=1e-3),
    )
    assert set(rows["host"]["series"]) == {"probe_latency_seconds", "probe_up"}


def test_capacity_of_a_link_of_unknown_speed_says_so(lit: Api) -> None:
    data = answered(lit, "/api/network/capacity/?from=now-30m")
    (link,) = data["links"]
    assert link["interface"] == "eth0"
    assert link["received_p95_bytes_per_s"] == pytest.approx(1.2e6, rel=1e-3)
    assert link["link_speed_bytes_per_s"] is link["utilization_p95_ratio"] is link["forecast"] is None
    assert "speed of this link is not known" in link["message"]


def test_events_hold_the_status_change(lit: Api) -> None:
    data = answered(lit, "/api/events/?from=now-30m&component=broker")
    assert data["events"] == []
    assert [(change["before"], change["after"]) for change in data["changes"]] == [("ok", "critical")]


def test_services_learn_their_uptime_without_waiting(lit: Api) -> None:
    def known() -> bool:
        data = lit.get("/api/services/health/").json()["data"]
        return bool(data["uptime_state"]["uptime_24h"] == "fresh" and data["components"][0]["uptime_24h"])

    assert eventually(known, 10)
    rows = {row["name"]: row for row in lit.get("/api/services/health/").json()["data"]["components"]}
    assert rows["host"]["uptime_24h"]["up_ratio"] == 1
    assert rows["broker"]["uptime_24h"]["incidents"] == 1
    assert [finding["hint"] for finding in rows["web"]["findings"]] == ["Look."]


@pytest.mark.parametrize(
    ("options", "media_type"),
    [
        ({"params": {"format": "csv"}}, "text/csv"),
        ({"headers": {"Accept": "text/csv"}}, "text/csv"),
        ({"params": {"format": "arrow"}}, "application/vnd.apache.arrow.stream"),
        ({"headers": {"Accept": "application/vnd.apache.parquet"}}, "application/vnd.apache.parquet"),
    ],
)
def test_query_answers_tables(lit: Api, options: dict[str, dict[str, str]], media_type: str) -> None:
    params = {"metric": "host_cpu_ratio", "from": "now-30m", "percentiles": "true", **options.get("params", {})}
    answered(lit, "/api/query/", params={k: v for k, v in params.items() if k != "format"})
    answer = lit.get("/api/query/", params=params, headers=options.get("headers"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.headers["x-tapewatch-tier"] == "raw"
    table = read(answer.content, media_type)
    assert table.column_names == [
        "component",
        "metric",
        "labels",
        "unit",
        "time",
        "avg",
        "min",
        "max",
        "count",
        "p50",
        "p95",
        "p99",
    ]
    assert sum(table["count"].to_pylist()) == 90
    assert set(table["component"].to_pylist()) == {"host"}
    if media_type == "text/csv":
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d0\.000Z", answer.text.splitlines()[1].split(",")[-8].strip('"')
        )


def read(body: bytes, media_type: str) -> pa.Table:
    if media_type == "text/csv":
        return pa.csv.read_csv(io.BytesIO(body))
    if media_type.endswith("parquet"):
        return pyarrow.parquet.read_table(io.BytesIO(body))
    return pa.ipc.open_stream(body).read_all()


def test_query_of_nothing_is_an_empty_table(lit: Api) -> None:
    params = {"metric": "tcp_connect_seconds", "from": "now-30m"}
    assert answered(lit, "/api/query/", params=params)["series"] == []
    assert lit.get("/api/query/", params={**params, "format": "csv"}).text.count("\n") == 1


def test_an_accept_header_nobody_can_serve_is_406(lit: Api) -> None:
    answer = lit.get("/api/query/?metric=probe_up", headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_slow_history_is_a_503_that_says_ask_again(lit: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lit.monitor.reader, "answer", lambda *_: Answer("pending", None))
    answer = lit.get("/api/network/history/?from=now-45m")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["state"] == "pending"


def test_an_old_answer_is_shown_as_stale_with_the_reason(lit: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "/api/events/?from=now-40m"
    answered(lit, url)
    failed = lit.monitor.store.report(ConnectionRefusedError("Connection refused"))
    try:
        answer = lit.get(url).json()
        assert (answer["stale"], answer["status"], answer["error"]["code"]) == (True, "unknown", failed.code)
        assert answer["data"]["changes"]
    finally:
        assert eventually(lambda: lit.monitor.store.state.ready, 10)


def test_imported_series_can_be_asked_for_and_are_listed(lit: Api) -> None:
    key = SeriesKey("elsewhere", "imported_widgets", (("plant", "north"),))
    at_s = int(time.time()) - 60
    client = lit.monitor.store.connect()
    database = lit.monitor.store.database
    insert(client, f"{database}.series", series_table([SeriesRow(key, "count", "gauge")]), "imported series")
    insert(client, f"{database}.samples", samples_table([Sample(key.id, at_s, 7.5)]), "imported samples")
    client.close()
    params = {"metric": "imported_widgets", "component": "elsewhere", "from": "now-10m"}
    (series,) = answered(lit, "/api/query/", params=params)["series"]
    assert (series["labels"], series["points"]["avg"]) == ({"plant": "north"}, [7.5])
    (listed,) = answered(lit, "/api/query/series/", params={"metric": "imported_widgets"})["series"]
    assert (listed["component"], listed["last_value"], listed["kind"]) == ("elsewhere", 7.5, "gauge")
    assert datetime.fromisoformat(listed["last_at"]).timestamp() == at_s
    refused = lit.get("/api/query/", params={"metric": "no_such_metric"})
    assert (refused.status_code, refused.json()["param"]) == (400, "metric")


def test_the_period_before_comes_in_the_same_answer(lit: Api) -> None:
    params = {"metric": "host_cpu_ratio", "from": "now-10m", "compare": "5m"}
    data = answered(lit, "/api/query/", params=params)
    (now,), (before,) = data["series"], data["previous"]
    assert before["points"]["time"][0] >= data["window"]["from"]
    assert set(now["points"]) == set(before["points"]) == POINTS
    assert "previous" not in answered(lit, "/api/query/", params={"metric": "host_cpu_ratio", "from": "now-10m"})
    for wrong in ("never", "0s", "5", "-1d", "900y"):
        refused = lit.get("/api/query/", params={**params, "compare": wrong})
        assert (refused.status_code, refused.json()["param"]) == (400, "compare"), wrong


def test_the_stack_as_it_stood_at_a_past_moment(lit: Api) -> None:
    now = lit.get("/api/status/").json()["data"]
    assert now["past"] is None
    at_s = int(time.time()) - 600
    answered(lit, f"/api/status/?at={at_s}")
    past = lit.get(f"/api/status/?at={at_s}").json()
    data = past["data"]
    assert datetime.fromisoformat(data["past"]["at"]).timestamp() == at_s
    assert [row["name"] for row in data["components"]] == [row["name"] for row in now["components"]]
    rows = {row["name"]: row for row in data["components"]}
    assert (rows["host"]["status"], rows["host"]["latency_ms"]) == ("ok", pytest.approx(1.5, rel=1e-3))
    assert rows["host"]["age_s"] < 60
    assert past["took_ms"] is None
    long_ago = answered(lit, "/api/status/?at=2001-09-09T00:00:00Z")
    assert {row["status"] for row in long_ago["components"]} == {"unknown"}
