import re
from typing import Any

import pytest

from tests.api.stack import Api, answered

PATHS = (
    "/health/", "/debug/", "/status/", "/services/health/", "/metrics/system/", "/metrics/dataflow/", "/metrics/kafka/",
    "/metrics/clickhouse/", "/metrics/redis/", "/alerts/", "/alerts/{alert_id}/ack/", "/alerts/silences/", "/iqfeed/",
    "/ib/", "/network/status/", "/network/history/", "/network/capacity/", "/monitor/realtime-metrics/",
    "/monitor/components/", "/monitor/trading-health/", "/monitor/health-trend/", "/monitor/performance/", "/query/",
    "/query/series/",
    "/events/", "/events/{event_id}/", "/views/", "/views/{view_id}/", "/metrics/", "/stream/",
)  # fmt: skip
NEEDED = {"/query/": "?metric=network_rtt_seconds"}


def test_every_path_is_documented_with_an_example(dark: Api) -> None:
    paths = dark.get("/api/openapi.json").json()["paths"]
    assert sorted(paths) == sorted(PATHS)
    for path, methods in paths.items():
        for operation in methods.values():
            assert operation["summary"], path
            assert len(operation["description"]) > 10, path
            (content,) = operation["responses"]["200"]["content"].values()
            assert content["example"], path
            assert "422" not in operation["responses"], "a bad request is a 400 problem"


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in PATHS
        if "{" not in path and path not in {"/stream/", "/metrics/", "/health/", "/alerts/silences/"}
    ],
)
def test_an_example_has_the_keys_of_the_real_answer(lit: Api, path: str) -> None:
    operation = lit.get("/api/openapi.json").json()["paths"][path]["get"]
    example = operation["responses"]["200"]["content"]["application/json"]["example"]
    url = f"/api{path}{NEEDED.get(path, '')}"
    answered(lit, url)
    real = lit.get(url).json()
    assert list(real) == list(example)
    assert sorted(real["data"]) == sorted(example["data"])
    for name, rows in example["data"].items():
        found = real["data"][name]
        if isinstance(rows, list) and rows and isinstance(rows[0], dict) and found:
            assert sorted(found[0]) == sorted(rows[0]), name


def test_the_documentation_page_needs_nothing_from_outside(dark: Api) -> None:
    for url in ("/api/docs", "/api/docs/"):
        page = dark.get(url)
        assert page.status_code == 200
        links = re.findall(r'(?:src|href|url:)\s*=?\s*"([^"]+)"', page.text)
        assert len(links) == 4
        assert all(link.startswith("/api/") for link in links)
        for link in links:
            assert dark.get(link).status_code == 200, link
    redirect = dark.get("/api/")
    assert (redirect.status_code, redirect.headers["location"]) == (307, "/api/docs/")


def test_the_schema_names_where_it_is_mounted(dark: Api) -> None:
    schema: dict[str, Any] = dark.get("/api/openapi.json").json()
    assert schema["servers"] == [{"url": "/api"}]
