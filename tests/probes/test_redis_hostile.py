"""A peer that answers PING as Redis does and everything else with what Redis would never say."""

import contextlib
import re
import socket
import threading

import pytest

from probes.result import ProbeFailure
from tests.probes.listeners import Behaviour, listening
from tests.probes.test_redis import probe


def bulk(text: str) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text.encode())


NO_NUMBERS = """redis_mode:cluster\r
cluster_enabled:1\r
role:master\r
used_memory:abc\r
maxmemory:zz\r
total_error_replies:1\r
cmdstat_get:calls=a,usec=b\r
errorstat_OOM:count=x\r
latency_percentiles_usec_get:p50=z\r
slave0:ip=1,port=2,state=online,offset=z,lag=q\r
db0:keys=x,expires=y,avg_ttl=z\r
"""
ODD_NUMBERS = """maxmemory:-1\r
used_memory:1e400\r
rdb_last_save_time:nan\r
server_time_usec:5\r
rdb_saves:1\r
db0:5\r
db1:keys=1\r
cmdstat_get:5\r
"""
INFOS = {
    "a sentinel": bulk("redis_mode:sentinel\r\nrun_id:x\r\nmaster0:name=a\r\n"),
    "no numbers": bulk(NO_NUMBERS),
    "odd numbers": bulk(ODD_NUMBERS),
    "no text": b"*0\r\n",
    "nothing": b"$-1\r\n",
}
REPLIES = (
    b"*0\r\n",
    b":1\r\n",
    b"$-1\r\n",
    b"+OK\r\n",
    b"-WEIRD thing\r\n",
    b"*1\r\n*2\r\n:1\r\n:2\r\n",
    b"*1\r\n*4\r\n+a\r\n+b\r\n+c\r\n+d\r\n",
    b"*1\r\n*4\r\n:1\r\n:99999999999999999\r\n:3\r\n*1\r\n$1\r\nx\r\n",
)


def answering(info: bytes, other: bytes) -> Behaviour:
    def behave(client: socket.socket, stop: threading.Event) -> None:
        while asked := client.recv(65536):
            words = re.findall(rb"\*\d+\r\n\$\d+\r\n(\w+)\r\n", asked)
            client.sendall(b"".join({b"PING": b"+PONG\r\n", b"INFO": info}.get(word, other) for word in words))

    return behave


@pytest.mark.parametrize("info", INFOS.values(), ids=list(INFOS))
def test_no_reply_is_a_fault_of_the_probe(info: bytes) -> None:
    for other in REPLIES:
        with listening(answering(info, other)) as address, contextlib.closing(probe(address)) as tried:
            told = []
            for _ in range(2):
                try:
                    told.append(tried.collect().summary)
                except ProbeFailure as failure:
                    told.append(failure.error.message)
            assert all(told)
