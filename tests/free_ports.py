"""Ports of this machine on which nobody listens."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now, for servers started next."""
    with ExitStack() as open_ones:
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        for server in servers:
            open_ones.enter_context(server)
        return [server.getsockname()[1] for server in servers]
