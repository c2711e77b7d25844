"""Is the hub there? Asked before anything is fetched, because its own client takes most of a minute to find out."""

import socket
import threading
import urllib.request
from urllib.parse import urlsplit

PATIENCE = 1.5  # seconds to wait for the hub before saying that it cannot be reached


def endpoint() -> str:
    """The hub's address."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def unreachable() -> str:
    """What to say where the hub does not answer; what to do instead comes after it."""
    return f"the hub at {endpoint()} cannot be reached; go online"


def hub_answers() -> bool:
    """Whether a connection to the hub, or to the proxy before it, opens within PATIENCE."""
    url = urlsplit(endpoint())
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(url.hostname or ""):
        url = urlsplit(proxy if "://" in proxy else f"//{proxy}")
    opened = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection(
                (url.hostname, url.port or (80 if url.scheme == "http" else 443)), PATIENCE
            ).close()
            opened.set()
        except OSError:
            pass  # not there: `opened` stays unset

    # In a thread, because looking up a name has no timeout of its own.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return opened.is_set()
