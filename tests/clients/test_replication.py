"""Three brokers, three replicas: what was acknowledged outlives any one of them."""

import json
import re
import time

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec

from support import api, confluent, java, ledger
from support.cluster import Cluster, create, in_sync, partitions
from support.confluent import settle, wait_for
from support.wire import Connection

PARTITIONS = 6


@pytest.fixture(scope="module")
def cluster(make_server):
    made = Cluster(
        make_server, min_insync_replicas=2, offsets_topic_replication_factor=3, replication_quota_window_num=1,
        replica_selector_class="org.apache.kafka.common.replica.RackAwareReplicaSelector",
    )
    yield made
    made.end()


@pytest.fixture
def admin(cluster):
    return confluent.admin_client(cluster.address)


@pytest.mark.parametrize("durability", ("kafka", "fsync"))
def test_acknowledged_records_outlive_their_leader(cluster, admin, tmp_path, durability):
    topic = f"ledger-{durability}"
    create(admin, topic, PARTITIONS, longhaul_durability=durability)
    path = tmp_path / "ledger"
    with ledger.kept(cluster.address, topic, PARTITIONS, path):
        for victim, how in ((1, "kill"), (2, "stop"), (3, "kill")):
            lines = ledger.length(path)
            wait_for(lambda: ledger.length(path) >= lines + 2000, 60, "2,000 more acknowledged records")
            server = cluster.nodes[victim]
            server.kill() if how == "kill" else server.stop()
            lines = ledger.length(path)
            wait_for(lambda: ledger.length(path) >= lines + 4000, 60, "4,000 more, with one broker gone")
            server.start()
            wait_for(lambda: in_sync(admin, topic) == [3] * PARTITIONS, 60, "three replicas in sync again")
    acknowledged = ledger.read(path)
    assert len(acknowledged) >= 18000
    ledger.compare(acknowledged, confluent.read_all(cluster.address, topic, PARTITIONS))


def test_what_is_deleted_is_deleted_at_every_replica(cluster, admin):
    create(admin, "shorter", PARTITIONS)
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
    create(admin, "strict", PARTITIONS, min_insync_replicas=3)
    create(admin, "lenient", PARTITIONS)
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


def test_groups_outlive_their_coordinator(cluster, admin):
    create(admin, "grouped", PARTITIONS)
    rows = [{"value": str(i), "partition": i % PARTITIONS} for i in range(600)]
    confluent.produce(cluster.address, "grouped", rows)
    client = confluent.consumer(cluster.address, group="survivors", enable_auto_commit=False)
    client.subscribe(["grouped"])
    first = confluent.read(client, 300)
    client.commit(asynchronous=False)
    assert set(in_sync(admin, "__consumer_offsets")) == {3}
    described = java.run("groups", "--bootstrap-server", cluster.address, "--describe", "--group", "survivors", "--state")
    coordinator = int(re.search(r"\((\d+)\)", described.stdout)[1])
    cluster.nodes[coordinator].kill()
    rest = confluent.read(client, 300)
    client.commit(asynchronous=False)
    assert sorted(int(m.value()) for m in first + rest) == list(range(600)), "each once: the member kept its place"
    client.close()
    cluster.nodes[coordinator].start()
    wait_for(lambda: in_sync(admin, "grouped") == [3] * PARTITIONS, 60, "three replicas in sync again")
    again = confluent.consumer(cluster.address, group="survivors")
    committed = again.committed([TopicPartition("grouped", p) for p in range(PARTITIONS)], timeout=20)
    assert [each.offset for each in committed] == [100] * PARTITIONS
    again.close()


def test_replicas_move(cluster, admin, tmp_path):
    settle(admin.create_topics([NewTopic("moving", 1, replication_factor=2)]))
    confluent.produce(cluster.address, "moving", [{"value": str(i)} for i in range(200)])
    old = partitions(admin, "moving")[0].replicas
    (new,) = {1, 2, 3} - set(old)
    wanted = {"version": 1, "partitions": [{"topic": "moving", "partition": 0, "replicas": [new, old[0]]}]}
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(wanted))
    tool = ("reassign-partitions", "--bootstrap-server", cluster.address, "--reassignment-json-file", plan)
    java.run(*tool, "--execute")
    wait_for(lambda: "is completed" in java.run(*tool, "--verify").stdout, 60, "the reassignment")
    moved = partitions(admin, "moving")[0]
    assert moved.replicas == [new, old[0]] and sorted(moved.isrs) == sorted(moved.replicas)
    gone = cluster.nodes[old[1]].data / "moving-0"
    wait_for(lambda: not gone.exists(), 30, "the old replica's log is deleted")
    java.run(
        "leader-election", "--bootstrap-server", cluster.address, "--election-type", "preferred",
        "--topic", "moving", "--partition", 0,
    )
    wait_for(lambda: partitions(admin, "moving")[0].leader == new, 20, "the preferred leader leads")
    values = [int(m.value()) for m in confluent.read_all(cluster.address, "moving", 1)]
    assert values == list(range(200))


def test_a_throttled_move_keeps_to_its_rate(cluster, admin, tmp_path):
    settle(admin.create_topics([NewTopic("heavy", 1, replication_factor=1, config={"min.insync.replicas": "1"})]))
    confluent.produce(cluster.address, "heavy", [{"value": "x" * 10_000} for _ in range(800)])
    (old,) = partitions(admin, "heavy")[0].replicas
    new = old % 3 + 1
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"version": 1, "partitions": [{"topic": "heavy", "partition": 0, "replicas": [new]}]}))
    tool = ("reassign-partitions", "--bootstrap-server", cluster.address, "--reassignment-json-file", plan)
    begun = time.monotonic()
    java.run(*tool, "--execute", "--throttle", 1_000_000)
    wait_for(lambda: partitions(admin, "heavy")[0].isrs == [new], 60, "the reassignment")
    # 8 MB, of which a second's worth and one fetch are free.
    assert time.monotonic() - begun > 5
    rates = ("configs", "--bootstrap-server", cluster.address, "--describe", "--entity-type", "brokers")
    assert "leader.replication.throttled.rate=1000000" in java.run(*rates, "--entity-name", old).stdout
    java.run(*tool, "--verify")
    assert "throttled.rate=1000000" not in java.run(*rates, "--entity-name", old).stdout
    assert len(confluent.read_all(cluster.address, "heavy", 1)) == 800


def test_consumers_read_from_their_own_rack(cluster, admin):
    create(admin, "near", PARTITIONS)
    confluent.produce(cluster.address, "near", [{"value": str(i), "partition": 0} for i in range(50)])
    topic = admin.list_topics("near", timeout=20).topics["near"].partitions[0]
    follower = next(node for node in topic.replicas if node != topic.leader)

    def fetch(node, rack):
        asked = [dict(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)]
        with Connection(cluster.nodes[node].port) as connection:
            response = api.call(
                connection, "Fetch", 12, replica_id=-1, max_wait_ms=0, min_bytes=0, max_bytes=1 << 20,
                session_id=0, session_epoch=-1, rack_id=rack, forgotten_topics_data=[],
                topics=[dict(topic="near", partitions=asked)],
            )
        return response.responses[0].partitions[0]

    referred = fetch(topic.leader, f"rack-{follower}")
    assert referred.preferred_read_replica == follower and not referred.records
    for rack in ("", f"rack-{topic.leader}", "nowhere"):
        answer = fetch(topic.leader, rack)
        assert answer.preferred_read_replica == -1 and answer.records
    wait_for(lambda: fetch(follower, f"rack-{follower}").high_watermark == 50, 0.4, "the follower hears what is committed")
    assert fetch(follower, f"rack-{follower}").records
    values = [int(m.value()) for m in confluent.read_all(cluster.address, "near", 1, client_rack=f"rack-{follower}")]
    assert values == list(range(50))


def test_a_broker_whose_process_died_is_fenced_at_once(cluster, admin):
    create(admin, "quick", PARTITIONS)
    controller = cluster.controller()
    victim = next(node for node in cluster.nodes if node != controller)
    watching = confluent.admin_client(cluster.nodes[controller].address)
    cluster.nodes[victim].kill()
    # Silence alone would take broker.session.timeout.ms: 9 s.
    wait_for(lambda: all(each.leader not in (victim, -1) for each in partitions(watching, "quick")), 3, "other leaders")
    cluster.nodes[victim].start()
    wait_for(lambda: in_sync(admin, "quick") == [3] * PARTITIONS, 60, "three replicas in sync again")
