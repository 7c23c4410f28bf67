"""Clients that take without reading, or hold without sending: memory stays bounded and others go on."""

import socket
import struct

import pytest

from support import confluent, wire
from support.wire import Connection

pytestmark = pytest.mark.longhaul_only


def resident_mb(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def frame(api, version, body):
    data = wire.header(api, version) + body
    return struct.pack(">i", len(data)) + data


@pytest.fixture
def crowd(own_broker):
    """crowd(count, data): as many connections that have sent the data and never read."""
    made = []

    def send(count, data):
        for _ in range(count):
            connection = Connection(own_broker.port)
            made.append(connection)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.socket.setblocking(False)
            connection.socket.send(data)

    yield send
    for connection in made:
        connection.socket.close()


def others_go_on(server):
    confluent.produce(server.address, "others", [dict(value=b"x" * 1000) for _ in range(1000)])
    with Connection(server.port) as connection:
        assert connection.broker_count() == 1


def test_clients_that_never_read(own_broker, crowd):
    admin = confluent.admin_client(own_broker.address)
    confluent.create_topic(admin, "others", 1)
    confluent.create_topic(admin, "wide", 300)
    confluent.produce(own_broker.address, "others", [dict(value=b"x" * 100_000) for _ in range(100)])
    before = resident_mb(own_broker)
    wanted = struct.pack(">iiiibi", -1, 0, 1, 50 << 20, 0, 1) + wire.string("others")
    fetch = frame(wire.FETCH, 4, wanted + struct.pack(">iiqi", 1, 0, 0, 50 << 20))
    crowd(100, fetch * 20)  # 20 GB, were they all read
    metadata = frame(wire.METADATA, 1, struct.pack(">i", -1))
    crowd(50, metadata * 200)  # 100 MB, were they all answered
    others_go_on(own_broker)
    assert resident_mb(own_broker) < before + 120


def test_requests_that_are_announced_and_never_sent(own_broker, crowd):
    confluent.create_topic(confluent.admin_client(own_broker.address), "others", 1)
    before = resident_mb(own_broker)
    crowd(300, struct.pack(">i", 90_000) + b"\0\0\0\3")  # 27 MB in all: below the limit
    others_go_on(own_broker)
    assert resident_mb(own_broker) < before + 60
