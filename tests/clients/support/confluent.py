"""confluent-kafka, in the few shapes that the tests use."""

import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

_QUIET = {"socket.timeout.ms": 10000, "log_level": 2}


def admin_client(address):
    return AdminClient({"bootstrap.servers": address, **_QUIET})


def settle(futures, timeout=30):
    """{key: result}; the first error is raised."""
    return {key: future.result(timeout) for key, future in futures.items()}


def error_of(future, timeout=30):
    """The KafkaError of an admin call that has to fail."""
    try:
        future.result(timeout)
    except KafkaException as error:
        return error.args[0]
    raise AssertionError("the call succeeded")


def create_topic(admin, name, partitions=1, **config):
    """Creates it and waits until its leader serves every partition. Config: `_` for `.`."""
    config = {key.replace("_", "."): str(value) for key, value in config.items()}
    settle(admin.create_topics([NewTopic(name, partitions, 1, config=config)]))
    wait_for(lambda: serves(admin, name, partitions))


def serves(admin, name, partitions):
    if len(partitions_of(admin, name)) != partitions:
        return False
    wanted = {TopicPartition(name, p): OffsetSpec.latest() for p in range(partitions)}
    try:
        settle(admin.list_offsets(wanted, request_timeout=5))
        return True
    except KafkaException:
        return False


def end_offsets(admin, name, partitions, spec=None):
    """[offset of partition 0, 1, …] at `spec` (the end)."""
    wanted = {TopicPartition(name, p): spec or OffsetSpec.latest() for p in range(partitions)}
    found = settle(admin.list_offsets(wanted, request_timeout=10))
    return [found[tp].offset for tp in sorted(wanted)]


def partitions_of(admin, name):
    """The partitions that have a leader."""
    topic = admin.list_topics(name, timeout=10).topics[name]
    return [p for p in topic.partitions.values() if p.leader >= 0] if topic.error is None else []


def wait_for(condition, seconds=30, what="the condition"):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.02)
    return result


def producer(address, **config):
    config = {key.replace("_", "."): value for key, value in config.items()}
    return Producer({"bootstrap.servers": address, **_QUIET, **config})


def produce(address, topic, rows, **config):
    """Sends rows (dicts of produce()'s arguments); returns the delivered messages in order."""
    client, delivered, errors = producer(address, **config), [], []

    def report(error, message):
        (errors.append(error) if error else delivered.append(message))

    for row in rows:
        client.produce(topic, on_delivery=report, **row)
        client.poll(0)
    left = client.flush(30)
    assert not left and not errors, (left, errors[:3])
    return delivered


def consumer(address, group="reader", **config):
    config = {key.replace("_", "."): value for key, value in config.items()}
    return Consumer(
        {
            "bootstrap.servers": address,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **_QUIET,
            **config,
        }
    )


def read(client, count, seconds=30):
    """`count` messages of a consumer that is subscribed or assigned."""
    messages, deadline = [], time.monotonic() + seconds
    while len(messages) < count:
        assert time.monotonic() < deadline, f"{len(messages)} of {count} messages within {seconds} s"
        for message in client.consume(min(1000, count - len(messages)), 0.5):
            assert message.error() is None, message.error()
            messages.append(message)
    return messages


def watermarks(client, partition):
    """(first offset, end offset), as soon as its leader serves it."""
    found = []

    def asked():
        try:
            found.append(client.get_watermark_offsets(partition, timeout=10))
        except KafkaException as error:
            assert error.args[0].name() in ("NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "OFFSET_NOT_AVAILABLE")
        return found

    return wait_for(asked)[0]


def read_all(address, topic, partitions, **config):
    """Every message of some partitions from their beginning to their present end."""
    client = consumer(address, **config)
    try:
        whole = [TopicPartition(topic, p) for p in range(partitions)]
        ends = [watermarks(client, tp) for tp in whole]
        client.assign([TopicPartition(topic, tp.partition, low) for tp, (low, _) in zip(whole, ends)])
        return read(client, sum(high - low for low, high in ends))
    finally:
        client.close()
