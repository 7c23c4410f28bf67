"""Consumer groups: three members that rebalance, static membership, offset resets, committed offsets."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, TopicPartition

from support import confluent
from support.confluent import error_of, settle, wait_for


class Member:
    """A consumer that notes what it is given, and every message."""

    def __init__(self, address, group, topic, **config):
        self.client = confluent.consumer(
            address, group=group, session_timeout_ms=10000, heartbeat_interval_ms=200, **config
        )
        self.owned, self.rebalances, self.messages, self.errors = set(), 0, [], []
        self.client.subscribe([topic], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.revoked)

    def assigned(self, _, partitions):
        self.rebalances += 1
        self.owned |= {p.partition for p in partitions}

    def revoked(self, _, partitions):
        self.owned -= {p.partition for p in partitions}

    def poll(self):
        message = self.client.poll(0.02)
        if message is not None:
            (self.errors if message.error() else self.messages).append(message)


@pytest.fixture
def members(broker):
    made = []

    def join(group, topic, **config):
        made.append(Member(broker.address, group, topic, **config))
        return made[-1]

    yield join
    for member in made:
        member.client.close()


def until(members, condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, [(m.owned, m.errors) for m in members]
        for member in members:
            member.poll()


def shared_out(members, partitions, each):
    owned = [p for m in members for p in m.owned]
    return sorted(owned) == list(range(partitions)) and all(len(m.owned) == each for m in members)


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_three_members_share_and_rebalance(broker, admin, topic_name, members, strategy):
    confluent.create_topic(admin, topic_name, 6)
    group = f"group-of-{topic_name}"
    three = [members(group, topic_name, partition_assignment_strategy=strategy) for _ in range(3)]
    until(three, lambda: shared_out(three, 6, 2))
    confluent.produce(broker.address, topic_name, [dict(value=str(i), partition=i % 6) for i in range(600)])
    until(three, lambda: sum(len(m.messages) for m in three) == 600)
    values = sorted(int(m.value()) for member in three for m in member.messages)
    assert values == list(range(600))  # each once
    described = settle(admin.describe_consumer_groups([group]))[group]
    assert described.state.name == "STABLE" and len(described.members) == 3
    leaver = three.pop()
    for member in [*three, leaver]:
        member.client.commit(asynchronous=False)
    leaver.client.close()
    until(three, lambda: shared_out(three, 6, 3))
    confluent.produce(broker.address, topic_name, [dict(value=str(i), partition=i % 6) for i in range(600, 660)])
    before = {int(m.value()) for m in leaver.messages}
    until(three, lambda: len({int(m.value()) for member in three for m in member.messages} | before) == 660)


def test_a_member_that_dies_is_missed(broker, admin, topic_name, members):
    confluent.create_topic(admin, topic_name, 4)
    two = [members("dying", topic_name) for _ in range(2)]
    until(two, lambda: shared_out(two, 4, 2))
    command = [sys.executable, Path(confluent.__file__).with_name("member.py"), broker.address, "dying", topic_name]
    third = subprocess.Popen(command, stdout=subprocess.PIPE)
    # Whose ID sorts first is given two, and the IDs are random.
    until(two, lambda: all(m.owned for m in two) and sum(len(m.owned) for m in two) < 4)
    third.kill()  # gone without a word: only the end of its session tells
    third.wait()
    until(two, lambda: shared_out(two, 4, 2))


def test_static_members_come_back_without_a_rebalance(broker, admin, topic_name, members):
    confluent.create_topic(admin, topic_name, 4)
    one = members("static", topic_name, group_instance_id="one")
    two = members("static", topic_name, group_instance_id="two")
    until([one, two], lambda: shared_out([one, two], 4, 2))
    owned, rebalances = set(two.owned), one.rebalances
    two.client.close()  # a static member does not leave
    again = members("static", topic_name, group_instance_id="two")
    until([one, again], lambda: again.owned)
    assert again.owned == owned
    assert one.rebalances == rebalances
    assert sorted(m.group_instance_id for m in settle(admin.describe_consumer_groups(["static"]))["static"].members) == ["one", "two"]


def test_a_second_of_the_same_name_fences_the_first(broker, topic, members):
    first = members("fenced", topic, group_instance_id="me")
    until([first], lambda: len(first.owned) == 3)
    second = members("fenced", topic, group_instance_id="me")
    until([first, second], lambda: second.owned and first.errors)
    assert first.errors[0].error().code() == KafkaError._FATAL or "FENCED" in first.errors[0].error().name()


class TestOffsets:
    @pytest.fixture
    def filled(self, broker, topic):
        hour = 3_600_000
        now = int(time.time() * 1000)
        rows = [dict(value=str(i), partition=0, timestamp=now - (10 - i) * hour) for i in range(10)]
        confluent.produce(broker.address, topic, rows)
        return topic

    def test_reset_to_earliest(self, broker, filled):
        reader = confluent.consumer(broker.address, group=f"earliest-{filled}", auto_offset_reset="earliest")
        reader.subscribe([filled])
        assert [int(m.value()) for m in confluent.read(reader, 10)] == list(range(10))
        reader.close()

    def test_reset_to_latest(self, broker, filled, members):
        reader = members(f"latest-{filled}", filled, auto_offset_reset="latest")
        until([reader], lambda: len(reader.owned) == 3)
        wait_for(lambda: reader.poll() or reader.client.position([TopicPartition(filled, 0)])[0].offset in (10, -1001))
        deadline = time.monotonic() + 20
        sent = 0
        while not reader.messages:  # the position is resolved some time after the assignment
            assert time.monotonic() < deadline
            confluent.produce(broker.address, filled, [dict(value=f"new{sent}", partition=0)])
            sent += 1
            reader.poll()
        assert all(m.value().startswith(b"new") for m in reader.messages)

    def test_reset_by_error(self, broker, filled):
        reader = confluent.consumer(broker.address, group=f"error-{filled}", auto_offset_reset="error")
        reader.subscribe([filled])

        def failed():
            message = reader.poll(0.5)
            return message is not None and message.error()

        assert wait_for(failed).code() == KafkaError._AUTO_OFFSET_RESET
        reader.close()

    def test_a_position_out_of_range_is_reset(self, broker, filled):
        reader = confluent.consumer(broker.address, group=f"range-{filled}", auto_offset_reset="earliest")
        reader.assign([TopicPartition(filled, 0, 5000)])
        assert [int(m.value()) for m in confluent.read(reader, 10)] == list(range(10))
        reader.close()

    def test_committed_offsets_are_where_the_next_one_begins(self, broker, admin, filled):
        group = f"commit-{filled}"
        reader = confluent.consumer(broker.address, group=group)
        reader.subscribe([filled])
        confluent.read(reader, 4)
        reader.commit(offsets=[TopicPartition(filled, 0, 4, metadata="four read")], asynchronous=False)
        reader.close()
        from kafka import KafkaConsumer

        second = KafkaConsumer(
            bootstrap_servers=broker.address, group_id=group, auto_offset_reset="earliest",
            consumer_timeout_ms=20000, enable_auto_commit=False,
        )
        second.subscribe([filled])
        found = []
        for message in second:
            found.append(int(message.value))
            if len(found) == 6:
                break
        second.close()
        assert found == [4, 5, 6, 7, 8, 9]
        offsets = settle(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
        assert [(tp.partition, tp.offset, tp.metadata) for tp in offsets.topic_partitions] == [(0, 4, "four read")]

    def test_offsets_are_altered_and_groups_deleted(self, broker, admin, filled):
        group = f"alter-{filled}"
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(filled, 0, 7)])
        settle(admin.alter_consumer_group_offsets([wanted]))
        reader = confluent.consumer(broker.address, group=group)
        reader.subscribe([filled])
        assert [int(m.value()) for m in confluent.read(reader, 3)] == [7, 8, 9]
        assert error_of(admin.delete_consumer_groups([group])[group]).name() == "NON_EMPTY_GROUP"
        reader.close()
        wait_for(lambda: group in [g.group_id for g in admin.list_consumer_groups().result(10).valid])
        settle(admin.delete_consumer_groups([group]))
        assert group not in [g.group_id for g in admin.list_consumer_groups().result(10).valid]
        assert error_of(admin.delete_consumer_groups([group])[group]).name() == "GROUP_ID_NOT_FOUND"

    def test_a_commit_of_a_stranger_is_refused(self, broker, filled, members):
        group = f"stranger-{filled}"
        member = members(group, filled)
        until([member], lambda: len(member.owned) == 3)
        stranger = confluent.consumer(broker.address, group=group)
        stranger.assign([TopicPartition(filled, 0, 0)])
        with pytest.raises(Exception, match="UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION|unknown member"):
            stranger.commit(offsets=[TopicPartition(filled, 0, 1)], asynchronous=False)
        stranger.close()
