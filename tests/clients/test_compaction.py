"""Compacted topics, and records that are deleted on demand: what clients see, and Kafka's own tools."""

import itertools
import json
import re
import time

import pytest
from confluent_kafka import KafkaError, TopicPartition

from support import confluent, java
from support.confluent import wait_for

# Small steps, so that there is something to see within a second.
COMPACTED = dict(cleanup_policy="compact", segment_ms=1, min_cleanable_dirty_ratio="0.01", delete_retention_ms=0)


@pytest.fixture(scope="module")
def broker(make_server):
    """A broker that compacts as soon as there is something to do."""
    server = make_server(log_cleaner_backoff_ms=50)
    server.format()
    server.start()
    yield server
    server.end()


def read_all(broker, topic, **options):
    """[(offset, key, value)] of partition 0, from the beginning to the end."""
    reader = confluent.consumer(broker.address, **{"enable.partition.eof": True, **options})
    reader.assign([TopicPartition(topic, 0, 0)])
    rows = []
    while True:
        message = reader.poll(10)
        assert message is not None, "nothing comes"
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            reader.close()
            return rows
        rows.append((message.offset(), message.key(), message.value()))


_times = itertools.count(int(time.time() * 1000), 10)


def write(broker, topic, values):
    """One batch per pair, in order: each but the first rolls a segment, being later by more than segment.ms."""
    for key, value in values:
        row = dict(key=key, value=value, partition=0, timestamp=next(_times))
        confluent.produce(broker.address, topic, [row])


def wait_for_compaction(broker, topic, keys):
    """Until what is not in the last segment has one record a key."""

    def compacted():
        rows = read_all(broker, topic)[:-1]
        return sorted(key for _, key, _ in rows) == sorted(keys)

    wait_for(compacted, 30, f"compaction of {topic}")


def test_of_each_key_the_last_value_stays(broker, admin, topic_name):
    confluent.create_topic(admin, topic_name, 1, **COMPACTED)
    write(broker, topic_name, [(f"k{i % 3}", f"v{i}") for i in range(12)] + [("end", "1")])
    wait_for_compaction(broker, topic_name, [b"k0", b"k1", b"k2"])
    rows = read_all(broker, topic_name)
    assert rows == [(9, b"k0", b"v9"), (10, b"k1", b"v10"), (11, b"k2", b"v11"), (12, b"end", b"1")]
    assert confluent.end_offsets(admin, topic_name, 1) == [13]

    # DumpLogSegments takes gaps for what they are, and everything else for right.
    logs = broker.partition_files(topic_name)
    text = java.run("dump-log", "--deep-iteration", "--files", ",".join(map(str, logs))).stdout
    assert not re.search(r"isvalid: false|Found timestamp mismatch|Index mismatch|Mismatches in|Exception", text), text
    indexes = broker.partition_files(topic_name, ".index") + broker.partition_files(topic_name, ".timeindex")
    text = java.run("dump-log", "--index-sanity-check", "--files", ",".join(map(str, indexes))).stdout
    assert "Exception" not in text, text
    checkpoint = broker.data / "cleaner-offset-checkpoint"
    wait_for(lambda: f"{topic_name} 0 12" in checkpoint.read_text().splitlines(), 10, "the cleaner's checkpoint")


def test_tombstones_go_and_take_their_keys_along(broker, admin, topic_name):
    confluent.create_topic(admin, topic_name, 1, **COMPACTED)
    write(broker, topic_name, [("a", "1"), ("b", "1"), ("a", None), ("end", "1")])
    # The first round gives the tombstone its horizon, a later one takes it.
    turn = iter(range(1000))

    def gone():
        write(broker, topic_name, [("c", str(next(turn)))])
        return [key for _, key, _ in read_all(broker, topic_name)].count(b"a") == 0

    wait_for(gone, 30, "the tombstone's end")
    assert (1, b"b", b"1") in read_all(broker, topic_name)


def test_records_without_a_key_are_refused(broker, admin, topic_name):
    confluent.create_topic(admin, topic_name, 1, **COMPACTED)
    with pytest.raises(Exception, match="INVALID_RECORD|Broker failed to validate record"):
        confluent.produce(broker.address, topic_name, [dict(value="no key", partition=0)])


def test_what_was_compacted_survives_a_crash(make_server, topic_name):
    server = make_server(log_cleaner_backoff_ms=50)
    server.format()
    server.start()
    admin = confluent.admin_client(server.address)
    confluent.create_topic(admin, topic_name, 1, **COMPACTED)
    expected = {}
    for round_ in range(4):
        rows = [(f"k{i % 5}", f"{round_}-{i}") for i in range(20)]
        write(server, topic_name, rows)
        expected.update(rows)
        server.kill()  # in the middle of whatever it does
        server.start()
        found = {key.decode(): value.decode() for _, key, value in read_all(server, topic_name)}
        assert found == expected
    assert server.stop() == 0
    server.start()
    found = {key.decode(): value.decode() for _, key, value in read_all(server, topic_name)}
    assert found == expected
    assert not list(server.data.glob("*/*.swap")) and not list(server.data.glob("*/*.cleaned"))


def test_kafka_delete_records(broker, admin, topic, tmp_path):
    confluent.produce(broker.address, topic, [dict(value=str(i), partition=p) for i in range(10) for p in (0, 1)])
    file = tmp_path / "offsets.json"
    wanted = [dict(topic=topic, partition=0, offset=4), dict(topic=topic, partition=1, offset=-1)]
    file.write_text(json.dumps(dict(partitions=wanted, version=1)))
    arguments = ("--bootstrap-server", broker.address, "--offset-json-file", file)
    text = java.run("delete-records", *arguments).stdout
    assert re.search(rf"partition: {topic}-0\s+low_watermark: 4", text), text
    assert re.search(rf"partition: {topic}-1\s+low_watermark: 10", text), text
    assert [row[0] for row in read_all(broker, topic)] == [4, 5, 6, 7, 8, 9]

    file.write_text(json.dumps(dict(partitions=[dict(topic=topic, partition=0, offset=11)], version=1)))
    result = java.run("delete-records", *arguments, check=False)
    assert "OffsetOutOfRange" in result.stdout + result.stderr or "out of range" in result.stdout + result.stderr
    broker.kill()
    broker.start()
    assert read_all(broker, topic)[0][0] == 4, "it was durable before it was answered"
