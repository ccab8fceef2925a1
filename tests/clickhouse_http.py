"""ClickHouse's HTTP interface before the embedded engine, in a process of its own.

It speaks as much of the protocol as clickhouse-connect needs: ping, authentication, queries side by side
with parameters and settings, inserts in any format, errors with their code. A process of its own,
because one process can open one chdb path only, and so that it can be killed or frozen.

While it runs it can be told to lack a grant, to answer another version, to serve a user who may
only read (the engine's own readonly), to refuse by any error of ClickHouse's, or to be slow.
"""

import base64
import contextlib
import http.client
import http.server
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from tests.probes.listeners import eventually

USER, PASSWORD = "tapewatch", "right horse"
NOT_SETTINGS = re.compile(
    r"query|database|param_.*|session_.*|query_id|quota_key|(de)?compress|wait_end_of_query|client_protocol_version|role"
    r"|send_progress.*|http_headers_progress.*|enable_http_compression|user|password|default_format"
)
INSERT = re.compile(rb"\s*INSERT\s+INTO\s.*?\sFORMAT\s+\w+[ \t;]*\n?", re.IGNORECASE | re.DOTALL)


class Refusal(Exception):
    def __init__(self, code: int, name: str, text: str, status: int = 500) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}. ({name})")
        self.code, self.status = code, status


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    directory = ""
    denied: tuple[str, ...] = ()
    told: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self.do_POST()

    def do_POST(self) -> None:
        params = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self._body()
        if urlsplit(self.path).path == "/tell":
            type(self).told = json.loads(body)
            return self._answer(200, b"")
        try:
            self._authenticate()
            self._answer(200, self._run(params, body))
        except Refusal as refusal:
            self._answer(refusal.status, str(refusal).encode(), {"X-ClickHouse-Exception-Code": str(refusal.code)})
        except Exception as exc:
            code = re.search(r"Code: (\d+)", str(exc))
            headers = {"X-ClickHouse-Exception-Code": code[1] if code else "1"}
            self._answer(404 if code and code[1] in ("60", "81") else 500, str(exc).encode(), headers)

    def _authenticate(self) -> None:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") not in (
            f"Basic {wanted}",
            f"Basic {base64.b64encode(b'default:').decode()}",
        ):
            raise Refusal(516, "AUTHENTICATION_FAILED", "Authentication failed: password is incorrect", 403)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        else:
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        if self.headers.get("Content-Encoding") == "lz4":
            import lz4.frame  # type: ignore[import-untyped]

            return bytes(lz4.frame.decompress(body))
        return body

    def _run(self, params: dict[str, str], body: bytes) -> bytes:
        statement = params.get("query", "").encode()
        body = statement + b"\n" + body if statement else body
        for table in self.denied:
            if table.encode() in body:
                raise Refusal(497, "ACCESS_DENIED", f"{USER}: Not enough privileges, grant SELECT ON {table}", 403)
        for pattern, answer in self.told.get("garbling", ()):
            if re.search(pattern.encode(), body, re.IGNORECASE):
                return bytes.fromhex(answer)
        body = self._heed(body)
        settings = {name: value for name, value in params.items() if not NOT_SETTINGS.fullmatch(name)}
        bound = {name[6:]: value for name, value in params.items() if name.startswith("param_")}
        if self.told.get("readonly"):
            settings = {"readonly": str(int(self.told["readonly"])), **settings}
        elif "readonly" in settings:  # it holds for the statement, not for what comes beside it
            settings["readonly"] = settings.pop("readonly")
        import chdb

        with closing(chdb.connect(self.directory)) as engine:  # type: ignore[no-untyped-call]
            engine.query(f"USE `{params.get('database') or 'default'}`", "TabSeparated")
            for name, value in settings.items():
                engine.query(f"SET {name} = '{value}'", "TabSeparated")
            insert = INSERT.match(body)
            if insert and body[insert.end() :].strip():
                return _insert(engine, insert[0].decode(), body[insert.end() :])
            return bytes(engine.query(body.decode(), "TabSeparated", params=bound).bytes() or b"")

    def _heed(self, body: bytes) -> bytes:
        """What this front was told about such a statement."""
        text = body[:2000].decode(errors="replace")
        if grant := next((grant for grant in self.told.get("lacking", ()) if _needs(text, grant)), None):
            raise Refusal(497, "ACCESS_DENIED", LACKING.format(user=USER, grant=grant), 403)
        for pattern, code, name, sentence in self.told.get("refusing", ()):
            if re.search(pattern, text, re.IGNORECASE):
                raise Refusal(code, name, sentence)
        for pattern, seconds in self.told.get("slow", ()):
            if re.search(pattern, text, re.IGNORECASE):
                threading.Event().wait(seconds)
        version = self.told.get("version")
        return body.replace(b"version()", f"'{version}'".encode()) if version else body

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("X-ClickHouse-Summary", "{}")
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def _insert(engine: Any, statement: str, rows: bytes) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".native") as file:
        file.write(rows)
        file.flush()
        engine.query(re.sub(r"(?i)\sFORMAT\s", f" FROM INFILE '{file.name}' FORMAT ", statement), "TabSeparated")
    return b""


LACKING = "{user}: Not enough privileges. To execute this query, it's necessary to have the grant {grant}"


def _needs(statement: str, grant: str) -> bool:
    """Whether a statement needs a grant such as ``INSERT ON db.samples`` or ``CREATE TABLE ON db.*``."""
    verb, _, target = grant.partition(" ON ")
    words = re.escape(verb.partition("(")[0]).replace(r"\ ", r"\s+")
    table = re.escape(target.replace(".*", "")).replace(r"\.", "`?[.]`?")
    return bool(re.match(rf"\s*{words}\b[^(]*?`?{table}\b", statement, re.IGNORECASE))


class ClickHouseProcess:
    """The front in its process; keeps port and data over restarts."""

    def __init__(self, directory: Path, denied: tuple[str, ...] = ()) -> None:
        with socket.create_server(("127.0.0.1", 0)) as held:
            self.port: int = held.getsockname()[1]
        self._command = [sys.executable, "-m", "tests.clickhouse_http", str(self.port), str(directory), *denied]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        return f"clickhouse://{USER}:{PASSWORD.replace(' ', '%20')}@{self.address}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        root = Path(__file__).parent.parent
        self._process = subprocess.Popen(self._command, cwd=root, stdout=subprocess.DEVNULL)
        assert eventually(self._accepts, within_s=20), f"the front on {self.address} did not come up"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def tell(self, **what: object) -> None:
        """Behave so from now on; nothing: as a healthy server.

        Args:
            lacking: grants the user has not, such as ``INSERT ON db.samples``.
            refusing: pattern of a statement, ClickHouse's code, its name and sentence.
            slow: pattern of a statement and seconds.
            garbling: pattern of a statement and the bytes that answer it, in hexadecimal.
            version: what ``version()`` answers.
            readonly: the user's setting of that name: 1 only reads, 2 may also set limits.
        """
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("POST", "/tell", json.dumps(what))
            assert connection.getresponse().status == 200

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@contextlib.contextmanager
def clickhouse_process(directory: Path, denied: tuple[str, ...] = ()) -> Iterator[ClickHouseProcess]:
    """A running front over the engine in `directory`; reading a table of `denied` is refused."""
    server = ClickHouseProcess(directory, denied)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def main(port: int, directory: str, *denied: str) -> None:
    import chdb

    Front.directory, Front.denied = directory, denied
    with closing(chdb.connect(directory)):  # type: ignore[no-untyped-call]  # keeps it open between requests
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Front).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
