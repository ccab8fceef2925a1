"""Configuration: `tapewatch.toml` plus environment, checked once, frozen, secrets masked.

Every key can also be set as ``TAPEWATCH_SECTION__KEY`` (the environment wins over the file);
a secret can be given as ``file:/path``. All problems of a configuration are reported together,
each with its source and key, so that one start shows everything there is to mend.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import ValidationError, model_validator
from pydantic_core import PydanticCustomError

from settings_sections import (
    DEFAULT_ZONE,
    App,
    Component,
    History,
    Limit,
    MonitorSection,
    Retention,
    Section,
    State,
    Workbench,
)
from settings_types import literal, mask

__all__ = [
    "DEFAULT_ZONE",
    "App",
    "Check",
    "Component",
    "ConfigError",
    "History",
    "Limit",
    "MonitorSection",
    "Problem",
    "Retention",
    "Section",
    "Settings",
    "State",
    "Workbench",
    "find_file",
    "load",
    "relation_problems",
]

ENV_PREFIX = "TAPEWATCH_"


class Settings(Section):
    """The whole configuration as the program sees it."""

    app: App = App()
    history: History = History()
    state: State = State()
    monitor: MonitorSection = MonitorSection()
    workbench: Workbench = Workbench()
    component: tuple[Component, ...] = ()
    demo: bool = False

    @model_validator(mode="after")
    def _one_engine(self) -> Self:
        if self.workbench.dsn is not None and urlsplit(self.history.dsn.reveal()).scheme == "chdb":
            raise PydanticCustomError(
                "workbench_dsn",
                "workbench.dsn names a server, history.dsn the embedded engine: leave workbench.dsn away",
            )
        return self

    def interval_s(self, component: Component) -> float:
        return component.interval_s or self.monitor.interval_s

    def deadline_s(self, component: Component) -> float:
        return component.deadline_s or self.monitor.deadline_s


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration: where it stands, which key, what to do."""

    source: str
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.source}: {self.key}: {self.message}" if self.key else f"{self.source}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` names everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(mask(str(problem)) for problem in self.problems))


def find_file(environ: Mapping[str, str]) -> Path | None:
    """The configuration file: ``TAPEWATCH_CONFIG`` when set, else ``tapewatch.toml`` here if there is one."""
    if named := environ.get("TAPEWATCH_CONFIG"):
        return Path(named)
    default = Path("tapewatch.toml")
    return default if default.exists() else None


Check = Callable[[Component], Iterable[tuple[str, str]]]
"""What only a kind's probe can find wrong with a component: (key below the component, message) of each problem."""


def load(path: Path | None, environ: Mapping[str, str], kinds: Mapping[str, type[Component]], check: Check) -> Settings:
    """The settings in `path` (None: no file) overlaid with `environ`.

    Args:
        kinds: the component model of each kind there is a probe for.
        check: asked about each component that is valid in itself.

    Raises:
        ConfigError: with every problem found, not just the first.
    """
    problems: list[Problem] = []
    document = _read(path, problems) if path else {}
    source = path.name if path else "environment"
    origin = _overlay(document, environ, problems)
    tables = document.pop("component", [])
    if not isinstance(tables, list):
        problems.append(Problem(source, "component", "expected [[component]] tables"))
        tables = []
    components: list[Component] = []
    for index, table in enumerate(tables):
        where = f"component[{index}]"
        try:
            component = _component(table, kinds)
        except ValidationError as error:
            problems += _reported(error, source, {}, where)
        except ValueError as error:
            problems.append(Problem(source, f"{where}.kind", str(error)))
        else:
            components.append(component)
            problems += [Problem(source, f"{where}.{key}", text) for key, text in check(component)]
    problems += [Problem(source, key, text) for key, text in relation_problems(_wired(tables))]
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        problems += _reported(error, source, origin)
    if problems:
        raise ConfigError(problems)
    return settings.model_copy(update={"component": tuple(components)})


def relation_problems(components: Sequence[Component]) -> list[tuple[str, str]]:
    """(key, message) of each duplicate name, unknown dependency and dependency cycle."""
    names = [component.name for component in components]
    found = [
        (f"component.{name}", "this name is used twice: give each component its own")
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    found += [
        (
            f"component.{component.name}.depends_on",
            f'no component is named "{dependency}"; there are: {", ".join(sorted(set(names)))}',
        )
        for component in components
        for dependency in component.depends_on
        if dependency not in names
    ]
    needs: dict[str, set[str]] = {}
    for component in components:  # a name used twice has the dependencies of both
        needs.setdefault(component.name, set()).update(component.depends_on)
    while True:
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            cycle = error.args[1][::-1]  # each name depends on the next
            found.append(("component.depends_on", f"a dependency cycle: {' → '.join(cycle)}"))
            needs[cycle[0]].discard(cycle[1])  # cut open, so that the next one shows
        else:
            return found


def _wired(tables: Sequence[object]) -> list[Component]:
    """The name and dependencies of each table alone, so that a mistake elsewhere in it hides none in these."""
    found = []
    for table in tables:
        if isinstance(table, dict):
            needed = table.get("depends_on")
            known = tuple(name for name in needed if isinstance(name, str)) if isinstance(needed, list) else ()
            name = str(table.get("name", table.get("kind")))
            found.append(Component.model_construct(kind="", name=name, depends_on=known))
    return found


def _component(table: object, kinds: Mapping[str, type[Component]]) -> Component:
    kind = table.get("kind") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"expected one of {', '.join(sorted(kinds))}; got {str(kind)[:60]!r}")
    return kinds[kind].model_validate({"name": kind, **table})


def _read(path: Path, problems: list[Problem]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(Problem(str(path), "", "this file does not exist"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        problems.append(Problem(path.name, "", f"cannot be read as TOML: {exc}"))
    return {}


def _overlay(
    document: dict[str, Any], environ: Mapping[str, str], problems: list[Problem]
) -> dict[tuple[str, ...], str]:
    """Write each ``TAPEWATCH_SECTION__KEY`` into `document`; return which key came from which variable."""
    origin: dict[tuple[str, ...], str] = {}
    for variable, text in sorted(environ.items()):
        keys = variable.removeprefix(ENV_PREFIX).lower().split("__")
        if not variable.startswith(ENV_PREFIX) or len(keys) < 2:
            continue
        if not all(keys) or keys[0] == "component":
            problems.append(Problem(variable, "", "expected TAPEWATCH_SECTION__KEY of a section other than component"))
            continue
        table = document
        for key in keys[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                problems.append(Problem(variable, "", f"{key} is a value, not a section"))
                break
        else:
            table[keys[-1]] = literal(text)
            origin[tuple(keys)] = variable
    return origin


def _reported(
    error: ValidationError, source: str, origin: Mapping[tuple[str, ...], str], where: str = ""
) -> list[Problem]:
    """What pydantic found, as problems; a value that came from a variable is put down to that."""
    return [
        Problem(
            origin.get(tuple(map(str, item["loc"])), source),
            f"{where}.{_dotted(item['loc'])}".strip("."),
            _sentence(item),
        )
        for item in error.errors()
    ]


def _dotted(key: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def _sentence(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return f'unknown key "{item["loc"][-1]}": see tapewatch.example.toml for the keys there are'
    if item["type"] == "missing":
        return "this key is missing"
    return mask(str(item["msg"]))[:300]
