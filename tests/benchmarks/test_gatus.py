from pathlib import Path

import pytest

import probes
import settings
from benchmarks import gatus


def test_both_watch_the_same_twenty(tmp_path: Path) -> None:
    path = tmp_path / "tapewatch.toml"
    path.write_text(gatus.config("chdb://var/history", 8001, 6379))
    ours = settings.load(path, {}, probes.COMPONENTS, probes.component_problems)
    theirs = gatus.gatus_config(8001, 6379)
    assert len(ours.component) == theirs.count("- name:") == 2 * gatus.EACH
    assert {ours.interval_s(component) for component in ours.component} == {10.0}
    assert all(f'{component.target}"' in theirs for component in ours.component)


def test_where_gatus_cannot_be_built_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatus, "KEPT", tmp_path / "kept")
    monkeypatch.delenv("GATUS_SOURCE", raising=False)
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'reading https://modules.example/v5/list: 403 Forbidden' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(gatus.NotToBeHad, match=r"^reading … 403 Forbidden$"):
        gatus.build()
    go.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(gatus.NotToBeHad, match="Go is not installed"):
        gatus.build()
