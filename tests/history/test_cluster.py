"""`history.cluster`: its statements are read by the engine's own parser, and run on its Distributed engine.

The embedded engine has no Keeper, so ON CLUSTER and Replicated are only parsed. Distributed it has, when a file
names a cluster: one shard, in a process of its own. `python -m tests.history.test_cluster` writes the statements into
docs/scaling.md.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from history import rows
from history.rows import Sample, SeriesKey, SeriesRow
from history.schema import (
    DEDUPLICATION_WINDOW,
    SPOOL_REACH_S,
    TABLES,
    Layout,
    create_database,
    create_tables,
    layout_of,
    rollups,
)
from history.store import Store
from history.upgrades import migrate
from probes.result import ProbeFailure
from settings import DEFAULT_ZONE, History
from settings_types import SecretUrl
from tests.clickhouse_http import clickhouse_process
from tests.history.rows import T0_S
from tests.probes.fakes import FILL

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
DDL = re.compile(r"(<!-- ddl -->\n```sql\n)(.*?)(```\n<!-- /ddl -->)", re.DOTALL)
TOKYO = "Asia/Tokyo"
WEEK_S = 7 * 86400
SERVERS = """<clickhouse><tcp_port>9000</tcp_port><remote_servers><desk><shard>
<internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>9000</port></replica>
</shard></desk></remote_servers></clickhouse>"""
HELD = {"samples", "samples_15m", "samples_4h", "samples_1d", "schema_version", *(table.name for table in TABLES)}


def layout(cluster: str, **keys: object) -> Layout:
    return layout_of(History.model_validate({"cluster": cluster, **keys}), DEFAULT_ZONE)


def statements(of: Layout) -> list[str]:
    return [*create_database(of), *create_tables(of)]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A CREATE statement as the engine read and wrote it again."""

    kind: str
    name: str
    cluster: str
    copy_of: str
    engine: str
    arguments: tuple[str, ...]
    settings: dict[str, str]
    to: str
    source: str

    @classmethod
    def of(cls, text: str) -> "Parsed":
        def found(pattern: str) -> str:
            match = re.search(pattern, text)
            return match[1] if match else ""

        head = re.match(r"CREATE (DATABASE|TABLE|MATERIALIZED VIEW) IF NOT EXISTS (\S+)", text)
        assert head, text
        settings = found(r" SETTINGS (.*?)(?: COMMENT .*)?$")
        return cls(
            kind=head[1],
            name=head[2],
            cluster=found(r"^[^(]*? ON CLUSTER (\S+)"),
            copy_of=found(r"^[^(]*? AS (\S+) ENGINE"),
            engine=found(r" ENGINE = (\w+)"),
            arguments=tuple(filter(None, found(r" ENGINE = \w+\((.*?)\)+ ?(?:PARTITION|ORDER|$)").split(", "))),
            settings=dict(pair.split(" = ") for pair in settings.split(", ")) if settings else {},
            to=found(r"^[^(]*? TO (\S+)"),
            source=found(r" FROM (\S+)"),
        )


@pytest.fixture
def client(history_settings: History) -> Iterator[Client]:
    opened = Store(history_settings).connect()
    yield opened
    opened.close()


@pytest.fixture
def parse(client: Client) -> Callable[[str], Parsed]:
    """Read by the engine's parser, which refuses what it does not understand; nothing is executed."""

    def parsed(statement: str) -> Parsed:
        shown = client.query("SELECT formatQuerySingleLine({q:String})", parameters={"q": statement}).result_rows
        assert client.query(f"EXPLAIN AST {statement}").result_rows[0][0].startswith("CreateQuery")
        return Parsed.of(shown[0][0])

    return parsed


def test_every_table_is_replicated_under_a_path_of_its_own(parse: Callable[[str], Parsed]) -> None:
    made = [parse(statement) for statement in statements(layout("desk"))]
    assert {one.cluster for one in made} == {"desk"}
    local = {one.name: one for one in made if one.name.endswith("_local")}
    assert set(local) == {f"tapewatch.{name}_local" for name in HELD}
    for one in local.values():
        name = one.name.removeprefix("tapewatch.").removesuffix("_local")
        assert one.arguments[:2] == (f"'/clickhouse/tables/{{shard}}/tapewatch/{name}'", "'{replica}'"), one
        assert re.fullmatch(r"Replicated(Replacing|Aggregating|)MergeTree", one.engine), one
        assert one.settings["replicated_deduplication_window"] == str(DEDUPLICATION_WINDOW)
        assert one.settings["replicated_deduplication_window_seconds"] == str(SPOOL_REACH_S), "an older spool doubles"
    assert local["tapewatch.event_local"].arguments[2:] == ("ver", "deleted")
    assert local["tapewatch.progress_local"].arguments[2:] == ("at",)


def test_a_distributed_table_stands_before_each_and_keeps_a_series_on_one_shard(
    parse: Callable[[str], Parsed],
) -> None:
    made = [parse(statement) for statement in statements(layout("desk"))]
    before = {one.name: one for one in made if one.engine == "Distributed"}
    assert set(before) == {f"tapewatch.{name}" for name in HELD}
    keys = {}
    for name, one in before.items():
        assert one.copy_of == f"{name}_local"
        assert one.arguments[:3] == ("'desk'", "tapewatch", f"{name.removeprefix('tapewatch.')}_local")
        keys[name.removeprefix("tapewatch.")] = one.arguments[3]
    assert {keys[name] for name in ("series", "latest", "samples", "samples_15m", "samples_4h", "samples_1d")} == {
        "series_id"
    }, "or a view would fill roll-ups whose rows belong to another shard"
    order = [one.name for one in made]
    for name in before:
        assert order.index(f"{name}_local") < order.index(name)


def test_the_cascade_of_views_stays_on_its_shard(parse: Callable[[str], Parsed]) -> None:
    views = [one for one in map(parse, statements(layout("desk"))) if one.kind == "MATERIALIZED VIEW"]
    assert [(one.source, one.to) for one in views] == [
        ("tapewatch.samples_local", "tapewatch.samples_15m_local"),
        ("tapewatch.samples_15m_local", "tapewatch.samples_4h_local"),
        ("tapewatch.samples_4h_local", "tapewatch.samples_1d_local"),
        ("tapewatch.samples_local", "tapewatch.latest_local"),
    ]


def test_one_server_has_none_of_it_and_the_same_columns(parse: Callable[[str], Parsed], client: Client) -> None:
    alone, clustered = statements(layout("")), statements(layout("desk"))
    for statement in alone:
        assert not re.search(r"Replicated|Distributed|ON CLUSTER|_local|(?<!non_)replicated_deduplication", statement)
        one = parse(statement)
        assert (one.cluster, one.copy_of) == ("", "")
        if one.kind == "TABLE":
            assert one.settings["non_replicated_deduplication_window"] == str(DEDUPLICATION_WINDOW)
    stripped = {
        single_server(statement).replace("_local", "") for statement in clustered if "Distributed" not in statement
    }
    assert stripped == set(alone), "a cluster's tables are those of one server"


def test_the_page_shows_what_the_code_makes(client: Client) -> None:
    shown = DDL.search(PAGE.read_text(encoding="utf-8"))
    assert shown, "docs/scaling.md has its DDL between <!-- ddl --> and <!-- /ddl -->"
    assert shown[2] == ddl(client), "run python -m tests.history.test_cluster: the statements are others now"


def ddl(client: Client) -> str:
    """The statements for a cluster named desk, as the engine writes them."""
    return "".join(
        str(client.query("SELECT formatQuery({q:String})", parameters={"q": statement}).result_rows[0][0]) + ";\n\n"
        for statement in statements(layout("desk"))
    )


def single_server(sql: str) -> str:
    """A cluster's statement without what needs a Keeper."""
    sql = re.sub(
        r"Replicated(\w*MergeTree)\('[^']*', '\{replica\}'(?:, )?", r"\1(", sql.replace(" ON CLUSTER 'desk'", "")
    )
    window = r"replicated_deduplication_window=(\d+), replicated_deduplication_window_seconds=\d+"
    return re.sub(window, r"non_replicated_deduplication_window=\1", sql)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a cluster of one shard, migrated for New York; what needs a Keeper is left out of its statements."""
    directory = tmp_path_factory.mktemp("shard")
    (directory / "servers.xml").write_text(SERVERS)
    with clickhouse_process(Path(f"{directory / 'data'}?config-file={directory / 'servers.xml'}")) as server:
        opened = Store(History(dsn=SecretUrl(server.dsn), cluster="desk")).connect()
        command = opened.command
        opened.command = lambda cmd, *args, **keys: command(single_server(cmd), *args, **keys)  # type: ignore[method-assign,assignment]
        migrate(opened, layout("desk"))
        yield opened
        opened.close()


def total(client: Client, table: str, what: str = "sum(cnt)") -> float:
    return float(client.query(f"SELECT {what} FROM tapewatch.{table}").result_rows[0][0])


def test_a_token_reaches_through_the_distributed_table_and_every_roll_up(shard: Client) -> None:
    key = SeriesKey("thing", FILL.name)
    sent = [Sample(key.id, T0_S + hour * 3600, float(hour)) for hour in range(200)]
    for _ in range(3):
        rows.insert(shard, "tapewatch.series", rows.series_table([SeriesRow(key, "ratio", "gauge")]), "one token")
        rows.insert(shard, "tapewatch.samples", rows.samples_table(sent), "one token")
    assert (total(shard, "samples", "count()"), total(shard, "samples", "sum(value)")) == (200, sum(range(200)))
    for table in ("samples_15m", "samples_4h", "samples_1d"):
        assert (total(shard, table), total(shard, table, "sum(vsum)")) == (200, sum(range(200))), table
    assert total(shard, "latest", "count()") == 1
    assert total(shard, "series FINAL", "count()") == 1


def test_the_past_of_one_server_is_taken_along_as_the_page_says(shard: Client) -> None:
    old = layout("", database="old")
    migrate(shard, old)
    raw, older = SeriesKey("old", FILL.name), T0_S // WEEK_S * WEEK_S
    sent = [Sample(raw.id, older + hour * 3600, float(hour)) for hour in range(-300, 300)]
    rows.insert(shard, "old.samples", rows.samples_table(sent), "past")
    shard.command(f"ALTER TABLE old.samples DELETE WHERE ts < {older} SETTINGS mutations_sync = 2")  # as a TTL does
    before = {table: total(shard, table) for table in ("samples_15m", "samples_4h", "samples_1d")}
    copy = re.search(r"<!-- copy -->\n```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert copy
    for statement in copy[1].strip().split(";\n"):
        shard.command(statement.rstrip(";"), settings={"distributed_foreground_insert": 1})
    assert {table: total(shard, table) - counted for table, counted in before.items()} == dict.fromkeys(before, 600)


def test_an_insert_says_what_a_cluster_needs_and_only_there(
    shard: Client, client: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = rows.samples_table([Sample(1, T0_S, 1.0)])
    for opened, table, through in (
        (shard, "tapewatch.samples", {"distributed_foreground_insert", "insert_quorum", "insert_quorum_timeout"}),
        (shard, "tapewatch.samples_local", set()),
        (client, f"{store.database}.samples", set()),
    ):
        said: list[dict[str, object]] = []
        monkeypatch.setattr(opened, "insert_arrow", lambda *_, settings, said=said: said.append(settings))
        rows.insert(opened, table, sent, "t")
        assert set(said[0]) == {"insert_deduplication_token", *rows.ONCE, *through}, table


def test_another_zone_makes_the_days_of_every_shard_anew(shard: Client) -> None:
    zoned = SeriesKey("zoned", FILL.name)
    sent = [Sample(zoned.id, T0_S + hour * 3600, float(hour)) for hour in range(100)]
    rows.insert(shard, "tapewatch.samples", rows.samples_table(sent), "zoned")
    counted = total(shard, "samples_1d")
    try:
        migrate(shard, layout_of(History(cluster="desk"), TOKYO))
        first = "(SELECT min(t) FROM tapewatch.samples_1d)"  # begins before the finest tier does, and stays
        hours = f"SELECT DISTINCT toHour(t, {{zone:String}}) FROM tapewatch.samples_1d WHERE t > {first} + 86400"
        assert shard.query(hours, parameters={"zone": TOKYO}).result_rows == [(0,)]
        assert (total(shard, "samples_1d"), total(shard, "samples_4h")) == (counted, counted)
    finally:
        migrate(shard, layout("desk"))
    assert total(shard, "samples_1d") == counted


def test_one_kind_of_layout_does_not_write_into_the_other(shard: Client, client: Client, store: Store) -> None:
    with pytest.raises(ProbeFailure) as alone:
        migrate(shard, layout(""))
    with pytest.raises(ProbeFailure) as clustered:
        migrate(client, layout("desk", database=store.database))
    assert (
        alone.value.error.message == "The history in tapewatch is a cluster's, and history.cluster does not name one."
    )
    assert "is one server's, and history.cluster names a cluster" in clustered.value.error.message
    assert {one.value.error.code for one in (alone, clustered)} == {"other_layout"}
    assert [rollup.name for rollup in rollups(layout("desk"))] == ["samples_15m", "samples_4h", "samples_1d"]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        text = ddl(Store(History(dsn=SecretUrl(f"chdb://{scratch}"))).connect())
        PAGE.write_text(DDL.sub(lambda match: match[1] + text + match[3], PAGE.read_text(encoding="utf-8")))
