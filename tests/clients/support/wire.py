"""Kafka's frames by hand, for what no client library would ever send.

Only old, non-flexible versions are spelled out: big-endian integers, 16-bit string lengths.
"""

import socket
import struct

import crc32c

PRODUCE, FETCH, LIST_OFFSETS, METADATA, INIT_PRODUCER_ID, API_VERSIONS = 0, 1, 2, 3, 22, 18


def string(text):
    if text is None:
        return struct.pack(">h", -1)
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def header(api, version, correlation=1, client="raw"):
    """Request header 1."""
    return struct.pack(">hhi", api, version, correlation) + string(client)


class Cursor:
    """Reads a response."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        size = struct.calcsize(">" + layout)
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += size
        return values[0] if len(values) == 1 else values

    def string(self):
        size = self.take("h")
        return None if size < 0 else self.raw(size).decode()

    def bytes(self):
        size = self.take("i")
        return None if size < 0 else self.raw(size)

    def raw(self, size):
        self.at += size
        return bytes(self.data[self.at - size : self.at])


class Connection:
    """One TCP connection to a broker on this machine."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, api, version, body):
        self.correlation += 1
        frame = header(api, version, self.correlation) + body
        self.send_raw(struct.pack(">i", len(frame)) + frame)
        return self.correlation

    def receive(self):
        """(correlation id, cursor behind it). EOFError when the broker closed the connection."""
        (size,) = struct.unpack(">i", self.exactly(4))
        cursor = Cursor(self.exactly(size))
        return cursor.take("i"), cursor

    def call(self, api, version, body):
        sent = self.send(api, version, body)
        correlation, cursor = self.receive()
        assert correlation == sent
        return cursor

    def closed_by_peer(self):
        """Waits until the broker closes (True) or says something (False)."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def exactly(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionError as error:
                raise EOFError from error
            if not part:
                raise EOFError("connection closed by the broker")
            data += part
        return data

    def broker_count(self):
        cursor = self.call(METADATA, 1, struct.pack(">i", 0))  # no topics
        return cursor.take("i")

    def api_versions(self):
        """{api key: (lowest, highest)}"""
        cursor = self.call(API_VERSIONS, 0, b"")
        assert cursor.take("h") == 0
        return {key: (low, high) for key, low, high in (cursor.take("hhh") for _ in range(cursor.take("i")))}

    def init_producer_id(self):
        """(producer id, epoch) for an idempotent producer."""
        error = loading = 14
        while error == loading:  # the first one waits for a block of IDs; the socket's timeout bounds it
            cursor = self.call(INIT_PRODUCER_ID, 0, string(None) + struct.pack(">i", 60000))
            _, error, producer, epoch = cursor.take("ihqh")
        assert error == 0
        return producer, epoch

    def produce(self, topic, partition, records, acks=-1):
        """(error code, base offset, log append time) of one partition, with Produce 3."""
        self.send(PRODUCE, 3, produce_body(topic, partition, records, acks))
        cursor = self.receive()[1]
        assert cursor.take("i") == 1 and cursor.string() == topic
        count, index, error, base, time = cursor.take("iihqq")
        assert (count, index) == (1, partition)
        return error, base, time

    def fetch(self, topic, partition, offset, max_wait_ms=500):
        """(error code, high watermark, bytes of the record set), with Fetch 4."""
        body = struct.pack(">iiiibi", -1, max_wait_ms, 1, 1 << 20, 0, 1) + string(topic)
        body += struct.pack(">iiqi", 1, partition, offset, 1 << 20)
        cursor = self.call(FETCH, 4, body)
        cursor.take("i")
        assert cursor.take("i") == 1 and cursor.string() == topic
        count, index, error, high, _, aborted = cursor.take("iihqqi")
        assert (count, index) == (1, partition)
        for _ in range(max(aborted, 0)):
            cursor.take("qq")
        return error, high, cursor.bytes()

    def end_offset(self, topic, partition, timestamp=-1):
        """(error code, timestamp, offset), with ListOffsets 1."""
        body = struct.pack(">ii", -1, 1) + string(topic) + struct.pack(">iiq", 1, partition, timestamp)
        cursor = self.call(LIST_OFFSETS, 1, body)
        cursor.take("i")
        cursor.string()
        _, _, error, time, offset = cursor.take("iihqq")
        return error, time, offset


def produce_body(topic, partition, records, acks=-1):
    body = string(None) + struct.pack(">hii", acks, 30000, 1) + string(topic)
    return body + struct.pack(">iii", 1, partition, len(records)) + records


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def record(offset_delta, key, value, timestamp_delta=0):
    def optional(data):
        return varint(-1) if data is None else varint(len(data)) + data

    body = b"\0" + varint(timestamp_delta) + varint(offset_delta) + optional(key) + optional(value) + varint(0)
    return varint(len(body)) + body


def batch(values, timestamp=1_700_000_000_000, producer=(-1, -1), sequence=-1, **override):
    """A record batch of plain values. `override` replaces header fields, to make it wrong: magic,
    crc, attributes, last_offset_delta, count, length."""
    records = b"".join(record(i, None, value) for i, value in enumerate(values))
    count = override.get("count", len(values))
    last = override.get("last_offset_delta", len(values) - 1)
    body = struct.pack(
        ">hiqqqhii", override.get("attributes", 0), last, timestamp, timestamp, *producer, sequence, count
    ) + records
    crc = override.get("crc", crc32c.crc32c(body))
    tail = struct.pack(">ibI", -1, override.get("magic", 2), crc) + body
    return struct.pack(">qi", 0, override.get("length", len(tail))) + tail
