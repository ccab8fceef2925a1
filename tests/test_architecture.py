"""The rules of the design that no linter knows, checked on the source itself."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import probes
from probes.catalogue import Metric, Shown, thresholds
from probes.result import Status

ROOT = Path(__file__).parent.parent
PACKAGES = ("probes", "history", "analysis", "alerts", "api", "ui", "pages", "demo")
SOURCES = sorted([*ROOT.glob("*.py"), *(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))])
PAGES = sorted((ROOT / "pages").glob("*.py"))
BELOW = {
    "settings_types": set(),
    "settings_sections": {"settings_types"},
    "settings": {"settings_types", "settings_sections"},
    "probes": {"settings", "settings_types"},
    "history": {"settings", "settings_types", "probes"},
    "analysis": {"settings", "settings_types", "probes", "history"},
    "monitor": {"settings", "probes", "history"},
}
"""What each layer may import of Tapewatch besides itself."""
OURS = {
    "settings",
    "settings_sections",
    "settings_types",
    "monitor",
    "serve",
    "doctor",
    "backup",
    "import_file",
    "streamlit_app",
    *PACKAGES,
}
MAX_LINES, MAX_FUNCTION_LINES = 300, 40
SUFFIXES = {
    "seconds": "_seconds",
    "bytes": "_bytes",
    "bytes/s": "_bytes_per_second",
    "ratio": "_ratio",
    "celsius": "_celsius",
    "count/s": "_per_second",
    "messages/s": "_per_second",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """The top-level name of every module a file imports, inside functions as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_the_sources_are_found() -> None:
    assert {"settings.py", "monitor.py", "probes/runner.py", "pages/overview.py"} <= set(map(name, SOURCES))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    long = {
        node.name: length
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_imports_go_one_way(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0].removesuffix(".py")
    imported = set(imports(path))
    if "streamlit" in imported:
        assert layer in {"ui", "pages", "streamlit_app"}
    if layer in BELOW:
        assert imported & OURS <= BELOW[layer] | {layer}
    if layer not in {"pages", "streamlit_app"}:
        assert "pages" not in imported


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pages_have_no_sql_and_no_sockets(path: Path) -> None:
    assert not set(imports(path)) & {"clickhouse_connect", "chdb", "socket", "redis", "kafka", "urllib3", "requests"}
    sql = re.compile(r"\b(SELECT|INSERT INTO|FROM|WHERE|GROUP BY|ORDER BY|CREATE TABLE)\b")
    strings = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in strings if sql.search(text)] == []


def test_sql_lives_in_the_history_and_what_probes_clickhouse() -> None:
    sql = re.compile(r"\bSELECT\b[\s\S]*\bFROM\b")
    having = {name(path) for path in SOURCES if sql.search(path.read_text(encoding="utf-8"))}
    assert {path for path in having if not path.startswith(("history/", "probes/clickhouse", "demo/"))} == set()


@pytest.mark.parametrize("metric", probes.METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_is_named_judged_and_explained(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", metric.name)
    if metric.unit in SUFFIXES:
        stem = metric.name.removesuffix("_total") if metric.type == "counter" else metric.name
        allowed = (
            (SUFFIXES[metric.unit], "_up")
            if metric.unit == "ratio" and metric.type == "state"
            else SUFFIXES[metric.unit]
        )
        assert stem.endswith(allowed)
    for unit, suffix in (("seconds", "_seconds"), ("bytes", "_bytes"), ("ratio", "_ratio")):
        if metric.name.endswith(suffix):
            assert metric.unit == unit
    assert metric.help.endswith(".")
    assert metric.title
    assert not metric.title.endswith(".")
    if thresholds(metric):
        assert metric.better in {"lower", "higher"}
        assert metric.reason
        assert metric.message.endswith(".")
        assert metric.hint
        in_force = dict(thresholds(metric))
        if len(in_force) == 2:
            warning, critical = in_force[Status.WARNING], in_force[Status.CRITICAL]
            assert warning > critical if metric.better == "higher" else warning < critical


@pytest.mark.parametrize("metric", [m for m in probes.METRICS.values() if m.message], ids=lambda metric: metric.name)
def test_a_message_asks_only_for_what_there_is(metric: Metric) -> None:
    """Its placeholders are the value, the threshold and label names that the source of its kind names."""
    asked = {field for _, field, _, _ in Formatter().parse(metric.message) if field is not None}
    kind = next(kind for kind in probes.KINDS.values() if metric in kind.metrics)
    source = "".join(path.read_text() for path in (ROOT / "probes").glob(f"{kind.name}*.py"))
    known = set(re.findall(r"\b(\w+)=", ",".join(re.findall(r"labels\(([^)]*)\)", source))))
    known |= set(re.findall(r"\(\(\"(\w+)\"", source))
    assert asked <= {"value", "threshold"} | known
    assert metric.message.format(**dict.fromkeys(asked, Shown("x")))


def test_metric_names_are_unique() -> None:
    names = [metric.name for kind in probes.KINDS.values() for metric in kind.metrics]
    assert sorted(names) == sorted(set(names))


def test_every_probe_module_is_registered() -> None:
    kinds = {}
    for path in sorted((ROOT / "probes").glob("*.py")):
        module = importlib.import_module(f"probes.{path.stem}" if path.stem != "__init__" else "probes")
        if hasattr(module, "KIND"):
            kinds[module.KIND.name] = module.KIND
            assert path.stem == module.KIND.name
    assert kinds == probes.KINDS
    assert not set(probes.PLANNED) & set(kinds)


@pytest.mark.parametrize("kind", probes.KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_is_complete(kind: probes.Kind) -> None:
    assert kind.key_metric in {metric.name for metric in kind.metrics}
    assert kind.component.model_fields["kind"].annotation.__args__ == (kind.name,)
    assert kind.title


def test_the_list_of_pages_is_the_pages_there_are() -> None:
    """Read from the source: importing the app would start it."""
    tree = ast.parse((ROOT / "streamlit_app.py").read_text(encoding="utf-8"))
    (sections,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["SECTIONS"]
    )
    listed = [script for pages in sections.values() for script, _, _ in pages]
    assert sorted(listed) == [path.stem for path in PAGES]
    assert set(sections) == {"Live", "History", "Explore", "Trading", "Operate"}


def test_only_what_shows_pages_imports_streamlit() -> None:
    others = [*SOURCES, *(ROOT / "docs").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    importing = {path.relative_to(ROOT).parts[0] for path in others if "streamlit" in imports(path)}
    assert importing <= {"ui", "pages", "streamlit_app.py", "benchmarks"}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-demo.txt", "requirements-dev.txt"])
def test_every_dependency_is_pinned_and_explained(file: str) -> None:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]
    explained = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for line in lines:
        pinned = re.match(r"([a-z0-9-]+)==[0-9][0-9.]*(;|$)", line)
        assert pinned, line
        assert re.search(rf"(?<![\w-]){pinned[1]}(?![\w-])", explained), f"{pinned[1]} is not in docs/dependencies.md"


DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    relative = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in relative if not (path.parent / target).exists()] == []


def test_nothing_is_left_for_later() -> None:
    """The words that mark unfinished work; ``placeholder=`` is the name of an argument of Streamlit's."""
    left = re.compile(r"\b(?:TODO|FIXME|XXX)\b|\b[Pp]laceholders?\b(?!=)")
    scripts = [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "docs").glob("*.py"), *(ROOT / "deploy").glob("*")]
    texts = [*SOURCES, *DOCUMENTS, *scripts, ROOT / "Makefile", ROOT / "tapewatch.example.toml"]
    found = {name(path): left.findall(path.read_text(encoding="utf-8")) for path in texts}
    assert {path: words for path, words in found.items() if words} == {}
