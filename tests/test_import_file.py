"""`make import` as a person runs it: what it says, and its exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import import_file
from history.imports import run as imports
from tests.clickhouse_http import clickhouse_process
from tests.history.rows import T0_S
from tests.probes.listeners import refusing

ROOT = Path(__file__).parent.parent
HEADER = "component,metric,time,value\n"
Said = tuple[int, str, str]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TAPEWATCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, chdb_path: Path, database: str) -> None:
    config = Path("desk.toml")
    config.write_text(
        f'[history]\ndsn = "chdb://{chdb_path}"\ndatabase = "{database}"\n[history.retention]\nraw = "10y"\n'
        '[[component]]\nkind = "host"\n'
    )
    monkeypatch.setenv("TAPEWATCH_CONFIG", str(config))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    code = import_file.main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_file_is_imported_once(configured: None, capsys: pytest.CaptureFixture[str]) -> None:
    Path("prices.csv").write_text(HEADER + "".join(f"desk,spread_ratio,{T0_S + n},0.5\n" for n in range(100)))
    code, out, err = run(capsys, "prices.csv")
    assert (code, err) == (0, "")
    assert out.startswith("prices.csv: 100 samples of 1 series written in ")
    assert out.splitlines()[1:] == ["Times that are numbers were read as epoch s."]
    assert run(capsys, "prices.csv") == (
        0, "prices.csv is in the history already (100 rows); nothing was written.\n", "",
    )  # fmt: skip
    assert run(capsys, "prices.csv", "--cumulative")[0] == 2


def test_refused_rows_are_said_counted_and_exit_1(configured: None, capsys: pytest.CaptureFixture[str]) -> None:
    bad = "".join(f"desk,spread_ratio,never,{n}\n" for n in range(30))
    Path("prices.csv").write_text(f"{HEADER}{bad}desk,spread_ratio,{T0_S},1\ndesk,spread_ratio,{T0_S},\n")
    code, out, err = run(capsys, "prices.csv")
    assert code == 1
    assert len(err.splitlines()) == 20
    assert err.startswith('prices.csv: row 2: time is "never"; expected ISO 8601 or epoch s, ms, µs or ns, from 1973')
    assert "prices.csv: 1 samples of 1 series written" in out
    assert "1 rows have no finite value and are left out." in out
    assert "30 rows were refused; the first 20 are above." in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Which file? make import FILE=path."),
        (("",), "Which file?"),
        (("gone.csv",), "gone.csv cannot be read: No such file or directory."),
        ((".",), "cannot be read: Is a directory."),
        (("f.csv", "--step", "soon"), "--step soon: expected a duration such as 60s or 15m."),
        (("f.csv", "--columns", "when=ts"), "--columns when=ts: expected OURS=NAME pairs"),
        (("f.csv",), "f.csv has the columns component, metric, value; expected component, metric, time and value"),
    ],
)
def test_what_cannot_begin_is_a_sentence_and_exit_2(
    configured: None, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    Path("f.csv").write_text("component,metric,value\n")
    code, out, err = run(capsys, *arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert says in err


def test_without_a_configuration_nothing_is_written_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    Path("f.csv").write_text(HEADER)
    code, _, err = run(capsys, "f.csv")
    assert code == 2
    assert err.startswith("No tapewatch.toml here and no CONFIG=path: an import needs to know the history")
    Path("tapewatch.toml").write_text("[histori]\n")
    code, _, err = run(capsys, "f.csv")
    assert (code, 'unknown key "histori"' in err) == (2, True)
    assert sorted(path.name for path in Path().iterdir()) == ["f.csv", "tapewatch.toml"]


def test_a_history_that_is_away(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("f.csv").write_text(HEADER)
    with refusing() as nobody:
        monkeypatch.setenv("TAPEWATCH_HISTORY__DSN", f"clickhouse://me:never-said@{nobody}")
        code, _, err = run(capsys, "f.csv")
    assert code == 2
    assert f"ClickHouse at {nobody} refuses connections." in err
    assert err.endswith("Nothing was imported.\n")
    assert "never-said" not in err


def test_broken_off_it_says_how_to_go_on(
    configured: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("f.csv").write_text(HEADER + f"desk,spread_ratio,{T0_S},0.5\n")
    insert = imports.insert
    for raised, says in (
        (KeyboardInterrupt(), "Stopped after 0 rows of f.csv. Run the same again: it goes on there."),
        (ConnectionResetError("Connection reset by peer"), "0 rows of f.csv are written. Run the same again"),
    ):

        def interrupted(*_: object, raised: BaseException = raised) -> None:
            raise raised

        monkeypatch.setattr(imports, "insert", interrupted)
        code, _, err = run(capsys, "f.csv")
        assert (code, says in err) == (1, True)
    monkeypatch.setattr(imports, "insert", insert)
    assert run(capsys, "f.csv")[0] == 0


def test_elsewhere_than_on_a_terminal_it_says_a_line_now_and_then(
    configured: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_file, "SAY_EVERY_S", 0)
    Path("f.csv").write_text(HEADER + f"desk,spread_ratio,{T0_S},0.5\n")
    code, out, _ = run(capsys, "f.csv")
    assert (code, out.splitlines()[0]) == (0, "f.csv: 100%, 1 samples, 0 rows refused")
    Path("g.csv").write_text(HEADER + f"desk,spread_ratio,{T0_S},0.25\nx\n")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    code, out, err = run(capsys, "g.csv")
    assert code == 1
    assert "g.csv: row 3: has 1 columns" in err
    assert "g.csv:   0%|" in err
    assert out.startswith("g.csv: 1 samples")


def test_a_running_tapewatch_has_to_be_stopped_first(tmp_path: Path) -> None:
    """As a person meets it: the program itself, with the embedded directory open in another process."""
    (tmp_path / "f.csv").write_text(HEADER)
    directory = tmp_path / "history"
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TAPEWATCH_HISTORY__DSN": f"chdb://{directory}"}
    with clickhouse_process(directory):
        done = subprocess.run(
            [sys.executable, str(ROOT / "import_file.py"), "f.csv"],
            cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert "is in use by another process." in done.stderr
    assert "stop the other one" in done.stderr
    assert done.stderr.endswith("Nothing was imported.\n")
