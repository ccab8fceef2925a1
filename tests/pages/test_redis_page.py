"""The Redis page by Streamlit's own test harness, over a real primary, replica, sentinel and Cluster node."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from probes.cache import ComponentView
from probes.result import ProbeResult
from tests.pages.history_only import history_only
from tests.probes.listeners import eventually
from tests.probes.test_redis_states import talking_to
from tests.redis_process import RedisProcess, redis_process, sentinel_process
from ui.state import Running

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "redis.py")
MASTER = "tape-primary"
SLOTS = ("0", "16382")
PATIENT = "thresholds = { redis_ping_seconds = { warning = 30, critical = 60 } }"
"""How quick they are is the machine's affair."""


@dataclass(frozen=True)
class Shapes:
    """The servers by what they are, and the process that looks at them."""

    primary: RedisProcess
    replica: RedisProcess
    sentinel: RedisProcess
    cluster: RedisProcess
    running: Running

    def look(self, name: str, until: Callable[[ComponentView], bool]) -> None:
        """Let the real probe look at a server until it has seen what `until` says."""

        def seen() -> bool:
            self.running.monitor.board.runners[name].request()
            view = self.running.monitor.board.view(name)
            return view is not None and view.result is not None and until(view)

        assert eventually(seen, within_s=10), self.running.monitor.board.view(name)


@pytest.fixture(scope="module")
def shapes(chdb_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shapes]:
    directory = tmp_path_factory.mktemp
    with ExitStack() as started:
        quick = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
        primary = started.enter_context(redis_process(directory("primary"), *quick))
        following = ("--replicaof", "127.0.0.1", str(primary.port))
        replica = started.enter_context(redis_process(directory("replica"), *following))
        sentinel = started.enter_context(sentinel_process(directory("sentinel"), MASTER, primary.port, quorum=1))
        cluster = started.enter_context(redis_process(directory("cluster"), "--cluster-enabled", "yes"))
        with talking_to(cluster) as user:
            user.execute_command("CLUSTER", "ADDSLOTSRANGE", *SLOTS)
        servers = {"primary": primary, "replica": replica, "sentinel": sentinel, "cluster": cluster}
        things = "".join(
            f'[[component]]\nkind = "redis"\nname = "{name}"\nurl = "redis://{server.address}"\ninterval = "1h"\n'
            f"{PATIENT}\n"
            for name, server in servers.items()
        )
        running = started.enter_context(history_only(directory("config"), chdb_path, "pages_redis", things))
        yield Shapes(**servers, running=running)
        for runner in running.monitor.board.runners.values():
            runner.stop()


def told(view: ComponentView) -> ProbeResult:
    assert view.result is not None
    return view.result


def opened(component: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.query_params["component"] = component
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return "\n".join(element.value for kind in (page.markdown, page.caption, page.warning) for element in kind)


def table(page: AppTest, column: str) -> dict[str, list[object]]:
    """The table that has a column, by its columns."""
    (found,) = [frame.value for frame in page.dataframe if column in frame.value.columns]
    return {str(name): found[name].tolist() for name in found.columns}


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_a_replica_says_whom_it_follows_and_draws_how_far_behind_it_is(shapes: Shapes) -> None:
    shapes.look("replica", lambda view: told(view).facts.get("role") == "replica" and view.status == "ok")
    page = opened("replica")
    said = words(page)
    assert "● ok] " in said
    assert "role replica · mode standalone" in said
    assert f"writes refused (READONLY): the primary is 127.0.0.1:{shapes.primary.port}" in said
    for chart in ("**Silence of the primary**", "**Received, not applied**", "**Memory used**"):
        assert chart in said, chart
    assert "**Replicas**" not in said
    assert figures(page)["Ping"].endswith(("µs", "ms"))


def test_a_primary_lists_its_replicas_with_how_far_behind_each_is(shapes: Shapes) -> None:
    shapes.look("primary", lambda view: any(row[1] == "online" for row in told(view).tables["replicas"].rows))
    page = opened("primary")
    said = words(page)
    assert "role primary · mode standalone" in said
    assert "**Behind the primary**" in said
    assert "**Silence of the primary**" not in said
    replicas = table(page, "lag_bytes")
    assert (replicas["replica"], replicas["state"]) == ([shapes.replica.address], ["online"])


def test_a_sentinel_is_about_its_masters_and_not_about_memory(shapes: Shapes) -> None:
    shapes.look("sentinel", lambda view: bool(told(view).tables["sentinel replicas"].rows))
    page = opened("sentinel")
    said = words(page)
    assert "● ok] sentinel of 1 master " in said
    assert "mode sentinel" in said
    assert list(figures(page)) == ["Ping", "Masters watched", "Replicas, most of a master", "Replicas down"]
    assert list(figures(page).values())[1:] == ["1", "1", "0"]
    masters, replicas = table(page, "quorum_says"), table(page, "link")
    assert (masters["master"], masters["address"], masters["state"]) == ([MASTER], [shapes.primary.address], ["up"])
    assert "Quorum and failover authorization can be reached" in str(masters["quorum_says"])
    assert (replicas["address"], replicas["link"]) == ([shapes.replica.address], ["ok"])
    assert "**Master down**" in said
    assert "**Memory used**" not in said
    assert "**Keyspace**" not in said


def test_a_sentinel_without_a_quorum_is_critical_and_says_so(shapes: Shapes) -> None:
    with talking_to(shapes.sentinel) as user:
        user.execute_command("SENTINEL", "SET", MASTER, "quorum", "3")
    shapes.look("sentinel", lambda view: view.status == "critical")
    page = opened("sentinel")
    assert "■ critical] " in words(page)
    assert "NOQUORUM" in str(table(page, "quorum_says")["quorum_says"])


def test_a_cluster_that_lacks_a_slot_and_then_has_all(shapes: Shapes) -> None:
    shapes.look("cluster", lambda view: view.status == "critical")
    page = opened("cluster")
    said = words(page)
    assert "■ critical] " in said
    assert "1 slot belongs to no node. redis-cli --cluster fix assigns them." in said
    assert "→ The cluster is down: it refuses commands (CLUSTERDOWN)." in said
    assert "mode cluster" in said
    for chart in ("**Slots served**", "**Failing nodes**"):
        assert chart in said, chart
    nodes = table(page, "slots")
    assert (nodes["role"], nodes["state"], nodes["slots"]) == (["primary (this one)"], ["up"], [16383])
    with talking_to(shapes.cluster) as user:
        user.execute_command("CLUSTER", "ADDSLOTSRANGE", "16383", "16383")
    shapes.look("cluster", lambda view: view.status == "ok")
    page = opened("cluster")
    assert "● ok] " in words(page)
    assert "CLUSTERDOWN" not in words(page)
    assert table(page, "slots")["slots"] == [16384]
