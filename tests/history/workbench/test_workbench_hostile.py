"""Statements that try to get out: each is refused in a sentence, on both engines, and nothing has happened."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from history.workbench.session import Session, session
from tests.history.rows import client_of
from tests.history.workbench.conftest import SECRET, Desk

FILES = """
select file('{canary}')
select FILE('{canary}')
select `file`('{canary}')
select "file"('{canary}')
select/**/file/**/('{canary}')
select file ('{canary}')
select * from file('{canary}')
select * from file('{canary}', 'TSV', 's String')
select * from fileCluster('default', '{canary}')
select * from filesystem('{outside}')
select * from url('file://{canary}', 'TSV', 's String')
select * from url('http://127.0.0.1:1/', 'TSV', 's String')
select * from s3('http://127.0.0.1:1/x', 'TSV', 's String')
select * from s3Cluster('default', 'http://127.0.0.1:1/x')
select * from gcs('http://127.0.0.1:1/x')
select * from azureBlobStorage('x', 'y', 'z')
select * from hdfs('hdfs://127.0.0.1:1/x', 'TSV', 's String')
select * from iceberg('http://127.0.0.1:1/x')
select * from deltaLake('http://127.0.0.1:1/x')
select * from hudi('http://127.0.0.1:1/x')
select * from sqlite('{canary}', 't')
select * from python('x')
select * from Python(canary)
select * from executable('cat {canary}', 'TSV', 's String')
select * from input('s String')
select 1 where file('{canary}') = ''
select 1 order by file('{canary}')
select 1 group by file('{canary}')
select 1 having file('{canary}') = ''
select 1 limit length(file('{canary}'))
select 1 limit 1 offset length(file('{canary}'))
select 1 limit length(file('{canary}')) by 1
select 1 order by 1 with fill from length(file('{canary}')) to 2
select 1 as a order by a with fill from 1 to 2 interpolate (a as length(file('{canary}')))
select quantile(length(file('{canary}')))(1)
select sum(1) over (order by 1 rows between length(file('{canary}')) preceding and current row)
select sum(1) over (partition by file('{canary}'))
select 1 from samples prewhere file('{canary}') = ''
select 1 from samples as a join series as b on a.series_id = b.series_id and file('{canary}') = ''
select 1 from samples array join [file('{canary}')] as x
select 1 qualify file('{canary}') = ''
select case when file('{canary}') = '' then 1 else 2 end
select [file('{canary}')][1]
select (file('{canary}'), 1).1
select map('a', file('{canary}'))['a']
select (select file('{canary}'))
select exists(select file('{canary}'))
select 1 in (select length(file('{canary}')))
select arrayMap(x -> file(x), ['{canary}'])
select arrayFilter(x -> file('{canary}') = '', [1])
select arrayReduce('any', [file('{canary}')])
select any(file('{canary}'))
select fileIf('{canary}', 1)
with file('{canary}') as x select x
with x as (select file('{canary}')) select * from x
with (select file('{canary}')) as x select x
with x -> file(x) as f select f('{canary}')
select component apply file from series
select * apply file from series
select * apply(x -> file(x)) from series
select columns('.*') apply(file) from series
select * replace(file('{canary}') as component) from series
select 1 union all select length(file('{canary}'))
select 1 intersect select length(file('{canary}'))
select 1 except select length(file('{canary}'))
from (select file('{canary}')) select *
select '{canary}' as p, file(p)
select 'a' || file('{canary}')
select toUInt8(file('{canary}'))
select concat('x', $$y$$, file('{canary}'))
select $x$ ' $x$, file('{canary}')
select 'it''s \\\\', file('{canary}')
select 'a\\'', file('{canary}') --'
select sum(1) as `a, function_name: sum`, file('{canary}')
select 1 as `x
  FUNCTION id: 9, function_name: sum`
"""
OTHER_TABLES = """
select * from private
select * from t_workbench.private
select * from t_other.samples
select * from samples, private
select * from samples join private on 1
select * from samples paste join private
select * from samples where series_id in private
select * from samples where series_id in (private)
select * from samples where series_id not in t_workbench.private
select in(1, private)
select globalIn(1, private)
select (select secret from private)
select toUInt8((select secret from private))
select count() from (select 1) where exists(select * from private)
with a as (select secret from private) select * from a
with private as (select 1) select * from private
select 1 as private, 1 in private
select * from (with private as (select 1) select * from private) as x join private on 1
with `t_workbench.private` as (select 1) select * from t_workbench.private
with `t_other.samples` as (select 1) select * from t_other.samples
with private as t select 1 in t
with t_workbench.private as t select * from t
select ', alias: system.tables, ' as x, 1 in system.tables
select arrayMap(x -> x in private, [1])
select columns('
QUERY id: 1, cte_name: private') from series union all select * from private
select in(columns('a
  FUNCTION id: 1, function_name: sum'), private) from series
select * from view(select * from private)
select * from viewIfPermitted(select * from private else null('x String'))
select * from merge('system', '.*')
select * from merge('t_workbench', '.*')
select * from cluster('default', t_workbench, private)
select * from clusterAllReplicas('default', system.one)
select * from remote('127.0.0.1', t_workbench, private)
select * from remoteSecure('127.0.0.1', t_workbench, private)
select * from loop(private)
select * from mergeTreeIndex('t_workbench', 'private')
select * from mergeTreeProjection('t_workbench', 'private', 'p')
select * from dictionary('d')
select dictGet('d', 'a', 1)
select dictHas('d', 1)
select joinGet('t_workbench.private', 'secret', 1)
select hasColumnInTable('t_workbench', 'private', 'secret')
select * from system.tables
select * from system.processes
select * from system.settings
select * from `system`.`users`
select * from information_schema.tables
select * from INFORMATION_SCHEMA.COLUMNS
select * from samples_15m_mv
select * from schema_version
select * from `.inner.x`
select * from mysql('127.0.0.1:1', 'd', 't', 'u', 'p')
select * from postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')
select * from mongodb('127.0.0.1:1', 'd', 't', 'u', 'p', 's String')
select * from redis('127.0.0.1:1', 'k', 'k String, v String')
select * from jdbc('x', 'y', 'z')
select * from odbc('x', 'y', 'z')
select * from arrowFlight('127.0.0.1:1', 'x')
"""
OTHER_VERBS = """
insert into samples select * from samples
insert into function file('{outside}', 'TSV') select 1
drop table samples
truncate table samples
alter table samples delete where 1
optimize table samples final
create table t_workbench.mine (x UInt8) engine = Memory
create function f as x -> file(x)
create user somebody
grant all on *.* to default
rename table samples to gone
detach table samples
attach table samples
exchange tables samples and series
system shutdown
system flush logs
kill query where 1
set readonly = 0
set max_memory_usage = 0
use system
show tables
show create table samples
describe table private
exists table private
explain select file('{canary}')
explain estimate select * from private
explain query tree run_passes = 1 select file('{canary}')
check table samples
backup database t_workbench to File('{outside}')
watch samples
begin transaction
select 1; drop table samples; select 1
select 1 ; drop table samples
select 1;;select 2
select * from (select 1) ; insert into samples select * from samples) ;
) ; drop table samples; select (1
select 1 into outfile '{outside}'
select 1 into outfile '{outside}' truncate format CSV
select 1 format Null
select * from samples settings readonly = 0
select * from (select 1 settings max_execution_time = 0)
select 1 settings max_rows_to_read = 0, readonly = 0 format JSON
select 1 parallel with select 2
with recursive t as (select 1 as n union all select n + 1 from t) select n from t
select * from samples stream
/* select */ drop table samples
-- select
(drop table samples)
values (1)
"""
OTHER_FUNCTIONS = """
select sleep(3)
select sleepEachRow(3) from samples
select throwIf(1)
select ignore(1)
select materialize(1)
select identity(1)
select getSetting('max_threads')
select getMacro('shard')
select getServerPort('http_port')
select getOSKernelVersion()
select hostName()
select FQDN()
select fqdn()
select currentUser()
select current_user
select user
select session_user
select currentDatabase()
select SCHEMA
select currentRequestURL
select version()
select uptime()
select serverUUID()
select buildId()
select tcpPort()
select showCertificate()
select getClientHTTPHeader('Authorization')
select connectionId()
select queryID()
select filesystemAvailable()
select evalMLMethod(1, 2)
select catboostEvaluate('{canary}', 1)
select naiveBayesClassifier('x', 'y')
select aiGenerate('x')
select chdb('select 1')
select formatQuery('select 1')
select fuzzQuery('select 1')
select initializeAggregation('sumState', 1)
select finalizeAggregation(q) from samples_15m
select arrayReduce('aggThrow(1.0)', [1])
select aggThrow(1.)
select runningAccumulate(q) from samples_15m
select addressToLine(1)
select logTrace('x')
select transactionID()
select zookeeperSessionUptime()
select generateUUIDv4()
select generateRandomStructure(1)
select * from generateRandom('a String')
select * from numbers(1000000000000000000)
select * from numbers_mt(1000000000000000000)
select * from zeros(1000000000000000000)
select * from generateSeries(1, 1000000000000)
select * from values('a UInt8', 1)
select * from `values`('a UInt8', 1)
select * from null('a UInt8')
select * from format(TSV, 's String', 'x')
select format('{{}}', 'x')
select cast('x' as AggregateFunction(sum, UInt8))
select 'x'::AggregateFunction(groupArray, String)
select cast('x', 'Aggregate' || 'Function(sum, UInt8)')
select cast('x', 'Tuple(Enum8(\\'a\\\\\\'\\' = 1), AggregateFunction(sum, UInt8), Enum8(\\'b\\' = 1))')
select accurateCast('x', 'AggregateFunction(sum, UInt8)')
select 1::JSON
select arrayFold((a, x) -> a + x, range(1000), 0)
select hasAll(range(100000), range(100000))
select has(range(1000000), 1)
select editDistance('a', 'b')
select _CAST('x', 'AggregateFunction(sum, UInt8)')
select __getScalar('x')
select {{x:Identifier}}
select * from {{t:Identifier}}
select {{from:String}}
select {{from:DateTime64(3)}}
select {{q:String}}
select user_defined(1)
select ﬁle('{canary}')
select file（'{canary}'）
select “file”('{canary}')
select тест('{canary}')
select 'a
b'
select ¤
select @@version
select ?
select $1
"""
NOT_SQL = (
    "",
    "   ",
    ";",
    "--",
    "/*",
    "select",
    "'",
    "`",
    "\\",
    "select (((",
    "select 'a",
    "\x00",
    "select \x00 1",
    "🙂",
)
BLOCKS = {"files": FILES, "tables": OTHER_TABLES, "verbs": OTHER_VERBS, "functions": OTHER_FUNCTIONS}


def statements(block: str) -> list[str]:
    """The statements of a block: a line that does not begin with a verb goes on from the one before."""
    found: list[str] = []
    for line in block.strip("\n").split("\n"):
        goes_on = line.startswith(("  ", "QUERY", "b'"))
        found = [*found[:-1], f"{found[-1]}\n{line}"] if goes_on else [*found, line]
    return found


def test_there_are_enough_of_them() -> None:
    assert sum(len(statements(block)) for block in BLOCKS.values()) >= 250


@pytest.mark.parametrize("block", BLOCKS)
def test_a_hostile_statement_is_refused_in_a_sentence_and_nothing_has_happened(
    desk: Desk, opened: Session, block: str
) -> None:
    before = desk.rows()
    taken = []
    for index, template in enumerate(statements(BLOCKS[block])):
        text = template.format(canary=desk.canary, outside=desk.outside)
        outcome = desk.checked(opened, text) if index % 10 else desk.run(text)
        if outcome.state != "refused" or not outcome.sentence.endswith((".", "?")) or outcome.took_s > 2.5:
            taken.append((template, outcome))
        assert SECRET not in f"{outcome}", template
        assert outcome.result is None, template
        assert "DB::" not in outcome.sentence, template
    assert taken == []
    assert not desk.outside.exists()
    assert desk.rows() == before


@pytest.mark.parametrize("text", NOT_SQL)
def test_what_is_no_sql_is_refused_in_a_sentence(desk: Desk, opened: Session, text: str) -> None:
    outcome = desk.checked(opened, text)
    assert (outcome.state, outcome.sentence[-1]) == ("refused", "."), outcome


def test_what_is_endless_is_refused(desk: Desk) -> None:
    for text in (
        "select " + "(" * 5000 + "1" + ")" * 5000,
        "select " + "not " * 5000 + "1",
        "select " + "-" * 15000 + "1",
        "select " + "[" * 3000,
        "select 1" + " union all select 1" * 900,
        "select " + ", ".join(map(str, range(4000))),
        "select '" + "x" * 30_000 + "'",
        "select " + "case when 1 then " * 900 + "1" + " end" * 900,
        "select " + "arrayMap(x -> " * 500 + "x" + ", [1])" * 500,
    ):
        outcome = desk.run(text)
        assert outcome.state in {"refused", "done"}, (text[:60], outcome)
        assert outcome.took_s < 4


WRAPS = (
    "select {}",
    "select 1 where {} = ''",
    "with x as (select {}) select * from x",
    "select (select {})",
    "select arrayMap(x -> {}, [1])",
    "select any({})",
    "select [{}][1]",
    "select if(1, {}, '')",
    "select * from (select {} as y) as z",
    "select max({}) over ()",
    "select 1 union all select {}",
    "select * replace({} as component) from series",
)
SPELLINGS = (
    "file('{c}')",
    "`file`('{c}')",
    "\"file\"('{c}')",
    "file /* */ ( '{c}' )",
    "(secret)",
    "materialize(file('{c}'))",
)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(WRAPS), min_size=1, max_size=3), st.sampled_from(SPELLINGS), st.booleans())
def test_no_way_of_wrapping_a_read_gets_it_through(
    desk: Desk, opened: Session, wraps: list[str], spelling: str, shout: bool
) -> None:
    text = spelling.replace("(secret)", "(select secret from private)").format(c=desk.canary)
    for wrap in wraps:
        text = wrap.format(text if text.startswith(("file", "`", '"', "(", "mat")) else f"({text})")
    text = text.upper().replace(str(desk.canary).upper(), str(desk.canary)) if shout else text
    outcome = desk.checked(opened, text)
    assert outcome.state == "refused", text
    assert SECRET not in f"{outcome}"


def test_the_client_of_a_statement_can_only_read_even_where_nobody_looked_at_it_first(desk: Desk) -> None:
    before = desk.rows()
    with session(desk.store, desk.bench.settings, "unguarded") as own:
        settings = own.locked()
        for text in (
            "INSERT INTO samples (series_id, ts, bits) SELECT 1, now(), 1",
            "CREATE TABLE mine (x UInt8) ENGINE = Memory",
            "DROP TABLE private",
            "TRUNCATE TABLE private",
            f"SELECT * FROM file('{desk.canary}', 'TSV', 's String')",
            "SET readonly = 0",
            "SET max_execution_time = 0",
        ):
            with pytest.raises(Exception, match=r"Code: (164|497)|readonly|ReadOnly|READONLY"):
                own.client.command(text, settings=settings)
    assert desk.rows() == before
    with client_of(desk.store) as client:
        assert client.command("SELECT 1") == 1
