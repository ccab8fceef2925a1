"""Serves Tapewatch: checks the configuration, takes the port, runs uvicorn.

``python serve.py`` is what `make run` calls. Everything that can be wrong before the first page is
said here in one line each: a configuration that cannot be used (exit 2), a port in use (exit 1).
"""

import errno
import os
import socket
import sys
from contextlib import suppress

import uvicorn

import probes
import settings
from history.workbench.access import LISTENS_ON

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8501


def main(app: str = "streamlit_app:app") -> int:
    """Serve `app` until interrupted; returns the exit code."""
    path = settings.find_file(os.environ)
    try:
        if path is not None:
            settings.load(path, os.environ, probes.COMPONENTS, probes.component_problems)
        host, port = address(os.environ)
        listener = listen(host, port)
        os.environ[LISTENS_ON] = host
    except settings.ConfigError as error:
        print(f"Tapewatch cannot start with this configuration:\n{error}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(_bind_sentence(error, host, port), file=sys.stderr)
        return 1
    what = f"watching {path}" if path else "demo stack (no tapewatch.toml here)"
    print(
        f"Tapewatch: http://{'localhost' if host in {'127.0.0.1', '0.0.0.0', '::1', '::'} else host}:{port}  {what}",
        flush=True,
    )
    config = uvicorn.Config(
        app,
        log_level="warning",
        ws_per_message_deflate=False,  # Streamlit's own default: its messages are small and many
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):  # Ctrl-C: everything has been stopped in order by now
        server.run(sockets=[listener])
    return 0


def address(environ: "os._Environ[str] | dict[str, str]") -> tuple[str, int]:
    """Host and port from ``HOST`` and ``PORT``.

    Raises:
        ValueError: the port is not a number from 1 to 65535.
    """
    host, text = environ.get("HOST") or DEFAULT_HOST, environ.get("PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError(f"PORT={text[:20]}: expected a number from 1 to 65535.")
    return host, int(text)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Made with IPPROTO_TCP named: asyncio switches Nagle off on such sockets only."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _bind_sentence(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop what listens there, or start with PORT=… make run."
    return f"Cannot listen on {host}:{port}: {error.strerror or error}."


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is stopped and written by now. A daemon thread may still be inside the embedded ClickHouse,
    # whose exit handlers then crash: leave without running them.
    os._exit(code)
