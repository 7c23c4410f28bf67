"""Every advertised version of every API that clients use: a good request, a bad one, and Kafka's answers."""

import uuid

import pytest
from confluent_kafka import TopicCollection

from support import api, confluent
from support.confluent import settle, wait_for
from support.wire import Connection, batch

UNKNOWN_TOPIC, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_ID, INVALID_TOPIC = 3, 1, 100, 17
UNKNOWN_MEMBER, GROUP_ID_NOT_FOUND, MEMBER_ID_REQUIRED, NOT_SUPPORTED = 25, 69, 79, 35
NOWHERE = uuid.UUID(int=0xABCDEF)


@pytest.fixture
def connection(broker):
    with Connection(broker.port, timeout=20) as connection:
        yield connection


@pytest.fixture
def topic_id(admin, topic):
    (found,) = settle(admin.describe_topics(TopicCollection([topic]))).values()
    id = found.topic_id
    return uuid.UUID(int=(id.get_most_significant_bits() % 2**64 << 64) | id.get_least_significant_bits() % 2**64)


@pytest.fixture
def versions(connection):
    """versions("Fetch"): the stable versions that are advertised and exist in Apache Kafka 4.3."""
    advertised = connection.api_versions()
    removed = {"Produce": 3, "Fetch": 4, "ListOffsets": 1, "OffsetFetch": 1, "OffsetCommit": 2}
    unstable = {"InitProducerId": 6}

    def of(name):
        cls = api.message(f"{name}Request")
        low, high = advertised[cls.API_KEY]
        found = range(max(low, removed.get(name, 0)), min(high, cls.max_version, unstable.get(name, 99) - 1) + 1)
        assert len(found) > 0
        return found

    return of


def test_produce_and_fetch(connection, versions, topic, topic_id):
    end = 0
    for version in versions("Produce"):
        for partition, error in ((0, 0), (77, UNKNOWN_TOPIC)):
            data = dict(index=partition, records=batch([b"v%d" % version]))
            topics = [dict(name=topic, topic_id=topic_id, partition_data=[data])]
            answer = api.call(connection, "Produce", version, acks=-1, timeout_ms=10000, topic_data=topics)
            (found,) = answer.responses[0].partition_responses
            assert found.error_code == error, (version, partition)
            if not error:
                assert found.base_offset == end
                end += 1
    for version in versions("Fetch"):
        for partition, offset, error in ((0, 0, 0), (0, end, 0), (0, 1000, OFFSET_OUT_OF_RANGE), (77, 0, UNKNOWN_TOPIC)):
            wanted = dict(partition=partition, fetch_offset=offset, partition_max_bytes=1 << 20)
            answer = api.call(
                connection, "Fetch", version, replica_id=-1, max_wait_ms=1, min_bytes=0, max_bytes=1 << 20,
                session_epoch=-1, topics=[dict(topic=topic, topic_id=topic_id, partitions=[wanted])],
            )
            (found,) = answer.responses[0].partitions
            assert found.error_code == error, (version, partition, offset)
            if not error:
                assert found.high_watermark == found.last_stable_offset == end
                assert bool(found.records) == (offset < end)


def test_topic_ids_that_are_nowhere(connection, versions):
    for version in versions("Produce"):
        if version >= 13:
            data = dict(index=0, records=batch([b"x"]))
            topics = [dict(topic_id=NOWHERE, partition_data=[data])]
            answer = api.call(connection, "Produce", version, acks=-1, timeout_ms=10000, topic_data=topics)
            assert answer.responses[0].partition_responses[0].error_code == UNKNOWN_TOPIC_ID
    for version in versions("Fetch"):
        if version >= 13:
            wanted = dict(partition=0, fetch_offset=0, partition_max_bytes=1000)
            answer = api.call(
                connection, "Fetch", version, max_wait_ms=1, min_bytes=0, max_bytes=1000, session_epoch=-1,
                topics=[dict(topic_id=NOWHERE, partitions=[wanted])],
            )
            assert answer.responses[0].partitions[0].error_code == UNKNOWN_TOPIC_ID


def test_fetch_sessions(connection, topic, topic_id):
    """A session remembers its partitions, tells only what changed, and refuses a wrong epoch."""

    def fetch(session, epoch, partitions=(), forget=()):
        wanted = [dict(partition=p, fetch_offset=o, partition_max_bytes=1 << 20) for p, o in partitions]
        return api.call(
            connection, "Fetch", 15, max_wait_ms=1, min_bytes=0, max_bytes=1 << 20, session_id=session,
            session_epoch=epoch, topics=[dict(topic_id=topic_id, partitions=wanted)] if wanted else [],
            forgotten_topics_data=[dict(topic_id=topic_id, partitions=list(forget))] if forget else [],
        )

    first = fetch(0, 0, [(0, 0), (1, 0)])
    assert first.error_code == 0 and first.session_id != 0
    assert sorted(p.partition_index for t in first.responses for p in t.partitions) == [0, 1]
    session = first.session_id
    assert fetch(session, 1).responses == []  # nothing new
    connection.produce(topic, 1, batch([b"new"]))
    (answer,) = fetch(session, 2).responses
    assert [p.partition_index for p in answer.partitions] == [1] and answer.partitions[0].records
    assert fetch(session, 9).error_code == 71  # INVALID_FETCH_SESSION_EPOCH
    assert fetch(session, 3, [(1, 1)]).error_code == 0
    assert fetch(session, 4, forget=[1]).error_code == 0
    connection.produce(topic, 1, batch([b"unseen"]))
    assert fetch(session, 5).responses == []
    assert fetch(session, -1).error_code == 0  # closes it
    assert fetch(session, 6).error_code == 70  # FETCH_SESSION_ID_NOT_FOUND


def test_list_offsets(connection, versions, topic):
    connection.produce(topic, 0, batch([b"a", b"b"], timestamp=5000))
    for version in versions("ListOffsets"):
        cases = [(0, -1, 0, 2), (0, -2, 0, 0), (0, 4000, 0, 0), (0, 6000, 0, -1), (77, -1, UNKNOWN_TOPIC, -1)]
        if version >= 7:
            cases.append((0, -3, 0, 0))  # the largest timestamp
        for partition, timestamp, error, offset in cases:
            wanted = dict(partition_index=partition, current_leader_epoch=-1, timestamp=timestamp)
            answer = api.call(
                connection, "ListOffsets", version, replica_id=-1, timeout_ms=1000,
                topics=[dict(name=topic, partitions=[wanted])],
            )
            (found,) = answer.topics[0].partitions
            assert (found.error_code, found.offset) == (error, offset), (version, partition, timestamp)


def test_offset_for_leader_epoch(connection, versions, topic):
    connection.produce(topic, 0, batch([b"a", b"b"]))
    for version in versions("OffsetForLeaderEpoch"):
        if version < 2:
            continue
        for epoch, current, error in ((0, -1, 0), (0, 50, 75), (0, 0, 0)):
            wanted = dict(partition=0, current_leader_epoch=current, leader_epoch=epoch)
            answer = api.call(
                connection, "OffsetForLeaderEpoch", version, replica_id=-2,
                topics=[dict(topic=topic, partitions=[wanted])],
            )
            (found,) = answer.topics[0].partitions
            assert found.error_code == error, (version, epoch, current)
            if not error:
                assert (found.leader_epoch, found.end_offset) == (0, 2)


def test_metadata(broker, connection, versions, topic, topic_id):
    for version in versions("Metadata"):
        answer = api.call(connection, "Metadata", version, topics=[dict(name=topic)], allow_auto_topic_creation=False)
        assert [(b.node_id, b.port) for b in answer.brokers] == [(1, broker.port)]
        (found,) = answer.topics
        assert (found.error_code, found.name) == (0, topic)
        if version >= 10:
            assert found.topic_id == topic_id
        partitions = sorted(found.partitions, key=lambda p: p.partition_index)
        assert [(p.partition_index, p.leader_id, p.replica_nodes, p.isr_nodes) for p in partitions] == [
            (i, 1, [1], [1]) for i in range(3)
        ]
        everything = api.call(connection, "Metadata", version, topics=[] if version == 0 else None)
        assert topic in [t.name for t in everything.topics]
        for name, error in (("nowhere", UNKNOWN_TOPIC), ("not a name", INVALID_TOPIC)):
            if version >= 4:  # before, asking creates it
                answer = api.call(
                    connection, "Metadata", version, topics=[dict(name=name)], allow_auto_topic_creation=False
                )
                assert answer.topics[0].error_code == error, (version, name)
        if version >= 12:
            answer = api.call(connection, "Metadata", version, topics=[dict(name=None, topic_id=topic_id)])
            assert answer.topics[0].name == topic
            answer = api.call(connection, "Metadata", version, topics=[dict(name=None, topic_id=NOWHERE)])
            assert answer.topics[0].error_code == UNKNOWN_TOPIC_ID


def test_cluster_and_partitions_are_described(broker, connection, versions, topic, topic_id):
    for version in versions("DescribeCluster"):
        answer = api.call(connection, "DescribeCluster", version, endpoint_type=1)
        assert answer.error_code == 0 and answer.cluster_id == broker.cluster_id
        assert [(b.broker_id, b.port) for b in answer.brokers] == [(1, broker.port)]
    for version in versions("DescribeTopicPartitions"):
        names = [dict(name=n) for n in sorted((topic, "nowhere"))]
        answer = api.call(connection, "DescribeTopicPartitions", version, topics=names, response_partition_limit=100)
        found = {t.name: t for t in answer.topics}
        assert found["nowhere"].error_code == UNKNOWN_TOPIC
        assert found[topic].topic_id == topic_id and len(found[topic].partitions) == 3
        answer = api.call(connection, "DescribeTopicPartitions", version, topics=[dict(name=topic)], response_partition_limit=2)
        assert len(answer.topics[0].partitions) == 2
        assert (answer.next_cursor.topic_name, answer.next_cursor.partition_index) == (topic, 2)


def test_topics_come_and_go(connection, versions, admin, topic_name):
    for version in versions("CreateTopics"):
        if version < 2:
            continue
        name = f"{topic_name}-{version}"
        wanted = dict(name=name, num_partitions=1, replication_factor=1, assignments=[], configs=[])
        for error in (0, 36):  # the second time it exists
            answer = api.call(connection, "CreateTopics", version, topics=[wanted], timeout_ms=10000, validate_only=False)
            assert answer.topics[0].error_code == error, version
        wait_for(lambda: confluent.serves(admin, name, 1))
    for version in versions("CreatePartitions"):
        name = f"{topic_name}-2"
        wanted = dict(name=name, count=2 + version, assignments=None)
        answer = api.call(connection, "CreatePartitions", version, topics=[wanted], timeout_ms=10000, validate_only=False)
        assert answer.results[0].error_code == 0, version
        wait_for(lambda: confluent.serves(admin, name, 2 + version))
    for version in versions("DeleteTopics"):
        if version < 1:
            continue
        name = f"{topic_name}-{min(version, 5) + 1}"
        for error in (0, UNKNOWN_TOPIC):
            answer = api.call(
                connection, "DeleteTopics", version, topic_names=[name], topics=[dict(name=name)], timeout_ms=10000
            )
            if version < 6:
                assert answer.responses[0].error_code == error, version
            wait_for(lambda: name not in admin.list_topics(timeout=10).topics)


def test_configs_are_described_and_altered(connection, versions, topic):
    for version in versions("DescribeConfigs"):
        if version < 1:
            continue
        resource = dict(resource_type=2, resource_name=topic, configuration_keys=["retention.ms", "cleanup.policy"])
        answer = api.call(connection, "DescribeConfigs", version, resources=[resource], include_synonyms=True)
        (found,) = answer.results
        assert found.error_code == 0, version
        assert {c.name: c.value for c in found.configs} == {"retention.ms": "604800000", "cleanup.policy": "delete"}
    for version in versions("IncrementalAlterConfigs"):
        for name, value, error in (("retention.ms", "99", 0), ("retention.ms", "x", 40), ("no.such", "1", 40)):
            change = dict(name=name, config_operation=0, value=value)
            resource = dict(resource_type=2, resource_name=topic, configs=[change])
            answer = api.call(connection, "IncrementalAlterConfigs", version, resources=[resource], validate_only=False)
            assert answer.responses[0].error_code == error, (version, name, value)


def test_log_dirs_are_described(broker, connection, versions, topic):
    for version in versions("DescribeLogDirs"):
        if version < 1:
            continue
        answer = api.call(connection, "DescribeLogDirs", version, topics=[dict(topic=topic, partitions=[0, 1])])
        (found,) = answer.results
        assert (found.error_code, found.log_dir) == (0, str(broker.data))
        assert sorted(p.partition_index for t in found.topics for p in t.partitions) == [0, 1]
        if version >= 4:
            assert found.total_bytes > found.usable_bytes > 0


def test_producer_ids(connection, versions):
    seen = set()
    connection.init_producer_id()  # the first may have to wait for a block
    for version in versions("InitProducerId"):
        answer = api.call(connection, "InitProducerId", version, transactional_id=None, transaction_timeout_ms=60000)
        assert (answer.error_code, answer.producer_epoch) == (0, 0), version
        seen.add(answer.producer_id)
    assert len(seen) == len(versions("InitProducerId"))


class TestGroups:
    """A whole life of a group in every version, by hand."""

    @pytest.fixture
    def coordinator(self, connection, versions):
        for version in versions("FindCoordinator"):
            answer = wait_for(lambda: self.found(connection, version))
            assert answer[1] == 1
        return connection

    def found(self, connection, version):
        answer = api.call(connection, "FindCoordinator", version, key="g", key_type=0, coordinator_keys=["g"])
        answer = answer.coordinators[0] if version >= 4 else answer
        return answer.error_code == 0 and (answer.error_code, answer.node_id)

    def join(self, connection, version, group, member="", instance=None):
        return api.call(
            connection, "JoinGroup", version, group_id=group, session_timeout_ms=10000, rebalance_timeout_ms=10000,
            member_id=member, group_instance_id=instance, protocol_type="consumer", protocols=[dict(name="range", metadata=b"m")],
        )

    def test_join_sync_heartbeat_leave(self, coordinator, versions):
        for version in versions("JoinGroup"):
            group = f"life-{version}"
            loading = (14, 15, 16)  # the partition of its offsets may just have been made
            answer = wait_for(lambda: (a := self.join(coordinator, version, group)).error_code not in loading and a)
            if version >= 4:
                assert answer.error_code == MEMBER_ID_REQUIRED and answer.member_id
                answer = self.join(coordinator, version, group, answer.member_id)
            assert answer.error_code == 0 and answer.leader == answer.member_id, version
            assert answer.generation_id == 1 and answer.protocol_name == "range"
            assert [(m.member_id, bytes(m.metadata)) for m in answer.members] == [(answer.member_id, b"m")]
            self.rest_of_life(coordinator, versions, version, group, answer.member_id)

    def rest_of_life(self, connection, versions, version, group, member):
        def at_most(name):
            return min(version, versions(name)[-1])

        assignment = [dict(member_id=member, assignment=b"all of it")]
        identity = dict(group_id=group, generation_id=1, member_id=member)
        answer = api.call(
            connection, "SyncGroup", at_most("SyncGroup"), **identity, protocol_type="consumer", protocol_name="range",
            assignments=assignment,
        )
        assert (answer.error_code, bytes(answer.assignment)) == (0, b"all of it")
        beat = api.call(connection, "Heartbeat", at_most("Heartbeat"), **identity)
        assert beat.error_code == 0
        beat = api.call(connection, "Heartbeat", at_most("Heartbeat"), **{**identity, "generation_id": 5})
        assert beat.error_code == 22  # ILLEGAL_GENERATION
        beat = api.call(connection, "Heartbeat", at_most("Heartbeat"), **{**identity, "member_id": "stranger"})
        assert beat.error_code == UNKNOWN_MEMBER
        described = api.call(connection, "DescribeGroups", at_most("DescribeGroups"), groups=[group, "nobody"])
        states = {g.group_id: (g.group_state, len(g.members)) for g in described.groups}
        assert states == {group: ("Stable", 1), "nobody": ("Dead", 0)}
        leaving = dict(group_id=group, member_id=member, members=[dict(member_id=member)])
        for error in (0, UNKNOWN_MEMBER):
            left = api.call(connection, "LeaveGroup", at_most("LeaveGroup"), **leaving)
            code = left.members[0].error_code if at_most("LeaveGroup") >= 3 and not left.error_code else left.error_code
            assert code == error, version

    def test_offsets_are_committed_fetched_and_deleted(self, coordinator, versions, topic, topic_id):
        for version in versions("OffsetCommit"):
            partitions = [dict(partition_index=0, committed_offset=40 + version, committed_metadata="m")]
            answer = api.call(
                coordinator, "OffsetCommit", version, group_id=f"commits-{topic}", generation_id_or_member_epoch=-1,
                member_id="", retention_time_ms=-1, topics=[dict(name=topic, topic_id=topic_id, partitions=partitions)],
            )
            assert answer.topics[0].partitions[0].error_code == 0, version
            for other in versions("OffsetFetch"):
                self.check_fetched(coordinator, other, topic, topic_id, 40 + version)
        for version in versions("ListGroups"):
            listed = api.call(coordinator, "ListGroups", version, states_filter=[], types_filter=[])
            assert f"commits-{topic}" in [g.group_id for g in listed.groups]
        wanted = [dict(name=topic, partitions=[dict(partition_index=0)])]
        assert api.call(coordinator, "OffsetDelete", 0, group_id=f"commits-{topic}", topics=wanted).error_code == 0
        for version in versions("DeleteGroups"):
            deleted = api.call(coordinator, "DeleteGroups", version, groups_names=["nobody"])
            assert deleted.results[0].error_code == GROUP_ID_NOT_FOUND

    def check_fetched(self, connection, version, topic, topic_id, offset):
        group = f"commits-{topic}"
        wanted = [dict(name=topic, partition_indexes=[0, 1])]
        answer = api.call(
            connection, "OffsetFetch", version, group_id=group, topics=wanted, require_stable=False,
            groups=[dict(group_id=group, topics=[dict(topic_id=topic_id, **wanted[0])], member_epoch=-1)],
        )
        found = (answer.groups[0] if version >= 8 else answer).topics[0].partitions
        assert [(p.committed_offset, p.metadata) for p in found] == [(offset, "m"), (-1, "")], version
