import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from probes import mirror
from probes.cache import Board
from probes.codec import decode
from probes.mirror import PREFIX, Mirror
from probes.result import ProbeResult, Status, utc
from settings_types import SecretUrl
from tests.faults import hanging, talking_garbage
from tests.probes.fakes import board_of, component, result
from tests.probes.listeners import eventually
from tests.redis_process import RedisProcess, redis_process

NAMES = ("a", "b")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with redis_process(tmp_path_factory.mktemp("redis")) as process:
        yield process


@pytest.fixture
def asked(server: RedisProcess) -> Iterator[redis.Redis]:
    """A client of the server, which is empty and up at the beginning of each test."""
    if server._process is None:
        server.start()
    with redis.Redis(port=server.port, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "TURN_S", 0.02)
    monkeypatch.setattr(mirror, "LEASE_MS", 400)
    monkeypatch.setattr(mirror, "TIMEOUT_S", 0.5)


@contextlib.contextmanager
def process(address: str) -> Iterator[tuple[Board, Mirror]]:
    """A board and its mirror as one process of Tapewatch has them, without probes."""
    board = board_of(*map(component, NAMES))
    mirrored = Mirror(SecretUrl(f"redis://{address}/0"), board)
    board.subscribe(mirrored.on_result)
    mirrored.start()
    try:
        yield board, mirrored
    finally:
        mirrored.stop()


def mode(mirrored: Mirror) -> Callable[[str], bool]:
    return lambda wanted: eventually(lambda: mirrored.state.mode == wanted, 5)


def shown(board: Board, name: str = "a") -> object:
    """What is on the board; looking at a `view` would start a check of its own."""
    return board._entries[name].result


def comes(board: Board, given: ProbeResult) -> bool:
    return eventually(lambda: shown(board, given.component) == given)


def test_without_a_url_there_is_nothing_to_do() -> None:
    alone = Mirror(None, board_of(component("a")))
    alone.start()
    alone.on_result(result("a"), None)
    assert (alone.state.mode, alone.state.error, alone.leading) == ("memory", "", True)
    alone.stop()


def test_two_processes_share_one_board(server: RedisProcess, asked: redis.Redis) -> None:
    with process(server.address) as (leader_board, leader), asked.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(f"{PREFIX}:changes")
        assert mode(leader)("leading")
        with process(server.address) as (follower_board, follower):
            assert mode(follower)("following")
            assert (leader.leading, follower.leading) == (True, False)
            now_s = time.time()
            ok, still_ok = result("a", at_s=now_s - 20), result("a", at_s=now_s - 10)
            down = result("a", Status.CRITICAL, now_s)
            for given in (ok, still_ok, down):
                leader_board.publish(given)
                assert comes(follower_board, given)
            assert shown(follower_board, "b") is None
            assert follower_board._entries["a"].since == utc(now_s)
            time_to_live_s = asked.ttl(f"{PREFIX}:component:a")
            assert 0 < time_to_live_s <= leader_board.keep_s("a")
            published = follower_board.published
            assert eventually(lambda: leader.state.mode == "leading" and asked.pttl(f"{PREFIX}:leader") > 0)
            assert follower_board.published == published == 3, "a result read again is no new one"
        told: list[Status] = []

        def hear() -> bool:
            message = channel.get_message(ignore_subscribe_messages=True, timeout=0.05)
            if message:
                told.append(decode(message["data"]).status)
            return len(told) == 2

        assert eventually(hear, 5), told
        assert told == [Status.OK, Status.CRITICAL], "only changes are announced"


def test_one_that_starts_later_knows_since_when(server: RedisProcess, asked: redis.Redis) -> None:
    with process(server.address) as (board, leader):
        assert mode(leader)("leading")
        now_s = time.time()
        board.publish(result("a", at_s=now_s - 5000))
        board.publish(result("a", at_s=now_s))
        assert eventually(lambda: asked.hget(f"{PREFIX}:component:a", "since") == utc(now_s - 5000).isoformat())
        with process(server.address) as (later, _):
            assert eventually(lambda: later._entries["a"].since == utc(now_s - 5000), 5)


@pytest.mark.parametrize("orderly", [True, False])
def test_the_lease_moves_when_the_leader_ends(
    orderly: bool, server: RedisProcess, asked: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    if orderly:
        monkeypatch.setattr(mirror, "LEASE_MS", 60_000)
    with process(server.address) as (_, first):
        assert mode(first)("leading")
        with process(server.address) as (board, second):
            assert mode(second)("following")
            if not orderly:  # as if killed: it neither turns any more nor gives the lease back
                first._release = lambda: None  # type: ignore[method-assign]
            first.stop()
            assert mode(second)("leading")
            board.publish(result("b", at_s=time.time()))
            assert eventually(lambda: bool(asked.exists(f"{PREFIX}:component:b")))


def test_a_leader_that_lives_renews_its_lease(
    server: RedisProcess, asked: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "LEASE_MS", 60_000)
    with process(server.address) as (_, leader):
        assert mode(leader)("leading")
        asked.pexpire(f"{PREFIX}:leader", 10_000)
        assert eventually(lambda: int(str(asked.pttl(f"{PREFIX}:leader"))) > 10_000)


def test_what_could_not_be_written_is_written_later(server: RedisProcess, asked: redis.Redis) -> None:
    with process(server.address) as (board, mirrored):
        assert mode(mirrored)("leading")
        asked.set(f"{PREFIX}:component:a", "in the way")
        given = result("a", at_s=time.time())
        board.publish(given)
        assert mode(mirrored)("alone")
        asked.delete(f"{PREFIX}:component:a")
        assert eventually(lambda: bool(asked.exists(f"{PREFIX}:component:a")))
        assert decode(str(asked.hget(f"{PREFIX}:component:a", "result"))) == given


def test_what_cannot_be_read_is_passed_over(
    server: RedisProcess, asked: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    with process(server.address) as (leader_board, leader):
        assert mode(leader)("leading")
        asked.hset(f"{PREFIX}:component:a", mapping={"result": "garbage", "since": "x"})
        asked.hset(f"{PREFIX}:component:b", mapping={"result": '{"format": 99}'})
        with process(server.address) as (board, follower):
            assert mode(follower)("following")
            assert eventually(lambda: "a is unreadable" in caplog.text)
            good = result("b", at_s=time.time())
            leader_board.publish(good)
            assert comes(board, good)
            assert follower.state.mode == "following"


def test_redis_away_means_memory_only_and_it_says_so(server: RedisProcess, asked: redis.Redis) -> None:
    with process(server.address) as (board, mirrored):
        assert mode(mirrored)("leading")
        server.kill()
        assert mode(mirrored)("alone")
        assert mirrored.leading, "alone each probes for itself"
        assert f"Redis at redis://{server.address}/0 is away" in mirrored.state.error
        kept = [result(name, at_s=time.time()) for name in NAMES]
        for one in kept:
            board.publish(one)
        assert shown(board) == kept[0]
        server.start()
        assert mode(mirrored)("leading")
        assert mirrored.state.error == ""
        assert eventually(lambda: asked_all(server) == {f"{PREFIX}:component:{name}" for name in NAMES}, 5)


def asked_all(server: RedisProcess) -> set[str]:
    with redis.Redis(port=server.port, decode_responses=True) as client:
        return set(client.keys(f"{PREFIX}:component:*"))


def test_what_was_not_written_is_forgotten_when_another_leads(server: RedisProcess, asked: redis.Redis) -> None:
    asked.set(f"{PREFIX}:leader", "another", px=60_000)
    board = board_of(component("a"))
    mirrored = Mirror(SecretUrl(f"redis://{server.address}/0"), board)
    board.subscribe(mirrored.on_result)
    board.publish(result("a", at_s=time.time()))
    mirrored.start()
    assert mode(mirrored)("following")
    assert eventually(lambda: not mirrored._changed)
    asked.delete(f"{PREFIX}:leader")
    assert mode(mirrored)("leading")
    mirrored.stop()
    assert asked.exists(f"{PREFIX}:component:a") == 0


@pytest.mark.parametrize("fault", [hanging, talking_garbage])
def test_a_redis_that_misbehaves_leaves_it_alone(fault: Callable[[], contextlib.AbstractContextManager[str]]) -> None:
    with fault() as address, process(address) as (_, mirrored):
        assert eventually(lambda: "is away" in mirrored.state.error, 5), mirrored.state
        assert mirrored.leading


def test_it_never_waits_and_leaves_no_thread(no_growth: Callable[[], None], tmp_path: Path) -> None:
    with hanging() as address:
        for _ in range(3):
            with process(address) as (board, _):
                started_s = time.monotonic()
                for _ in range(100):
                    board.publish(result("a", at_s=time.time()))
                assert time.monotonic() - started_s < 2
    no_growth()


def test_its_own_fault_leaves_it_alone_not_following(
    server: RedisProcess, asked: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    asked.set(f"{PREFIX}:leader", "another", px=60_000)
    with process(server.address) as (_, mirrored):
        assert mode(mirrored)("following")
        mirrored._read = lambda client: 1 / 0  # type: ignore[method-assign,assignment]
        assert mode(mirrored)("alone")
        assert mirrored.leading
        assert "failed unexpectedly" in caplog.text


def test_two_without_their_redis_are_alone_and_share_again(server: RedisProcess, asked: redis.Redis) -> None:
    with process(server.address) as (_, first), process(server.address) as (_, second):
        both = (first, second)
        assert eventually(lambda: sorted(one.state.mode for one in both) == ["following", "leading"], 5)
        server.kill()
        assert all(mode(one)("alone") and one.leading and "is away" in one.state.error for one in both)
        server.start()
        assert eventually(lambda: sorted(one.state.mode for one in both) == ["following", "leading"], 5)
        leader, follower = sorted(both, key=lambda one: one.state.mode, reverse=True)
        given = result("a", Status.WARNING, time.time())
        leader._board.publish(given)
        assert comes(follower._board, given)
