"""Frames that no library sends: each gets Kafka's answer or a closed connection, and others go on."""

import socket
import struct

import pytest

from support import wire
from support.wire import Connection, batch

UNSUPPORTED_VERSION = 35


@pytest.fixture
def bystander(broker):
    """A second connection, which has to go on working whatever happens on the first."""
    with Connection(broker.port) as connection:
        assert connection.broker_count() == 1
        yield connection
        assert connection.broker_count() == 1
    with Connection(broker.port) as connection:
        assert connection.broker_count() == 1


def frame(body):
    return struct.pack(">i", len(body)) + body


GARBAGE = {
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100c2010000be0303") + b"\x11" * 200,
    "a length below zero": struct.pack(">i", -1),
    "the smallest length": struct.pack(">i", -(2**31)),
    "the largest length": struct.pack(">i", 2**31 - 1),
    "a frame without a header": frame(b"\0"),
    "an unknown api": frame(wire.header(999, 0)),
    "a negative api": frame(wire.header(-5, 0)),
    "a version too new": frame(wire.header(wire.METADATA, 99) + b"\0" * 20),
    "a negative version": frame(wire.header(wire.METADATA, -1) + b"\0" * 20),
    "an array longer than the frame": frame(wire.header(wire.METADATA, 1) + struct.pack(">i", 2**31 - 1)),
    "a string longer than the frame": frame(wire.header(wire.METADATA, 1) + struct.pack(">ih", 1, 32000) + b"x"),
    "a body cut short": frame(wire.header(wire.LIST_OFFSETS, 1) + b"\0\0"),
    "a client id longer than the frame": frame(struct.pack(">hhih", wire.METADATA, 1, 1, 30000)),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_closes_only_its_connection(broker, bystander, data):
    with Connection(broker.port) as connection:
        connection.send_raw(data)
        assert connection.closed_by_peer()


def test_a_request_before_the_garbage_is_answered(broker, bystander):
    with Connection(broker.port) as connection:
        connection.send(wire.METADATA, 1, struct.pack(">i", 0))
        assert connection.receive()[0] == 1
        connection.send_raw(frame(wire.header(999, 0)))
        assert connection.closed_by_peer()


def test_half_a_frame_and_gone(broker, bystander):
    for _ in range(20):
        with Connection(broker.port) as connection:
            connection.send_raw(struct.pack(">i", 1000) + b"half")
            connection.socket.shutdown(socket.SHUT_WR)
            assert connection.closed_by_peer()


def test_a_frame_byte_by_byte(broker):
    with Connection(broker.port) as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(wire.header(wire.METADATA, 1, 77) + struct.pack(">i", 0)):
            connection.send_raw(bytes([byte]))
        assert connection.receive()[0] == 77


def test_an_oversized_request_is_refused(make_server):
    server = make_server(socket_request_max_bytes=100_000)
    server.format()
    server.start()
    with Connection(server.port) as connection:
        connection.send_raw(struct.pack(">i", 100_001) + b"\0" * 1000)
        assert connection.closed_by_peer()
    with Connection(server.port) as connection:
        body = struct.pack(">i", 1) + wire.string("x" * 30000)
        connection.call(wire.METADATA, 1, body)  # a large one that is allowed
    assert server.stop() in (0, 143)


def test_many_requests_at_once_are_answered_in_order(broker):
    with Connection(broker.port) as connection:
        sent = []
        for i in range(200):
            if i % 3:
                sent.append(connection.send(wire.METADATA, 1, struct.pack(">i", 0)))
            else:
                sent.append(connection.send(wire.API_VERSIONS, 0, b""))
        assert [connection.receive()[0] for _ in sent] == sent


def test_api_versions_too_new_is_answered_in_version_0(broker):
    with Connection(broker.port) as connection:
        cursor = connection.call(wire.API_VERSIONS, 99, b"\0whatever")  # header 2: no tags
        assert cursor.take("h") == UNSUPPORTED_VERSION
        keys = [cursor.take("hhh") for _ in range(cursor.take("i"))]
        assert (wire.API_VERSIONS, 0) in [key[:2] for key in keys]
        versions = connection.api_versions()  # the connection goes on
        assert versions[wire.API_VERSIONS][1] >= 3


def test_what_is_advertised_is_what_old_clients_look_for(broker):
    with Connection(broker.port) as connection:
        versions = connection.api_versions()
    assert versions[wire.PRODUCE][0] == 0
    assert versions[11][0] == 0  # JoinGroup
    for key in (1, 2, 3, 8, 9, 10, 12, 13, 14, 15, 16, 18, 19, 20, 22, 23, 32, 35, 37, 42, 44, 47, 60, 75):
        assert key in versions, f"api {key}"


class TestBatches:
    """What the broker says to record batches that are wrong."""

    UNKNOWN, CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION, INVALID_RECORD = -1, 2, 76, 87

    @pytest.fixture
    def connection(self, broker):
        with Connection(broker.port) as connection:
            yield connection

    def test_a_good_one(self, connection, topic):
        assert connection.produce(topic, 0, batch([b"a", b"b"]))[:2] == (0, 0)
        assert connection.produce(topic, 0, batch([b"c"]))[:2] == (0, 2)
        error, high, records = connection.fetch(topic, 0, 0)
        assert (error, high) == (0, 3)
        assert b"a" in records and struct.unpack_from(">q", records)[0] == 0

    # Apache Kafka says UNKNOWN where it cannot decompress; ours never may (it is fatal to an idempotent producer).
    UNREADABLE = (CORRUPT_MESSAGE, INVALID_RECORD, UNSUPPORTED_COMPRESSION)
    BAD = {
        "a wrong CRC": (dict(crc=1), (CORRUPT_MESSAGE,)),
        "magic 1": (dict(magic=1), (CORRUPT_MESSAGE, INVALID_RECORD)),
        "magic 3": (dict(magic=3), (CORRUPT_MESSAGE, INVALID_RECORD)),
        "a count that is not the records'": (dict(count=5, last_offset_delta=4), (INVALID_RECORD,)),
        "a last offset that is not the count's": (dict(last_offset_delta=7), (INVALID_RECORD,)),
        "a length shorter than a header": (dict(length=10), (CORRUPT_MESSAGE,)),
        "a length below zero": (dict(length=-1), (CORRUPT_MESSAGE,)),
        "a length past the end": (dict(length=5000), (CORRUPT_MESSAGE, INVALID_RECORD)),
        "a control batch": (dict(attributes=0x20), (INVALID_RECORD,)),
        "an unknown codec": (dict(attributes=7), UNREADABLE),
        "gzip that is none": (dict(attributes=1), UNREADABLE),
        "zstd that is none": (dict(attributes=4), UNREADABLE),
    }

    @pytest.mark.parametrize("fields, errors", BAD.values(), ids=BAD.keys())
    def test_bad_ones_are_refused(self, server_kind, connection, topic, fields, errors):
        if server_kind == "kafka" and errors == self.UNREADABLE:
            errors += (self.UNKNOWN,)
        self.refused(connection, topic, batch([b"a", b"b"], **fields), errors)

    def refused(self, connection, topic, records, errors):
        assert connection.produce(topic, 1, records)[0] in errors
        assert connection.end_offset(topic, 1) == (0, -1, 0)  # nothing was kept
        assert connection.produce(topic, 1, batch([b"good"]))[:2] == (0, 0)

    def test_two_batches_at_once_are_refused(self, connection, topic):
        self.refused(connection, topic, batch([b"a"]) + batch([b"b"]), (self.INVALID_RECORD,))

    def test_an_unknown_topic(self, connection):
        assert connection.produce("no-such-topic", 0, batch([b"a"]))[0] == 3

    def test_an_unknown_partition(self, connection, topic):
        assert connection.produce(topic, 99, batch([b"a"]))[0] == 3

    def test_acks_that_do_not_exist(self, connection, topic):
        assert connection.produce(topic, 0, batch([b"a"]), acks=2)[0] == 21
        assert connection.end_offset(topic, 0)[2] == 0

    def test_acks_0_gets_no_answer(self, connection, topic):
        connection.send(wire.PRODUCE, 3, wire.produce_body(topic, 0, batch([b"a"]), acks=0))
        correlation = connection.send(wire.METADATA, 1, struct.pack(">i", 0))
        assert connection.receive()[0] == correlation
        assert connection.end_offset(topic, 0)[2] == 1

    def test_acks_0_and_an_error_closes(self, broker, connection, topic):
        connection.send(wire.PRODUCE, 3, wire.produce_body(topic, 0, batch([b"a"], crc=3), acks=0))
        assert connection.closed_by_peer()


class TestSequences:
    """An idempotent producer by hand: duplicates are dropped, gaps refused."""

    OUT_OF_ORDER, INVALID_PRODUCER_EPOCH = 45, 47

    def test_duplicates_and_gaps(self, broker, topic):
        with Connection(broker.port) as connection:
            producer = connection.init_producer_id()

            def send(sequence, values, who=producer):
                return connection.produce(topic, 0, batch(values, producer=who, sequence=sequence))[:2]

            assert send(0, [b"a", b"b"]) == (0, 0)
            assert send(2, [b"c"]) == (0, 2)
            assert send(0, [b"a", b"b"]) == (0, 0)  # seen before: its old offset, not written again
            assert send(2, [b"c"]) == (0, 2)
            assert send(5, [b"f"])[0] == self.OUT_OF_ORDER
            assert connection.end_offset(topic, 0)[2] == 3
            assert send(3, [b"d"]) == (0, 3)
            bumped = (producer[0], producer[1] + 1)
            assert send(0, [b"e"], bumped) == (0, 4)
            assert send(4, [b"old"])[0] == self.INVALID_PRODUCER_EPOCH

    def test_five_batches_are_remembered(self, broker, topic):
        with Connection(broker.port) as connection:
            producer = connection.init_producer_id()
            for i in range(7):
                assert connection.produce(topic, 0, batch([b"x"], producer=producer, sequence=i))[:2] == (0, i)
            for i in range(2, 7):
                assert connection.produce(topic, 0, batch([b"x"], producer=producer, sequence=i))[:2] == (0, i)
            assert connection.end_offset(topic, 0)[2] == 7

    def test_producer_ids_differ(self, broker):
        with Connection(broker.port) as connection:
            ids = [connection.init_producer_id()[0] for _ in range(20)]
        assert len(set(ids)) == 20
