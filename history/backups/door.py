"""Lets `make backup` reach the process that has the embedded history open.

A Unix socket in the history's own directory: who may open it is what the file system says, this user and
root, and nothing listens on the network. A request is one line of JSON, and so is the reply.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from history.backups.archive import BackupError
from history.backups.backup import back_up, clear, directory_of
from history.store import Store, explain
from probes.clickhouse_client import is_embedded

log = logging.getLogger(__name__)

NAME = "backup.sock"
MAX_PATH_BYTES = 103
"""What macOS takes for a socket; Linux takes 107."""
LINE_BYTES = 65_536
READ_TIMEOUT_S = 5.0
POLL_S = 0.25
DRAINS = 3
"""Samples may come while others are written: that they wait is no failure yet."""


class Door:
    """Takes backups for whoever asks at the socket, one at a time, in a thread of its own.

    It opens when the store first answers: from then on this process has the directory to itself, and what an
    earlier one left of a socket or of frozen parts is removed. A server's history has no door.

    Args:
        drain: writes what waits in the spool; whether nothing waits any more.
    """

    def __init__(self, store: Store, drain: Callable[[], bool] = lambda: True) -> None:
        self._store = store
        self._drain = drain
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None and is_embedded(self._store.settings.dsn):
            self._thread = threading.Thread(target=self._watch, name="history:backup", daemon=True)
            self._thread.start()

    def stop(self, wait_s: float = 2.0) -> None:
        """Close the door; a backup under way is given `wait_s`, and what is not whole then is removed later."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(wait_s)

    def _watch(self) -> None:
        while not self._store.state.ready:
            if self._stopping.wait(POLL_S):
                return
        directory = directory_of(self._store.settings.dsn)
        try:
            clear(directory)
            with closing(socket.socket(socket.AF_UNIX)) as listener:
                path = address(directory)
                path.unlink(missing_ok=True)
                listener.bind(str(path))
                path.chmod(0o600)
                listener.listen(4)
                listener.settimeout(POLL_S)
                self._answer_all(listener, directory)
                path.unlink(missing_ok=True)
        except (OSError, BackupError) as error:
            log.warning("history: no backup can be asked for while this runs: %s", error)

    def _answer_all(self, listener: socket.socket, directory: Path) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                client, _ = listener.accept()
                with closing(client), suppress(OSError):  # who asked may have gone away
                    client.settimeout(READ_TIMEOUT_S)
                    client.sendall(json.dumps(self._answer(client, directory)).encode() + b"\n")

    def _answer(self, client: socket.socket, directory: Path) -> dict[str, str]:
        """``{"made": …, "said": …}``, or ``{"error": …}`` with a sentence."""
        try:
            target = Path(json.loads(_line(client))["to"])
        except (ValueError, KeyError, TypeError, OSError):
            return {"error": "This is no request for a backup: use make backup."}
        if not target.is_absolute():
            return {"error": f"{target} is not an absolute path: use make backup."}
        try:
            drained(self._drain)
            with closing(self._store.connect()) as own:
                made = back_up(own, self._store.database, directory, target)
        except BackupError as error:
            return {"error": str(error)}
        except Exception as exc:  # whatever the engine says goes to who asked; the next request may succeed
            said = explain(exc, self._store.place)
            return {"error": f"{said.message} {said.hint}"}
        return {"made": str(made.path), "said": made.said}


def drained(drain: Callable[[], bool]) -> None:
    """Have what waits written before a backup.

    A batch whose outcome is unknown may be in the tables and in the spool: brought back beside that spool it would
    count twice, since a restored table does not know its token.

    Raises:
        BackupError: it could not be written.
    """
    if not any(drain() for _ in range(DRAINS)):
        raise BackupError(
            "What waits in the spool could not be written, and the backup would not go with it: "
            "the Debug page and the log say why. Mend that, then try again."
        )


def address(directory: Path) -> Path:
    """The socket of the history in `directory`, relative to the working directory where that is shorter.

    Raises:
        BackupError: both are too long for a socket.
    """
    path = directory / NAME
    shortest = min(str(path), os.path.relpath(path), key=len)
    if len(os.fsencode(shortest)) > MAX_PATH_BYTES:
        raise BackupError(
            f"{path} is too long for a socket ({MAX_PATH_BYTES} bytes): name a shorter history.dsn, or stop Tapewatch "
            "and back it up then."
        )
    return Path(shortest)


def ask(directory: Path, target: Path) -> str | None:
    """Have the process that runs on `directory` write a backup to `target`; None: none runs.

    Returns:
        What is in the backup.

    Raises:
        BackupError: there is one, and it could not, or broke off.
    """
    with closing(socket.socket(socket.AF_UNIX)) as client:
        if not _reach(client, directory):
            return None
        try:
            client.sendall(json.dumps({"to": str(target)}).encode() + b"\n")
            reply = json.loads(_line(client))
        except (OSError, ValueError):
            raise BackupError("Tapewatch ended while it made the backup: there is none. Try again.") from None
    if "error" in reply:
        raise BackupError(str(reply["error"]))
    return str(reply["said"])


def is_running(directory: Path) -> bool:
    """Whether a process that takes backups runs on `directory`.

    Raises:
        BackupError: it is another user's.
    """
    with closing(socket.socket(socket.AF_UNIX)) as client:
        return _reach(client, directory)


def _reach(client: socket.socket, directory: Path) -> bool:
    try:
        client.connect(str(address(directory)))
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        return False
    except PermissionError:
        raise BackupError(f"{directory} belongs to another user's Tapewatch: run this as that user.") from None
    return True


def _line(client: socket.socket) -> bytes:
    """What is sent up to the end of the line.

    Raises:
        ValueError: it is too long, or has no end.
    """
    received = b""
    while not received.endswith(b"\n"):
        data = client.recv(4096)
        received += data
        if not data or len(received) > LINE_BYTES:
            raise ValueError("no whole line")
    return received
