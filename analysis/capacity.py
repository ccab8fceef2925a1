"""How full each link is and when it will be: a question for `history.reader`."""

from collections.abc import Mapping
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from analysis.forecast import Forecast, forecast
from history import queries
from history.answers import Series, Summary
from history.queries import Scope
from history.window import Window

RECEIVED = "network_receive_bytes_per_second"
SENT = "network_transmit_bytes_per_second"
UTILIZATION = "network_utilization_ratio"
LINK_SPEED = "network_link_speed_bytes_per_second"

DAY_S = 86400
FORECAST_DAYS = 91
WEEK_DAYS = 7
LONG_LAG_DAYS = 28
"""Distance of increments where eight weeks are known: growth adds up over four weeks, a busy day's chance does not."""
SPEED_UNKNOWN = (
    "The speed of this link is not known, so neither utilisation nor a forecast can be told: "
    'name it in the component, e.g. capacity = { eth0 = "1Gbit" }.'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCapacity:
    """One interface over a window.

    Attributes:
        link_speed_bytes_per_s: what the link carries; None when unknown, and then the ratios are None as well.
        utilization_p95_ratio, utilization_peak_ratio: the busier direction as a share of the link's speed.
        headroom_ratio: what is left above the p95.
        received_p95_bytes_per_s, received_peak_bytes_per_s: and sent: over the whole window.
        forecast: when the p95 of a week's busiest day reaches the link's speed.
        message: the answer, or what is missing for one, as a sentence.
    """

    component: str
    interface: str
    link_speed_bytes_per_s: float | None
    utilization_p95_ratio: float | None
    utilization_peak_ratio: float | None
    headroom_ratio: float | None
    received_p95_bytes_per_s: float | None
    received_peak_bytes_per_s: float | None
    sent_p95_bytes_per_s: float | None
    sent_peak_bytes_per_s: float | None
    forecast: Forecast | None
    message: str


def capacity(
    client: Client, scope: Scope, window: Window, components: tuple[str, ...] = ()
) -> tuple[LinkCapacity, ...]:
    """Every interface of `components` (empty: of all) over `window`, the fullest first.

    The forecast looks at the 13 weeks before the window's end, however short the window is.
    """
    summaries = queries.summaries(client, scope, window, (RECEIVED, SENT, UTILIZATION, LINK_SPEED), components)
    days = Window(window.end_s - FORECAST_DAYS * DAY_S, window.end_s, DAY_S)
    daily = queries.series(client, scope, days, (UTILIZATION,), components, True)
    lines = {(line.component, line.labels): line for line in daily.series}
    links: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Summary]] = {}
    for summary in summaries:
        links.setdefault((summary.component, summary.labels), {})[summary.metric] = summary
    found = [
        link_capacity(
            component, dict(labels).get("interface", ""), metrics, lines.get((component, labels)), scope.now_s
        )
        for (component, labels), metrics in links.items()
    ]
    return tuple(
        sorted(found, key=lambda link: (-(link.utilization_p95_ratio or -1.0), link.component, link.interface))
    )


def link_capacity(
    component: str, interface: str, metrics: dict[str, Summary], daily: Series | None, now_s: float
) -> LinkCapacity:
    """One link out of its summaries and its daily utilisation. Pure."""
    speed, used = metrics.get(LINK_SPEED), metrics.get(UTILIZATION)
    received, sent = metrics.get(RECEIVED), metrics.get(SENT)
    until_full = forecast_of(daily, now_s) if speed else None
    if speed is None:
        message = SPEED_UNKNOWN
    else:
        message = until_full.message if until_full else "No utilisation was recorded yet, so there is no forecast."
    return LinkCapacity(
        component=component,
        interface=interface,
        link_speed_bytes_per_s=speed.p50 if speed else None,
        utilization_p95_ratio=used.p95 if used else None,
        utilization_peak_ratio=used.high if used else None,
        headroom_ratio=max(0.0, 1 - used.p95) if used else None,
        received_p95_bytes_per_s=received.p95 if received else None,
        received_peak_bytes_per_s=received.high if received else None,
        sent_p95_bytes_per_s=sent.p95 if sent else None,
        sent_peak_bytes_per_s=sent.high if sent else None,
        forecast=until_full,
        message=message,
    )


def forecast_of(daily: Series | None, now_s: float) -> Forecast | None:
    """When the busiest day of a week reaches a utilisation of 1; days that are not over are left out."""
    if daily is None or daily.p95 is None:
        return None
    whole = {
        int(start_s // DAY_S): float(value)
        for start_s, value in zip(daily.t, daily.p95, strict=True)
        if start_s + DAY_S <= now_s
    }
    figures = busiest_of_week(whole)
    return forecast(figures, 1.0, lag_days=LONG_LAG_DAYS if len(figures) >= 2 * LONG_LAG_DAYS else WEEK_DAYS)


def busiest_of_week(daily: Mapping[int, float]) -> dict[int, float]:
    """For each day the highest figure of the seven days that end with it: a link must carry its busiest day.

    Weekends, when markets and links are quiet, and single quiet days drop out.
    """
    first = min(daily, default=0)
    return {
        day: max(daily[near] for near in range(day - WEEK_DAYS + 1, day + 1) if near in daily)
        for day in daily
        if day - first >= WEEK_DAYS - 1
    }
