"""What one client writes, every other reads: five codecs, keys, headers, timestamps, odd values."""

import json
import struct
import time

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME

from support import confluent
from support.wire import Connection
from support.writers import CODECS, READERS, WRITERS, kcat, rows


@pytest.fixture(scope="module")
def written(shared_server):
    """{codec: topic}; every writer has written its rows into each topic."""
    admin = confluent.admin_client(shared_server.address)
    topics = {codec: f"interop-{codec}" for codec in CODECS}
    for codec, topic in topics.items():
        confluent.create_topic(admin, topic, 3)
        for name, write in WRITERS.items():
            write(shared_server.address, topic, codec, rows(name, codec))
    return topics


@pytest.mark.parametrize("reader", READERS)
def test_everyone_reads_what_everyone_wrote(broker, written, reader):
    expected = [
        (key, value, tuple(sorted(headers.items())))
        for codec in CODECS
        for writer in WRITERS
        for key, value, headers in rows(writer, codec)
    ]
    found = READERS[reader](broker.address, list(written.values()), len(expected))
    assert sorted(found) == sorted(expected)


def batches(port, topic, partition):
    """(attributes, record count) of every stored batch."""
    found, offset = [], 0
    with Connection(port) as connection:
        end = connection.end_offset(topic, partition)[2]
        while offset < end:
            error, _, data = connection.fetch(topic, partition, offset)
            assert error == 0 and data
            at = 0
            while at + 61 <= len(data) and at + 12 + struct.unpack_from(">i", data, at + 8)[0] <= len(data):
                base, length = struct.unpack_from(">qi", data, at)
                attributes, last = struct.unpack_from(">hi", data, at + 21)
                (count,) = struct.unpack_from(">i", data, at + 57)
                assert count == last + 1
                found.append((attributes, count))
                offset, at = base + count, at + 12 + length
    return found


@pytest.mark.parametrize("codec", CODECS)
def test_batches_are_stored_as_the_producer_compressed_them(broker, written, codec):
    stored = [row for p in range(3) for row in batches(broker.port, written[codec], p)]
    assert {attributes & 7 for attributes, _ in stored} == {CODECS.index(codec)}
    assert sum(count for _, count in stored) == 60 * len(WRITERS)


@pytest.mark.parametrize("codec", CODECS)
def test_a_topic_may_ask_for_a_codec(broker, admin, topic_name, codec):
    setting = "uncompressed" if codec == "none" else codec
    confluent.create_topic(admin, topic_name, 1, compression_type=setting)
    for sent in ("none", "gzip", "lz4"):
        rows = [dict(key=sent, value=f"{sent} {i} " * 20) for i in range(20)]
        confluent.produce(broker.address, topic_name, rows, compression_type=sent, linger_ms=5)
    stored = batches(broker.port, topic_name, 0)
    assert {attributes & 7 for attributes, _ in stored} == {CODECS.index(codec)}
    values = [m.value().decode() for m in confluent.read_all(broker.address, topic_name, 1)]
    assert values == [f"{sent} {i} " * 20 for sent in ("none", "gzip", "lz4") for i in range(20)]


ODD = [
    dict(key=None, value=b"no key"),
    dict(key=b"no value", value=None),
    dict(key=b"", value=b""),
    dict(key=b"k", value=b"\x00\xff\x80 not text"),
    dict(key="schlüssel", value="ünïcode → ∞", headers=[("h", "ö"), ("none", None), ("empty", b""), ("h", b"twice")]),
    dict(key=b"big", value=bytes(range(256)) * 3000),
]


@pytest.mark.parametrize("codec", CODECS)
def test_odd_values(broker, topic, codec):
    sent = [{**row, "partition": 0} for row in ODD]
    confluent.produce(broker.address, topic, sent, compression_type=codec)
    read = confluent.read_all(broker.address, topic, 1)

    def as_bytes(text):
        return text.encode() if isinstance(text, str) else text

    for row, message in zip(ODD, read, strict=True):
        assert message.key() == as_bytes(row["key"])
        assert message.value() == as_bytes(row["value"])
        assert (message.headers() or []) == [(k, as_bytes(v)) for k, v in row.get("headers", [])]


def test_create_time_is_the_producers(broker, topic):
    at = 1_234_567_890_123
    confluent.produce(broker.address, topic, [dict(value=str(i), partition=0, timestamp=at + i) for i in range(5)])
    stamps = [m.timestamp() for m in confluent.read_all(broker.address, topic, 1)]
    assert stamps == [(TIMESTAMP_CREATE_TIME, at + i) for i in range(5)]


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_log_append_time_is_the_brokers(broker, admin, topic_name, codec):
    confluent.create_topic(admin, topic_name, 1, message_timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    sent = confluent.produce(
        broker.address, topic_name, [dict(value=str(i), timestamp=1000 + i) for i in range(5)], compression_type=codec
    )
    after = int(time.time() * 1000)
    for message in [*sent, *confluent.read_all(broker.address, topic_name, 1)]:
        kind, at = message.timestamp()
        assert kind == TIMESTAMP_LOG_APPEND_TIME and before <= at <= after
    (line, *_) = kcat(broker.address, "-C", "-t", topic_name, "-e", "-q", "-J").splitlines()
    assert json.loads(line)["tstype"] == "logappend"


def test_timestamps_too_far_off_are_refused(broker, admin, topic_name):
    confluent.create_topic(admin, topic_name, 1, message_timestamp_after_max_ms=60000)
    client, errors = confluent.producer(broker.address), []
    far = int(time.time() * 1000) + 3_600_000
    client.produce(topic_name, b"x", timestamp=far, on_delivery=lambda error, _: errors.append(error))
    client.flush(30)
    assert errors[0].name() == "INVALID_TIMESTAMP"
    confluent.produce(broker.address, topic_name, [dict(value="now")])


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_large_messages(broker, admin, topic_name, codec):
    """Up to max.message.bytes goes through, more is refused with Kafka's error, and the topic goes on."""
    confluent.create_topic(admin, topic_name, 1, max_message_bytes=2_000_000)
    options = dict(message_max_bytes=5_000_000, compression_type=codec)
    noise = struct.pack(">500000I", *((i * 2654435761) % 2**32 for i in range(500000)))
    confluent.produce(broker.address, topic_name, [dict(value=noise[:1_900_000])], **options)
    client, errors = confluent.producer(broker.address, **options), []
    client.produce(topic_name, noise + noise, on_delivery=lambda error, _: errors.append(error))
    client.flush(30)
    assert errors[0].name() == "MSG_SIZE_TOO_LARGE"
    confluent.produce(broker.address, topic_name, [dict(value=b"after")], **options)
    values = [m.value() for m in confluent.read_all(broker.address, topic_name, 1, fetch_message_max_bytes=10000)]
    assert values == [noise[:1_900_000], b"after"]


@pytest.mark.parametrize("client", ["confluent", "kafka-python"])
def test_an_idempotent_producer(broker, topic, client):
    rows = [dict(value=str(i), partition=0) for i in range(2000)]
    if client == "confluent":
        confluent.produce(broker.address, topic, rows, enable_idempotence="true", compression_type="lz4")
    else:
        from kafka import KafkaProducer

        producer = KafkaProducer(bootstrap_servers=broker.address, enable_idempotence=True, linger_ms=2)
        sent = [producer.send(topic, row["value"].encode(), partition=0) for row in rows]
        assert [future.get(timeout=30).offset for future in sent] == list(range(2000))
        producer.close()
    assert [m.value() for m in confluent.read_all(broker.address, topic, 1)] == [b"%d" % i for i in range(2000)]
    assert all(attributes & 0x30 == 0 for attributes, _ in batches(broker.port, topic, 0))
