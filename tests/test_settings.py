import contextlib
import io
import logging
import subprocess
import sys
import traceback
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

import probes
import settings
from settings import ConfigError, History, Settings
from settings_types import SecretUrl, mask, parse_address, parse_duration_s, split_address
from ui import state

ROOT = Path(__file__).parent.parent


def load(path: Path | None, environ: dict[str, str] | None = None) -> Settings:
    return settings.load(path, environ or {}, probes.COMPONENTS, probes.component_problems)


@pytest.fixture
def toml(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "desk.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    return lines


def test_the_example_is_valid() -> None:
    loaded = load(ROOT / "tapewatch.example.toml")
    assert {component.kind for component in loaded.component} == set(probes.KINDS)
    kafka = next(c for c in loaded.component if c.name == "kafka")
    assert (loaded.interval_s(kafka), loaded.deadline_s(kafka)) == (15.0, 2.0)
    assert kafka.thresholds["kafka_group_lag_seconds"].critical == 120
    assert loaded.history.retention.raw_s == 90 * 86400


def test_nothing_configured_is_all_defaults() -> None:
    assert load(None) == Settings()


EVERYTHING_WRONG = """
[app]
titel = "x"
time_zone = "Mars/Olympus"
[history]
dsn = "postgres://me:hunter2secret@db/x"
flush = "10"
[state]
redis_url = "file:/nowhere/redis.secret"
[[component]]
kind = "tcp"
name = "a"
address = "localhost:70000"
[[component]]
kind = "tcp"
name = "b"
address = "localhost:80"
depends_on = ["c"]
[[component]]
kind = "tcp"
name = "c"
address = "localhost:81"
depends_on = ["b", "zebra"]
[[component]]
kind = "tcp"
name = "c"
address = "localhost:82"
[[component]]
kind = "tcp"
name = "limits"
address = "localhost:82"
thresholds = { tcp_conect_seconds = { warning = 1 }, tcp_connect_seconds = { warning = 2, critical = 1 } }
[[component]]
kind = "mainframe"
"""


def test_everything_wrong_is_said_at_once(toml) -> None:
    lines = problems(toml(EVERYTHING_WRONG), {"TAPEWATCH_MONITOR__DEADLINE": "never"})
    expected = [
        ("desk.toml: app.titel", "unknown key"),
        ("desk.toml: app.time_zone", "America/New_York"),
        ("desk.toml: history.dsn", "chdb:// or clickhouse://"),
        ("desk.toml: history.flush", "10s"),
        ("desk.toml: state.redis_url", "/nowhere/redis.secret cannot be read: No such file"),
        ("desk.toml: component[0].address", "1 to 65535"),
        ("desk.toml: component.c", "used twice"),
        ("desk.toml: component.c.depends_on", '"zebra"; there are: a, b, c'),
        ("desk.toml: component.depends_on", "a dependency cycle"),
        ("desk.toml: component[4].thresholds.tcp_conect_seconds", 'did you mean "tcp_connect_seconds"?'),
        ("desk.toml: component[4].thresholds.tcp_connect_seconds", "put it below"),
        ("desk.toml: component[5].kind", "expected one of clickhouse, host"),
        ("TAPEWATCH_MONITOR__DEADLINE: monitor.deadline", "with its unit"),
    ]
    for start, text in expected:
        assert any(line.startswith(f"{start}: ") and text in line for line in lines), (start, text, lines)
    assert len(lines) == len(expected), lines
    assert "hunter2secret" not in "\n".join(lines)


def test_a_cycle_is_named_in_its_order(toml) -> None:
    tables = [
        f'[[component]]\nkind = "tcp"\nname = "{name}"\naddress = "x:1"\ndepends_on = ["{on}"]\n'
        for name, on in (("a", "b"), ("b", "c"), ("c", "a"))
    ]
    (line,) = problems(toml("".join(tables)))
    assert "a dependency cycle" in line
    walk = line.rpartition(": ")[2].split(" → ")
    assert len(walk) == 4
    assert walk[0] == walk[-1]
    assert all((before, after) in {("a", "b"), ("b", "c"), ("c", "a")} for before, after in pairwise(walk))


def test_a_component_that_depends_on_itself(toml) -> None:
    (line,) = problems(toml('[[component]]\nkind = "host"\nname = "h"\ndepends_on = ["h"]'))
    assert "h → h" in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[app\n", "cannot be read as TOML"),
        ('[component]\nkind = "host"', "expected [[component]] tables"),
        ("component = [3]", "component[0].kind: expected one of"),
        ('[[component]]\nkind = "tcp"', "component[0].address: this key is missing"),
        ('[[component]]\nkind = "host"\nname = "<b>"', "component[0].name"),
        ('[history]\ndatabase = "x; DROP"', "history.database"),
        ('[history]\nretention = { raw = "0d" }', "history.retention.raw"),
        ('[monitor]\ninterval = "100ms"', "monitor.interval"),
        ('[app]\ndesk_calendar = "Luna"', 'no exchange calendar is called "Luna"; there are NYSE, NASDAQ'),
        ('[app]\ndesk_calendar = "nyse"', 'did you mean "NYSE"?'),
        ('[app]\nbase_url = "tapewatch.example.com"', 'such as "https://tapewatch.example.com"'),
        ('[app]\nbase_url = "ftp://x"', "expected the address people open"),
        ('[app]\nbase_url = "https://ann:pw@x"', "expected the address people open"),
        ('[app]\nbase_url = "https://x/?a=1"', "expected the address people open"),
        ("[app]\nbase_url = 7", "expected the address people open"),
        ('app = "x"', "desk.toml: app: "),
    ],
)
def test_one_thing_wrong_is_one_line(toml, text: str, said: str) -> None:
    (line,) = problems(toml(text))
    assert said in line
    assert line.startswith("desk.toml: ")


def test_the_address_people_open(toml) -> None:
    assert load(None).app.base_url is None
    assert load(toml('[app]\nbase_url = "https://desk.example.com/tapewatch/"')).app.base_url == (
        "https://desk.example.com/tapewatch"
    )
    assert load(None, {"TAPEWATCH_APP__BASE_URL": "http://[::1]:8501"}).app.base_url == "http://[::1]:8501"


def test_the_desk_has_a_calendar(toml) -> None:
    assert load(None).app.desk_calendar == "NYSE"
    assert load(toml('[app]\ndesk_calendar = "CME_Equity"')).app.desk_calendar == "CME_Equity"
    assert load(None, {"TAPEWATCH_APP__DESK_CALENDAR": "24/7"}).app.desk_calendar == "24/7"


def test_the_usual_calendar_costs_the_start_nothing(toml) -> None:
    """Half a second of imports is spent by the background, not by the check of the configuration."""
    program = "import sys; from settings_types import parse_calendar; parse_calendar('NYSE'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pandas_market_calendars" not in done.stdout.split()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert problems(tmp_path / "no.toml") == [f"{tmp_path / 'no.toml'}: this file does not exist"]


def test_the_environment_wins(toml) -> None:
    path = toml('[app]\ntitle = "file"\n[monitor]\ninterval = "5s"')
    loaded = load(
        path,
        {
            "TAPEWATCH_APP__TITLE": "desk 7",
            "TAPEWATCH_HISTORY__RETENTION__RAW": "7d",
            "TAPEWATCH_HISTORY__MAX_WAITING_SAMPLES": "5000",
            "TAPEWATCH_CONFIG": "elsewhere",
            "OTHER__THING": "x",
        },
    )
    assert (loaded.app.title, loaded.monitor.interval_s) == ("desk 7", 5.0)
    assert loaded.history.retention.raw_s == 7 * 86400
    assert loaded.history.max_waiting_samples == 5000


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("TAPEWATCH_APP__TITEL", 'unknown key "titel"'),
        ("TAPEWATCH_APP__", "expected TAPEWATCH_SECTION__KEY"),
        ("TAPEWATCH_COMPONENT__KAFKA", "other than component"),
        ("TAPEWATCH_APP__TITLE__X", "title is a value"),
    ],
)
def test_a_bad_variable_is_named(toml, variable: str, said: str) -> None:
    (line,) = problems(toml('[app]\ntitle = "t"'), {variable: "x"})
    assert line.startswith(f"{variable}: ")
    assert said in line


def test_which_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings.find_file({}) is None
    (tmp_path / "tapewatch.toml").touch()
    assert settings.find_file({}) == Path("tapewatch.toml")
    assert settings.find_file({"TAPEWATCH_CONFIG": "/x/y.toml"}) == Path("/x/y.toml")


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10), ("500ms", 0.5), ("1.5m", 90), ("2h", 7200), ("90d", 7776000), ("1w", 604800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@given(st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.none(), st.lists(st.integers(), max_size=2)))
def test_a_duration_is_positive_or_refused(value: object) -> None:
    with contextlib.suppress(PydanticCustomError):
        assert parse_duration_s(value) > 0


@pytest.mark.parametrize("text", ["x:0", "x:65536", "x", ":80", "x:", "x:-1", "x:80a", 80])
def test_an_address_that_is_none(text: object) -> None:
    with pytest.raises(PydanticCustomError, match="host:port"):
        parse_address(text)


def test_addresses_are_split() -> None:
    assert split_address("a.b:80") == ("a.b", 80)
    assert split_address("[::1]:8123") == ("::1", 8123)


def test_a_secret_shows_nowhere(toml, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret_file = tmp_path / "redis.url"
    secret_file.write_text("redis://me:pa%40ss-in-file@localhost:6379/0\n")
    loaded = load(
        toml(f'[history]\ndsn = "clickhouse://u:pass-in-toml@db:8123"\n[state]\nredis_url = "file:{secret_file}"')
    )
    assert loaded.state.redis_url is not None
    assert loaded.state.redis_url.reveal() == "redis://me:pa%40ss-in-file@localhost:6379/0"
    try:
        raise ValueError(f"cannot connect to {loaded.history.dsn.reveal()} nor as pa@ss-in-file")
    except ValueError:
        shown_traceback = mask(traceback.format_exc())
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("settings %s %r", loaded, loaded)
    texts = [
        repr(loaded),
        str(loaded),
        loaded.model_dump_json(),
        str(loaded.model_dump()),
        caplog.text,
        shown_traceback,
    ]
    for text in texts:
        for secret in ("pass-in-toml", "pa%40ss-in-file", "pa@ss-in-file"):
            assert secret not in text
        assert "***" in text


def test_a_refused_url_does_not_show_its_secret(toml) -> None:
    (line,) = problems(toml('[state]\nredis_url = "http://u:never-shown@h:1"'))
    assert "never-shown" not in line
    (line,) = problems(toml('[state]\nredis_url = "redis://u:never-shown@h:99999"'))
    assert "never-shown" not in line


def test_a_secret_that_contains_another_is_masked_whole() -> None:
    SecretUrl("redis://:swordfish@a")
    SecretUrl("redis://:swordfish-and-more@b")
    assert mask("x swordfish-and-more y swordfish") == "x *** y ***"


def test_a_broken_component_is_not_reported_as_an_unknown_dependency(toml) -> None:
    text = '[[component]]\nkind = "tcp"\nname = "gate"\naddress = "x"\n'
    (line,) = problems(toml(text + '[[component]]\nkind = "host"\ndepends_on = ["gate"]'))
    assert "component[0].address" in line


def test_every_cycle_is_named(toml) -> None:
    needs = (("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("e", "a"))
    tables = [
        f'[[component]]\nkind = "tcp"\nname = "{name}"\naddress = "x:1"\ndepends_on = ["{on}"]\n' for name, on in needs
    ]
    lines = problems(toml("".join(tables)))
    walks = [set(line.rpartition(": ")[2].split(" → ")) for line in lines]
    assert sorted(map(sorted, walks)) == [["a", "b"], ["c", "d"]]


def test_a_mistake_in_a_table_does_not_hide_its_dependencies(toml) -> None:
    lines = problems(toml('[[component]]\nkind = "tcp"\nname = "gate"\naddress = "x"\ndepends_on = ["zebra", "gate"]'))
    assert [line.split(": ")[1] for line in lines] == [
        "component[0].address",
        "component.gate.depends_on",
        "component.depends_on",
    ]


REQUIRED = {
    "redis": 'url = "redis://x"',
    "clickhouse": 'dsn = "clickhouse://x"',
    "kafka": 'bootstrap = "x:1"',
    "http": 'url = "http://x"',
    "tcp": 'address = "x:1"',
    "process": 'match = "xyz"',
}


@pytest.mark.parametrize("kind", probes.KINDS.values(), ids=lambda kind: kind.name)
def test_thresholds_are_of_metrics_of_the_kind(toml, kind: probes.Kind) -> None:
    foreign = "host_cpu_ratio" if kind.name != "host" else "tcp_connect_seconds"
    misspelt = f"{kind.key_metric}s"
    table = f'[[component]]\nkind = "{kind.name}"\n{REQUIRED.get(kind.name, "")}\n[component.thresholds]\n'
    lines = problems(toml(f"{table}{foreign} = {{ warning = 1 }}\n{misspelt} = {{ warning = 1 }}"))
    assert len(lines) == 2
    assert f'component[0].thresholds.{foreign}: this kind of component has no metric "{foreign}"; ' in lines[0]
    assert f"component[0].thresholds.{misspelt}: " in lines[1]
    assert f'did you mean "{kind.key_metric}"?' in lines[1]


@pytest.mark.parametrize(
    ("limits", "sides"),
    [
        ("tcp_connect_seconds = { warning = 1 }", "below"),
        ("tcp_connect_seconds = { warning = 0.1, critical = 0.1 }", ""),
        ("tcp_connect_seconds = { critical = 0.01 }", "below"),
        ("tcp_connect_seconds = { warning = 0.01, critical = 10 }", ""),
    ],
)
def test_thresholds_in_the_wrong_order_are_refused(toml, limits: str, sides: str) -> None:
    path = toml(f'[[component]]\nkind = "tcp"\naddress = "x:1"\n[component.thresholds]\n{limits}')
    if sides:
        (line,) = problems(path)
        assert f"put it {sides}" in line
    else:
        assert load(path).component[0].thresholds


def test_where_more_is_better_the_warning_comes_above(toml) -> None:
    days = "http_certificate_expiry_seconds = { warning = 86400, critical = 864000 }"
    (line,) = problems(toml(f'[[component]]\nkind = "http"\nurl = "http://x"\n[component.thresholds]\n{days}'))
    assert "put it above" in line


@pytest.mark.parametrize(
    "url",
    [
        "redis://:never/shown@h:6379",
        "redis://u:never#shown@h",
        "redis://u:77#nevershown@h:1",
        "redis://u:77/nevershown@h:1",
        "redis://u:never\u2100shown@h:1",
        "redis://u:nevershown@h:0",
        "redis://[nevershown",
    ],
)
def test_no_piece_of_a_refused_url_is_shown(toml, url: str) -> None:
    """A password with a # or / in it ends the address early, so that its beginning looks like a port."""
    for line in problems(toml(f'[state]\nredis_url = "{url}"\n[[component]]\nkind = "redis"\nurl = "{url}"')):
        assert "percent-encoded" in line
        assert "port from 1 to 65535" in line
        assert not any(piece in line for piece in ("never", "shown", "77"))


def test_an_at_sign_in_the_path_of_a_page_is_no_password() -> None:
    assert SecretUrl.parse("http://h:8000/@user").reveal() == "http://h:8000/@user"
    assert SecretUrl.parse("chdb://var/a@b").reveal() == "chdb://var/a@b"


def test_a_password_given_as_an_option_is_masked_too() -> None:
    url = SecretUrl("redis://h:6379/0?db=1&password=opt%21on-secret&api_key=7")
    assert str(url) == "redis://h:6379/0?db=1&password=***&api_key=***"
    assert mask("used opt%21on-secret or opt!on-secret, 7 times") == "used *** or ***, 7 times"


def test_a_long_message_is_masked_before_it_is_cut(toml, tmp_path: Path) -> None:
    SecretUrl("redis://:a-secret-at-the-cut@h")
    long = "/" + "x" * 236 + "a-secret-at-the-cut"
    for pad in range(40):
        (line,) = problems(toml(f'[state]\nredis_url = "file:{long[:1]}{"y" * pad}{long[1:]}"'))
        assert "a-secr" not in line


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    before = root.handlers, root.level
    yield
    logging.setLogRecordFactory(factory)
    root.handlers, root.level = before


@pytest.mark.parametrize("name", ["probes.redis", "streamlit.runtime", "uvicorn.error"])
def test_every_log_is_masked_with_its_traceback(name: str, logging_restored: None) -> None:
    """Whoever's handler writes it: Streamlit's and uvicorn's loggers have handlers and formatters of their own."""
    secret = SecretUrl("redis://:only-in-the-log@h")
    state._log_masked()
    written = io.StringIO()
    handler, logger = logging.StreamHandler(written), logging.getLogger(name)
    logger.addHandler(handler)
    try:
        raise ValueError(f"cannot reach {secret.reveal()}")
    except ValueError:
        logger.exception("went to %s", secret.reveal())
    finally:
        logger.removeHandler(handler)
    assert "only-in-the-log" not in written.getvalue()
    assert "went to redis://:***@h" in written.getvalue()
    assert "ValueError: cannot reach redis://:***@h" in written.getvalue()


def test_the_app_ends_with_2_when_the_configuration_cannot_be_used(
    toml, logging_restored: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`streamlit run streamlit_app.py` comes this way, not through serve.py."""
    monkeypatch.setenv("TAPEWATCH_CONFIG", str(toml('[app]\ntitel = "x"\n[monitor]\ninterval = "soon"')))
    with pytest.raises(SystemExit) as ended:
        state.running()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "desk.toml: app.titel" in said
    assert "desk.toml: monitor.interval" in said


def test_a_servers_dsn_may_name_the_database() -> None:
    def database(**keys: str) -> str:
        return History.model_validate(keys).database

    assert database(dsn="clickhouse://me:pw@host:8123/desk") == "desk"
    assert database(dsn="clickhouse://me:pw@host:8123/desk", database="desk") == "desk"
    assert database(dsn="clickhouse://me:pw@host:8123/", database="other") == "other"
    assert database(dsn="chdb://var/history") == "tapewatch"
    for wrong, said in (
        ({"dsn": "clickhouse://h/desk", "database": "other"}, "two databases"),
        ({"dsn": "clickhouse://h/desk-1"}, '"desk-1"'),
        ({"dsn": "clickhouse://h/a/b"}, "plain name"),
    ):
        with pytest.raises(ValidationError, match=said):
            database(**wrong)


def test_the_workbench_is_bounded_and_a_user_of_its_own_needs_a_server(toml) -> None:
    workbench = load(toml("[workbench]\nenabled = true\nmax_seconds = 30\nmax_rows = 500\n")).workbench
    assert (workbench.enabled, workbench.max_seconds, workbench.max_rows, workbench.dsn) == (True, 30.0, 500, None)
    assert load(None).workbench.enabled is None
    own = 'dsn = "clickhouse://analyst:secret-pass@db:8123"\n'
    assert load(toml(f'[history]\ndsn = "clickhouse://db:8123"\n[workbench]\n{own}')).workbench.dsn is not None
    (line,) = problems(toml(f"[workbench]\n{own}"))
    assert "workbench.dsn names a server, history.dsn the embedded engine" in line
    assert "secret-pass" not in line
    lines = problems(toml('[workbench]\nmax_seconds = 0\nmax_rows = 1000000\ndsn = "chdb://x"\n'))
    assert [line.split(": ")[1] for line in lines] == ["workbench.dsn", "workbench.max_seconds", "workbench.max_rows"]
