"""Three brokers, three replicas: what was acknowledged outlives any one of them."""

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec

from support import confluent, java, ledger
from support.cluster import Cluster
from support.confluent import settle, wait_for

PARTITIONS = 6


@pytest.fixture(scope="module")
def cluster(make_server):
    made = Cluster(make_server, min_insync_replicas=2)
    yield made
    made.end()


@pytest.fixture
def admin(cluster):
    return confluent.admin_client(cluster.address)


def create(admin, name, **config):
    config = {key.replace("_", "."): str(value) for key, value in config.items()}
    settle(admin.create_topics([NewTopic(name, PARTITIONS, 3, config=config)]))
    wait_for(lambda: in_sync(admin, name) == [3] * PARTITIONS, 30, "three replicas in sync")


def partitions(admin, name):
    found = admin.list_topics(name, timeout=20).topics[name].partitions
    return [found[i] for i in sorted(found)]


def in_sync(admin, name):
    return [len(each.isrs) for each in partitions(admin, name)]


def test_acknowledged_records_outlive_their_leader(cluster, admin, tmp_path):
    create(admin, "ledger")
    path = tmp_path / "ledger"
    with ledger.kept(cluster.address, "ledger", PARTITIONS, path):
        for victim, how in ((1, "kill"), (2, "stop"), (3, "kill")):
            lines = ledger.length(path)
            wait_for(lambda: ledger.length(path) >= lines + 2000, 60, "2,000 more acknowledged records")
            server = cluster.nodes[victim]
            server.kill() if how == "kill" else server.stop()
            lines = ledger.length(path)
            wait_for(lambda: ledger.length(path) >= lines + 4000, 60, "4,000 more, with one broker gone")
            server.start()
            wait_for(lambda: in_sync(admin, "ledger") == [3] * PARTITIONS, 60, "three replicas in sync again")
    acknowledged = ledger.read(path)
    assert len(acknowledged) >= 18000
    ledger.compare(acknowledged, confluent.read_all(cluster.address, "ledger", PARTITIONS))


def test_what_is_deleted_is_deleted_at_every_replica(cluster, admin):
    create(admin, "shorter")
    confluent.produce(cluster.address, "shorter", [{"value": str(i), "partition": 0} for i in range(100)])
    deleted = settle(admin.delete_records([TopicPartition("shorter", 0, 40)], operation_timeout=20))
    assert [each.low_watermark for each in deleted.values()] == [40]
    leader = partitions(admin, "shorter")[0].leader
    cluster.nodes[leader].kill()
    wait_for(lambda: partitions(admin, "shorter")[0].leader not in (leader, -1), 60)
    assert confluent.end_offsets(admin, "shorter", 1, OffsetSpec.earliest()) == [40]
    assert confluent.end_offsets(admin, "shorter", 1) == [100]
    cluster.nodes[leader].start()


def test_too_few_in_sync_replicas_are_not_written_to(cluster, admin):
    create(admin, "strict", min_insync_replicas=3)
    create(admin, "lenient")
    cluster.nodes[2].kill()
    wait_for(lambda: in_sync(admin, "strict") == [2] * PARTITIONS, 60, "the ISR shrinks")
    record = {"value": "two replicas will have it", "partition": 0}
    with pytest.raises(AssertionError, match="NOT_ENOUGH_REPLICAS"):
        confluent.produce(cluster.address, "strict", [record], retries=0)
    confluent.produce(cluster.address, "strict", [record], acks=1)
    confluent.produce(cluster.address, "lenient", [record])
    tool = ("topics", "--bootstrap-server", cluster.address, "--describe")
    assert "strict" in java.run(*tool, "--under-min-isr-partitions").stdout
    assert "lenient" not in java.run(*tool, "--under-min-isr-partitions").stdout
    assert "lenient" in java.run(*tool, "--under-replicated-partitions").stdout
    cluster.nodes[2].start()
    wait_for(lambda: in_sync(admin, "strict") == [3] * PARTITIONS, 60, "three replicas in sync again")
    confluent.produce(cluster.address, "strict", [record])
