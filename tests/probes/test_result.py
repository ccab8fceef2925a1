import pytest

from probes import common
from probes.result import Finding, Status, labels, utc, worst
from tests.probes.fakes import result


def test_the_worst_of_order() -> None:
    assert sorted(Status, key=lambda status: status.rank) == ["off", "ok", "unknown", "warning", "critical"]
    assert worst([]) == Status.OFF
    assert worst([Status.OK, Status.UNKNOWN, Status.OFF]) == Status.UNKNOWN
    assert worst(Status) == Status.CRITICAL


def test_labels_have_one_order() -> None:
    assert labels(b="2", a="1") == labels(a="1", b="2") == (("a", "1"), ("b", "2"))


def test_the_sentence_is_the_worst_there_is_to_say() -> None:
    assert (result().sentence, result().hint) == ("thing is fine", "")
    down = result(status=Status.CRITICAL)
    assert (down.sentence, down.hint) == ("thing refuses connections.", "Start it.")
    findings = tuple(
        Finding(metric="m", status=status, message=f"{status}!", hint=f"mend {status}")
        for status in (Status.WARNING, Status.CRITICAL, Status.WARNING)
    )
    found = result()
    object.__setattr__(found, "findings", findings)
    assert (found.sentence, found.hint) == ("critical!", "mend critical")


def test_a_value_is_found_by_its_exact_labels() -> None:
    assert result(value=0.25).value("fake_fill_ratio") == 0.25
    assert result().value("fake_fill_ratio", disk="a") is None
    assert result().value("another") is None


def test_times_are_aware() -> None:
    assert utc(0).isoformat() == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("status", "up", "rank"),
    [(Status.OK, 1, 1), (Status.WARNING, 1, 3), (Status.CRITICAL, 0, 4), (Status.UNKNOWN, 0, 2)],
)
def test_every_result_has_its_common_series(status: Status, up: float, rank: float) -> None:
    values = {reading.metric: reading.value for reading in common.readings(result(status=status, latency_ms=20))}
    assert (values["probe_up"], values["probe_status"]) == (up, rank)
    assert values.get("probe_latency_seconds") == (None if status == Status.CRITICAL else 0.02)
    assert values["fake_fill_ratio"] == 0.5
