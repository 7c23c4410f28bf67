"""Restarts and kill -9 in the middle of the work: what was acknowledged is there, once, in order."""

import time

import pytest
from confluent_kafka import TopicCollection, TopicPartition

from support import confluent, java, ledger
from support.confluent import settle, wait_for
from support.wire import Connection, batch

HOW = ["stop", "kill"]


def again(server, how):
    """Ends the broker one way or the other, and starts it on the same data."""
    if how == "stop":
        assert server.stop() in (0, 143)
    else:
        server.kill()
    server.start()


@pytest.fixture
def own_admin(own_broker):
    return confluent.admin_client(own_broker.address)


def test_nothing_acknowledged_is_lost_and_nothing_doubled(own_broker, own_admin, tmp_path):
    partitions, path = 3, tmp_path / "ledger"
    confluent.create_topic(own_admin, "ledger", partitions, segment_bytes=1048576)
    with ledger.kept(own_broker.address, "ledger", partitions, path):
        for i in range(16):
            lines = ledger.length(path)
            wait_for(lambda: ledger.length(path) >= lines + 600, 60, "600 more acknowledged records")
            again(own_broker, HOW[i % 5 > 0])
        lines = ledger.length(path)
        wait_for(lambda: ledger.length(path) >= lines + 1500, 60, "1,500 more acknowledged records")
    acknowledged = ledger.read(path)
    assert len(acknowledged) >= 9000
    ledger.compare(acknowledged, confluent.read_all(own_broker.address, "ledger", partitions))
    again(own_broker, "kill")
    ledger.compare(acknowledged, confluent.read_all(own_broker.address, "ledger", partitions))


def test_a_java_producer_goes_on(own_broker, own_admin, tmp_path):
    config = tmp_path / "producer.properties"
    config.write_text("retries=1000000\ndelivery.timeout.ms=120000\nreconnect.backoff.max.ms=200\n")
    confluent.create_topic(own_admin, "verifiable", 2)
    tool = java.start(
        "verifiable-producer", "--bootstrap-server", own_broker.address, "--topic", "verifiable",
        "--max-messages", 6000, "--throughput", 1000, "--command-config", config,
        output=tmp_path / "tool.log",
    )
    wait_for(lambda: sum(confluent.end_offsets(own_admin, "verifiable", 2)) > 500, 60)
    again(own_broker, "kill")
    wait_for(lambda: confluent.serves(own_admin, "verifiable", 2), 60)
    wait_for(lambda: sum(confluent.end_offsets(own_admin, "verifiable", 2)) > 2500, 60)
    again(own_broker, "stop")
    tool.wait(90)
    out = (tmp_path / "tool.log").read_text()
    assert '"sent":6000' in out and '"acked":6000' in out, out[-500:]
    values = [int(m.value()) for m in confluent.read_all(own_broker.address, "verifiable", 2)]
    assert sorted(values) == list(range(6000))


def test_what_was_there_is_there_again(own_broker, own_admin):
    confluent.create_topic(own_admin, "kept", 4, retention_ms=4242424242)
    confluent.create_topic(own_admin, "gone", 1)
    settle(own_admin.delete_topics(["gone"]))
    confluent.produce(own_broker.address, "kept", [dict(value=str(i), partition=i % 4) for i in range(100)])
    reader = confluent.consumer(own_broker.address, group="kept")
    reader.subscribe(["kept"])
    confluent.read(reader, 100)
    reader.commit(asynchronous=False)

    def state():
        """Everything that must not change, from a client that knows nothing yet."""
        admin = confluent.admin_client(own_broker.address)
        wait_for(lambda: confluent.serves(admin, "kept", 4))
        (topic,) = settle(admin.describe_topics(TopicCollection(["kept"]))).values()
        return (
            str(topic.topic_id),
            len(topic.partitions),
            sorted(name for name in admin.list_topics(timeout=10).topics),
            admin.describe_cluster().result(10).cluster_id,
            confluent.end_offsets(admin, "kept", 4),
            committed(own_broker.address, "kept", 4),
        )

    before = state()
    assert before[2] == ["__consumer_offsets", "kept"] and before[4] == [25] * 4
    for how in HOW:
        again(own_broker, how)
        assert state() == before
        confluent.produce(own_broker.address, "kept", [dict(value="more", partition=p) for p in range(4)])
        assert [m.value() for m in confluent.read(reader, 4)] == [b"more"] * 4  # the same consumer goes on
        reader.commit(asynchronous=False)
        before = state()
    reader.close()


def committed(address, group, partitions):
    """[offset of partition 0, …] of a group and a topic of one name. By a consumer: librdkafka's admin client
    crashes where the coordinator is still loading."""
    client = confluent.consumer(address, group=group)
    wanted = [TopicPartition(group, p) for p in range(partitions)]
    try:
        return [tp.offset for tp in client.committed(wanted, timeout=30)]
    finally:
        client.close()


@pytest.mark.parametrize("how", HOW)
def test_producer_state_survives(own_broker, own_admin, how):
    now = int(time.time() * 1000)  # a producer not heard of for a day is forgotten
    confluent.create_topic(own_admin, "sequences", 1)
    with Connection(own_broker.port) as connection:
        producer = connection.init_producer_id()
        for i in range(3):
            assert connection.produce("sequences", 0, batch([b"x"], now, producer, i))[:2] == (0, i)
    again(own_broker, how)
    wait_for(lambda: confluent.serves(own_admin, "sequences", 1))
    with Connection(own_broker.port) as connection:
        assert connection.produce("sequences", 0, batch([b"x"], now, producer, 2))[:2] == (0, 2)
        assert connection.produce("sequences", 0, batch([b"x"], now, producer, 9))[0] == 45
        assert connection.produce("sequences", 0, batch([b"x"], now, producer, 3))[:2] == (0, 3)
        assert connection.init_producer_id()[0] > producer[0]  # never given twice


def test_a_clean_stop_leaves_kafkas_marker_and_readable_files(own_broker, own_admin):
    confluent.create_topic(own_admin, "files", 1)
    confluent.produce(own_broker.address, "files", [dict(value=str(i)) for i in range(100)], enable_idempotence="true")
    assert own_broker.stop() in (0, 143)
    assert (own_broker.data / ".kafka_cleanshutdown").exists()
    names = {path.name for path in (own_broker.data / "files-0").iterdir()}
    assert {"00000000000000000000.log", "partition.metadata", "leader-epoch-checkpoint"} <= names
    assert "00000000000000000100.snapshot" in names
    meta = dict(line.split("=") for line in (own_broker.data / "meta.properties").read_text().split() if "=" in line)
    assert meta["cluster.id"] == own_broker.cluster_id and meta["node.id"] == "1" and meta["version"] == "1"


def test_apache_kafka_opens_our_directory(own_broker, own_admin, tmp_path):
    """The proof that the files are Kafka's: its broker starts on them and serves what is in them."""
    from support import server as servers

    confluent.create_topic(own_admin, "handover", 2, retention_ms=-1)
    rows = [dict(key=str(i), value=f"row {i}", partition=i % 2) for i in range(1000)]
    confluent.produce(own_broker.address, "handover", rows, enable_idempotence="true", compression_type="zstd")
    reader = confluent.consumer(own_broker.address, group="handover")
    reader.assign([TopicPartition("handover", p, 0) for p in range(2)])
    confluent.read(reader, 1000)
    reader.commit(asynchronous=False)
    reader.close()
    assert own_broker.stop() in (0, 143)
    own_broker.command = servers.apache_kafka
    own_broker.start()
    read = confluent.read_all(own_broker.address, "handover", 2)
    assert sorted(m.value().decode() for m in read) == sorted(row["value"] for row in rows)
    assert committed(own_broker.address, "handover", 2) == [500, 500]
    confluent.produce(own_broker.address, "handover", [dict(value="by Kafka", partition=0)])
