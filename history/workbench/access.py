"""Whether there is a workbench: who can reach the application decides, unless the configuration does."""

from collections.abc import Mapping
from ipaddress import ip_address

from settings import Workbench

LISTENS_ON = "TAPEWATCH_LISTENS_ON"
"""Under this name `serve` tells its own process which address it listens on."""


def closed(workbench: Workbench, environ: Mapping[str, str]) -> str:
    """Why there is no workbench, and what would open it; empty when there is one.

    Without a word in the configuration there is one exactly where only this machine can reach it. Who started the
    application otherwise than by `serve` is not known to listen on loopback alone.

    >>> closed(Workbench(), {LISTENS_ON: "127.0.0.1"}), closed(Workbench(enabled=True), {LISTENS_ON: "0.0.0.0"})
    ('', '')
    """
    how = "To open it, write enabled = true under [workbench] in tapewatch.toml"
    if workbench.enabled is not None:
        return "" if workbench.enabled else "It is switched off: enabled = false under [workbench] in tapewatch.toml."
    host = environ.get(LISTENS_ON, "")
    if not host:
        return f"It is not known which address Tapewatch listens on. {how}, or start Tapewatch with make run."
    if is_loopback(host):
        return ""
    return f"Tapewatch listens on {host}, which other machines can reach. {how}; first see who can open it."


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an application that listens on `host`.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "10.0.0.5", "desk")]
    [True, True, True, False, False, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
