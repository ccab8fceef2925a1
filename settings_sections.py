"""The sections of the configuration, each a frozen model: what keys there are, in which units, with which defaults."""

from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from settings_types import (
    DEFAULT_CALENDAR,
    NAME,
    BaseUrl,
    CalendarName,
    Duration,
    SecretUrl,
    TimeZone,
    one_database,
    url_of,
)

DEFAULT_ZONE = "America/New_York"


class Section(BaseModel):
    """A part of the configuration: frozen, unknown keys refused, defaults checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class App(Section):
    """``[app]``: what the screen says, and who may write.

    `base_url` stands in links that are copied; None: the address the reader's browser shows. `api_writes` lets other
    machines leave notes through the API.
    """

    title: str = Field("Tapewatch", min_length=1, max_length=60)
    time_zone: TimeZone = DEFAULT_ZONE
    desk_calendar: CalendarName = DEFAULT_CALENDAR
    base_url: BaseUrl | None = None
    api_writes: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Retention(Section):
    """How long each tier of the history is kept, in seconds."""

    raw_s: Duration = Field(90 * 86400.0, alias="raw")
    quarter_hour_s: Duration = Field(2 * 365 * 86400.0, alias="quarter_hour")
    four_hours_s: Duration = Field(6 * 365 * 86400.0, alias="four_hours")
    days_s: Duration = Field(10 * 365 * 86400.0, alias="days")


class History(Section):
    """``[history]``: where samples, status changes and events are kept."""

    dsn: Annotated[SecretUrl, url_of("chdb", "clickhouse", "clickhouses")] = SecretUrl("chdb://var/history")
    database: str = Field("tapewatch", pattern=NAME)
    cluster: str = Field("", pattern=r"^([A-Za-z_][A-Za-z0-9_-]{0,62})?$")
    flush_s: Duration = Field(20.0, alias="flush")
    max_waiting_samples: int = Field(5_000_000, ge=1_000)
    spool: str = Field("var/spool", min_length=1)
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _one_database(self) -> Self:
        given = self.database if "database" in self.model_fields_set else None
        object.__setattr__(self, "database", one_database(self.dsn, given, self.database))  # frozen once it is made
        return self


class State(Section):
    """``[state]``: the Redis through which several processes share one board."""

    redis_url: Annotated[SecretUrl | None, url_of("redis", "rediss")] = None


class MonitorSection(Section):
    """``[monitor]``: how often and how long components are checked, where theirs says nothing else."""

    interval_s: Duration = Field(10.0, alias="interval", ge=1)
    deadline_s: Duration = Field(2.0, alias="deadline", ge=0.1)


class Workbench(Section):
    """``[workbench]``: SQL by analysts; `enabled` None: where only this machine can reach the application."""

    enabled: bool | None = None
    dsn: Annotated[SecretUrl | None, url_of("clickhouse", "clickhouses")] = None
    max_seconds: float = Field(10.0, ge=1, le=600)
    max_rows: int = Field(10_000, ge=1, le=100_000)


class Limit(Section):
    """An operator's own thresholds for one metric; what is not given keeps the catalogue's default."""

    warning: float | None = None
    critical: float | None = None


class Component(Section):
    """One monitored thing. Each probe module derives its own with the options of its kind."""

    kind: str
    name: str = Field("", pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:@/-]{0,63}$")
    critical: bool = True
    depends_on: tuple[str, ...] = ()
    interval_s: Duration | None = Field(None, alias="interval", ge=1)
    deadline_s: Duration | None = Field(None, alias="deadline", ge=0.1)
    thresholds: dict[str, Limit] = {}

    @property
    def target(self) -> str:
        """What the component is reached at, without secrets, for sentences."""
        return self.name
