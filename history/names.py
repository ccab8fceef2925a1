"""Names of series as a person writes them and a link carries them: ``kafka/kafka_group_lag_messages{group=desk}``.

Component, metric and what stands in braces are written as they are. What would end them early (a comma, a
brace, a quote, blanks at an end) goes into double quotes, with a backslash before a quote or a backslash. Pure.
"""

import re
from collections.abc import Iterable

from history.rows import SeriesKey
from history.window import quoted

QUOTED = r'"(?:[^"\\]|\\.)*"'
WORD = rf'(?:{QUOTED}|[^/,{{}}"\\]+)'
VALUE = rf'(?:{QUOTED}|[^,{{}}"\\]*)'
PAIR = rf"(?:{QUOTED}|[^,={{}}\"\\]+)={VALUE}"
ITEM = re.compile(rf"({WORD})/({WORD})(?:\{{({PAIR}(?:,{PAIR})*)?\}})?", re.DOTALL)
PARTS = re.compile(rf'(?:{QUOTED}|\{{(?>(?:{QUOTED}|[^"{{}}])*)\}}|[^,])+', re.DOTALL)
ONE_PAIR = re.compile(rf"({QUOTED}|[^,={{}}\"\\]+)=({VALUE})", re.DOTALL)
SHAPE = "component/metric{label=value}"
EXAMPLE = "kafka/kafka_group_lag_messages{group=desk}"
MOST_CHARACTERS = 10_000


def spell(keys: Iterable[SeriesKey]) -> str:
    """Some series in one text, which `read_names` reads back.

    >>> spell([SeriesKey("redis", "redis_keys"), SeriesKey("web 1", "disk_free_bytes", (("mount", "/a,b"),))])
    'redis/redis_keys,web 1/disk_free_bytes{mount="/a,b"}'
    """
    return ",".join(map(_spelled, keys))


def read_names(text: str) -> tuple[tuple[SeriesKey, ...], tuple[str, ...]]:
    """The series a text names, each once and in its order, and a sentence for each part that names none.

    >>> read_names("redis/redis_keys, nonsense")[1]
    ('"nonsense" names no series; expected component/metric{label=value}, as in kafka/kafka_group_lag_messages{group=desk}.',)
    """  # noqa: E501  # a sentence of a doctest is in one line
    keys: dict[SeriesKey, None] = {}
    problems = []
    for part in PARTS.findall(text[:MOST_CHARACTERS]):
        name = part.strip()
        if not name:
            continue
        if (key := _read(name)) is None:
            problems.append(
                f"{quoted(name)} names no series; expected component/metric{{label=value}}, as in {EXAMPLE}."
            )
        else:
            keys[key] = None
    return tuple(keys), tuple(problems)


def _spelled(key: SeriesKey) -> str:
    inside = ",".join(f"{_shielded(name, ',={}')}={_shielded(value, ',{}', empty=True)}" for name, value in key.labels)
    name = f"{_shielded(key.component, '/,{}')}/{_shielded(key.metric, '/,{}')}"
    return f"{name}{{{inside}}}" if inside else name


def _shielded(text: str, special: str, *, empty: bool = False) -> str:
    if text == text.strip() and (text or empty) and not set(text) & {*special, '"', "\\"}:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _read(name: str) -> SeriesKey | None:
    found = ITEM.fullmatch(name)
    if found is None:
        return None
    pairs = [(_plain(label), _plain(value)) for label, value in ONE_PAIR.findall(found[3] or "")]
    if len(dict(pairs)) < len(pairs):
        return None
    return SeriesKey(_plain(found[1]), _plain(found[2]), tuple(sorted(pairs)))


def _plain(text: str) -> str:
    text = text.strip()
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text.startswith('"') else text
