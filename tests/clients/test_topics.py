"""Topics by the admin API: create, grow, configure, delete, recreate; offsets by time; auto-creation."""

import time

import pytest
from confluent_kafka import TopicCollection
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from support import confluent
from support.confluent import error_of, settle, wait_for


def describe(admin, name):
    (future,) = admin.describe_topics(TopicCollection([name])).values()
    return future.result(10)


def configs(admin, name, kind=ResourceType.TOPIC):
    (future,) = admin.describe_configs([ConfigResource(kind, name)]).values()
    return future.result(10)


def alter(admin, name, operation, option, value=None, kind=ResourceType.TOPIC):
    entry = ConfigEntry(option, value, incremental_operation=operation)
    (future,) = admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=[entry])]).values()
    return future


def test_a_created_topic_is_described(admin, topic_name):
    confluent.create_topic(admin, topic_name, 4, retention_ms=123456)
    found = describe(admin, topic_name)
    assert [p.id for p in found.partitions] == [0, 1, 2, 3]
    assert all(p.leader.id == 1 and [r.id for r in p.replicas] == [1] and [r.id for r in p.isr] == [1] for p in found.partitions)
    assert not found.is_internal
    assert configs(admin, topic_name)["retention.ms"].value == "123456"
    assert topic_name in admin.list_topics(timeout=10).topics


BAD_TOPICS = {
    "twice": (dict(), "TOPIC_ALREADY_EXISTS"),
    "a bad name": (dict(topic="no spaces, please"), "TOPIC_EXCEPTION"),
    "a dot": (dict(topic=".."), "TOPIC_EXCEPTION"),
    "a long name": (dict(topic="x" * 250), "TOPIC_EXCEPTION"),
    "no partitions": (dict(topic="zero", num_partitions=0), "INVALID_PARTITIONS"),
    "too many replicas": (dict(topic="three", replication_factor=3), "INVALID_REPLICATION_FACTOR"),
    "an unknown option": (dict(topic="opt", config={"no.such.option": "1"}), "INVALID_CONFIG"),
    "a bad value": (dict(topic="val", config={"retention.ms": "soon"}), "INVALID_CONFIG"),
    "a value out of range": (dict(topic="range", config={"segment.bytes": "1"}), "INVALID_CONFIG"),
    "a replica that is nowhere": (
        dict(topic="nowhere", replication_factor=-1, replica_assignment=[[77]]),
        "INVALID_REPLICA_ASSIGNMENT",
    ),
}


@pytest.mark.parametrize("wrong, error", BAD_TOPICS.values(), ids=BAD_TOPICS.keys())
def test_bad_topics_are_refused(admin, topic, wrong, error):
    new = NewTopic(**{"topic": topic, "num_partitions": 1, "replication_factor": 1, **wrong})
    if "replica_assignment" in wrong:
        new = NewTopic(wrong["topic"], 1, replica_assignment=wrong["replica_assignment"])
    (future,) = admin.create_topics([new]).values()
    failure = error_of(future)
    assert failure.name() == error
    assert failure.str()  # says what is wrong


def test_validate_only_creates_nothing(admin, topic_name):
    settle(admin.create_topics([NewTopic(topic_name, 1, 1)], validate_only=True))
    assert topic_name not in admin.list_topics(timeout=10).topics


def test_one_bad_topic_does_not_stop_the_others(admin, topic_name):
    good, bad = NewTopic(topic_name, 1, 1), NewTopic("bad name", 1, 1)
    futures = admin.create_topics([good, bad])
    assert error_of(futures["bad name"]).name() == "TOPIC_EXCEPTION"
    futures[topic_name].result(10)


def test_partitions_grow_and_never_shrink(broker, admin, topic):
    confluent.produce(broker.address, topic, [dict(value=str(i), partition=i) for i in range(3)])
    settle(admin.create_partitions([NewPartitions(topic, 5)]))
    wait_for(lambda: confluent.serves(admin, topic, 5))
    confluent.produce(broker.address, topic, [dict(value=str(i), partition=i) for i in range(5)])
    assert confluent.end_offsets(admin, topic, 5) == [2, 2, 2, 1, 1]
    for count in (5, 2):
        assert error_of(admin.create_partitions([NewPartitions(topic, count)])[topic]).name() == "INVALID_PARTITIONS"
    assert error_of(admin.create_partitions([NewPartitions("nope", 3)])["nope"]).name() == "UNKNOWN_TOPIC_OR_PART"


def test_a_recreated_topic_is_a_new_one(broker, admin, topic):
    old = describe(admin, topic)
    confluent.produce(broker.address, topic, [dict(value="old", partition=p) for p in range(3)])
    settle(admin.delete_topics([topic]))
    wait_for(lambda: topic not in admin.list_topics(timeout=10).topics)
    assert error_of(admin.delete_topics([topic])[topic]).name() == "UNKNOWN_TOPIC_OR_PART"
    confluent.create_topic(admin, topic, 2)
    new = describe(admin, topic)
    assert str(new.topic_id) != str(old.topic_id)
    assert confluent.end_offsets(admin, topic, 2) == [0, 0]
    confluent.produce(broker.address, topic, [dict(value="new", partition=0)])
    assert [m.value() for m in confluent.read_all(broker.address, topic, 2)] == [b"new"]


def test_files_of_a_deleted_topic_go(broker, admin, topic_name):
    confluent.create_topic(admin, topic_name)
    confluent.produce(broker.address, topic_name, [dict(value="x")])
    assert broker.partition_files(topic_name)
    settle(admin.delete_topics([topic_name]))
    wait_for(lambda: not list(broker.data.glob(f"{topic_name}*")))


def test_options_are_set_appended_and_dropped(admin, topic):
    default = configs(admin, topic)["retention.ms"]
    assert default.value == "604800000" and default.is_default
    alter(admin, topic, AlterConfigOpType.SET, "retention.ms", "1000").result(10)
    wait_for(lambda: configs(admin, topic)["retention.ms"].value == "1000")
    assert configs(admin, topic)["retention.ms"].source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    alter(admin, topic, AlterConfigOpType.DELETE, "retention.ms").result(10)
    wait_for(lambda: configs(admin, topic)["retention.ms"].value == "604800000")
    alter(admin, topic, AlterConfigOpType.APPEND, "cleanup.policy", "compact").result(10)
    wait_for(lambda: sorted(configs(admin, topic)["cleanup.policy"].value.split(",")) == ["compact", "delete"])
    alter(admin, topic, AlterConfigOpType.SUBTRACT, "cleanup.policy", "compact").result(10)
    wait_for(lambda: configs(admin, topic)["cleanup.policy"].value == "delete")


def test_bad_options_are_refused(admin, topic):
    for option, value in (("retention.ms", "x"), ("no.such.option", "1"), ("cleanup.policy", "shred")):
        assert error_of(alter(admin, topic, AlterConfigOpType.SET, option, value)).name() == "INVALID_CONFIG"
    assert error_of(alter(admin, "nope", AlterConfigOpType.SET, "retention.ms", "1")).name() in (
        "UNKNOWN_TOPIC_OR_PART",
        "TOPIC_EXCEPTION",
    )


def test_broker_options_are_described(admin):
    found = configs(admin, "1", ResourceType.BROKER)
    assert found["node.id"].value == "1" and found["node.id"].is_read_only
    assert found["log.retention.hours"].value == "168" and found["log.retention.hours"].is_default
    assert found["offsets.topic.num.partitions"].value == "10"


def test_a_changed_limit_counts_at_once(broker, admin, topic):
    alter(admin, topic, AlterConfigOpType.SET, "max.message.bytes", "1000").result(10)
    wait_for(lambda: configs(admin, topic)["max.message.bytes"].value == "1000")
    client, errors = confluent.producer(broker.address), []
    client.produce(topic, b"x" * 5000, on_delivery=lambda error, _: errors.append(error))
    client.flush(30)
    assert errors[0].name() == "MSG_SIZE_TOO_LARGE"


def test_offsets_by_time(broker, admin, topic):
    at = 1_600_000_000_000
    rows = [dict(value=str(i), partition=0, timestamp=at + i * 1000) for i in range(100)]
    for part in (rows[:50], rows[50:]):
        confluent.produce(broker.address, topic, part)

    def offset(spec):
        return confluent.end_offsets(admin, topic, 1, spec)[0]

    assert offset(OffsetSpec.earliest()) == 0
    assert offset(OffsetSpec.latest()) == 100
    assert offset(OffsetSpec.max_timestamp()) == 99
    assert offset(OffsetSpec.for_timestamp(at)) == 0
    assert offset(OffsetSpec.for_timestamp(at + 1)) == 1
    assert offset(OffsetSpec.for_timestamp(at + 55_000)) == 55
    assert offset(OffsetSpec.for_timestamp(at + 99_000)) == 99
    assert offset(OffsetSpec.for_timestamp(at + 99_001)) == -1


def test_auto_creation(broker, admin, topic_name):
    client = confluent.producer(broker.address, allow_auto_create_topics="true")
    client.produce(topic_name, b"made on demand")
    assert client.flush(30) == 0
    found = describe(admin, topic_name)
    assert len(found.partitions) == 1  # num.partitions
    assert [m.value() for m in confluent.read_all(broker.address, topic_name, 1)] == [b"made on demand"]


def test_asking_without_permission_creates_nothing(broker, admin, topic_name):
    reader = confluent.consumer(broker.address, allow_auto_create_topics="false")
    assert reader.list_topics(topic_name, timeout=10).topics[topic_name].error.name() == "UNKNOWN_TOPIC_OR_PART"
    reader.close()
    assert topic_name not in admin.list_topics(timeout=10).topics


def test_many_topics(broker, admin):
    names = [f"many-{i}" for i in range(300)]
    start = time.monotonic()
    settle(admin.create_topics([NewTopic(name, 1, 1) for name in names], operation_timeout=30), 60)
    wait_for(lambda: set(names) <= set(admin.list_topics(timeout=10).topics), 60)
    wait_for(lambda: confluent.serves(admin, names[-1], 1), 60)
    client, delivered = confluent.producer(broker.address), []
    for name in names:
        client.produce(name, name, on_delivery=lambda error, _: delivered.append(error))
    assert client.flush(60) == 0 and delivered == [None] * 300
    reader = confluent.consumer(broker.address, group="many")
    reader.subscribe(["^many-.*"])
    assert sorted(m.value().decode() for m in confluent.read(reader, 300, 60)) == sorted(names)
    reader.close()
    settle(admin.delete_topics(names, operation_timeout=30), 60)
    assert time.monotonic() - start < 100
