"""Replicas that go from one log directory of their broker to another, while they are written (KIP-113)."""

import json
import time
from pathlib import Path

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

from support import api, confluent, java, ledger, wire
from support.cluster import Cluster, create, in_sync, partitions
from support.confluent import settle, wait_for

PARTITIONS = 3
STORAGE_ERROR, UNKNOWN, NOT_HERE, NO_DIRECTORY = 56, 3, 9, 57


def directories(server):
    return [str(server.data), f"{server.data}-2"]


@pytest.fixture(scope="module")
def cluster(make_server):
    def two(_, server):
        text = server.properties.read_text()
        server.properties.write_text(text.replace(f"log.dirs={server.data}\n", f"log.dirs={','.join(directories(server))}\n"))

    made = Cluster(make_server, prepare=two, min_insync_replicas=2, offsets_topic_replication_factor=3)
    yield made
    made.end()


@pytest.fixture
def admin(cluster):
    return confluent.admin_client(cluster.address)


def described(server, topic):
    """{partition: {directory: (lag, is it a future one)}}"""
    found = {}
    with wire.Connection(server.port) as connection:
        for result in api.call(connection, "DescribeLogDirs", 4, topics=None).results:
            for shown in result.topics:
                for each in shown.partitions if shown.name == topic else ():
                    rows = found.setdefault(each.partition_index, {})
                    rows[result.log_dir] = (each.offset_lag, each.is_future_key)
    return found


def place(server, topic, partition=0):
    (directory,) = [d for d, (_, future) in described(server, topic)[partition].items() if not future]
    return directory


def other(server, topic, partition=0):
    (directory,) = set(directories(server)) - {place(server, topic, partition)}
    return directory


def alter(server, topic, partition, directory):
    with wire.Connection(server.port) as connection:
        wanted = dict(path=directory, topics=[dict(name=topic, partitions=[partition])])
        answer = api.call(connection, "AlterReplicaLogDirs", 2, dirs=[wanted])
    return answer.results[0].partitions[0].error_code


def rests(server, topic):
    """No copy is under way."""
    return not any(future for rows in described(server, topic).values() for _, future in rows.values())


def plan_file(path, topic, moves):
    """`moves`: {partition: [(broker, directory)]}"""
    rows = [
        dict(topic=topic, partition=partition, replicas=[b for b, _ in to], log_dirs=[d for _, d in to])
        for partition, to in moves.items()
    ]
    path.write_text(json.dumps(dict(version=1, partitions=rows)))
    return path


@pytest.fixture
def written(cluster, admin, topic_name, tmp_path):
    """A topic that is written to; in the end nothing of what was acknowledged is lost."""
    create(admin, topic_name, PARTITIONS)
    path = tmp_path / "ledger"
    with ledger.kept(cluster.address, topic_name, PARTITIONS, path):
        wait_for(lambda: ledger.length(path) > 500, 30, "a beginning")
        yield topic_name
    rows = ledger.read(path)
    ledger.compare(rows, confluent.read_all(cluster.address, topic_name, PARTITIONS))


def test_reassign_partitions_with_log_dirs(cluster, admin, written, tmp_path):
    one = cluster.nodes[1]
    targets = {p: other(one, written, p) for p in range(PARTITIONS)}
    moves = {p: [(1, targets[p]), (2, "any"), (3, "any")] for p in range(PARTITIONS)}
    plan = plan_file(tmp_path / "plan.json", written, moves)
    tool = ("reassign-partitions", "--bootstrap-server", cluster.address, "--reassignment-json-file", plan)
    java.run(*tool, "--execute", "--replica-alter-log-dirs-throttle", 1)  # a step, and then nothing for long
    assert "still in progress" in java.run(*tool, "--verify").stdout
    text = java.run("log-dirs", "--bootstrap-server", cluster.address, "--describe", "--topic-list", written,
                    "--broker-list", 1).stdout
    (line,) = [line for line in text.splitlines() if line.startswith("{")]
    shown = [row for where in json.loads(line)["brokers"][0]["logDirs"] for row in where["partitions"]]
    assert [row["isFuture"] for row in shown].count(True) == PARTITIONS
    java.run(*tool, "--execute", "--additional", "--replica-alter-log-dirs-throttle", 100_000_000)
    wait_for(lambda: rests(one, written), 60, "the moves")
    assert {p: place(one, written, p) for p in range(PARTITIONS)} == targets
    out = java.run(*tool, "--verify").stdout
    assert "still in progress" not in out and out.count("completed successfully") >= PARTITIONS, out
    rates = java.run("configs", "--bootstrap-server", cluster.address, "--describe", "--entity-type", "brokers",
                     "--entity-name", 1).stdout
    assert "replica.alter.log.dirs.io.max.bytes.per.second=" not in rates
    files = sorted(Path(targets[0]).glob(f"{written}-0/*.log"))
    dumped = java.run("dump-log", "--deep-iteration", "--files", ",".join(map(str, files))).stdout
    assert "isvalid: true" in dumped and "isvalid: false" not in dumped


def test_killed_on_the_way(cluster, admin, written):
    one = cluster.nodes[1]
    for round_ in range(6):
        targets = {p: other(one, written, p) for p in range(PARTITIONS)}
        assert [alter(one, written, p, targets[p]) for p in targets] == [0] * PARTITIONS
        time.sleep(0.01 * round_)  # anywhere on the way; which place it is does not matter
        one.kill()
        one.start()
        wait_for(lambda: rests(one, written), 60, "the moves that had been begun")
        for partition in targets:
            assert alter(one, written, partition, targets[partition]) == 0
        wait_for(lambda: {p: place(one, written, p) for p in targets} == targets, 60, "the moves")
        wait_for(lambda: in_sync(admin, written) == [3] * PARTITIONS, 60, "all replicas in sync")
    assert not [path for each in directories(one) for path in Path(each).glob("*-stray")]


def throttle(admin, broker, rate):
    name = "replica.alter.log.dirs.io.max.bytes.per.second"
    entry = ConfigEntry(name, str(rate), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.BROKER, str(broker), incremental_configs=[entry])
    settle(admin.incremental_alter_configs([resource]))


def test_a_large_one_goes_on_where_it_was(cluster, admin, topic_name):
    create(admin, topic_name, 1)
    confluent.produce(cluster.address, topic_name, [{"value": "x" * 50_000} for _ in range(400)])
    one = cluster.nodes[1]
    wait_for(lambda: in_sync(admin, topic_name) == [3], 30, "all replicas in sync")
    target = other(one, topic_name)
    throttle(admin, 1, 250_000)  # of which eleven seconds are free
    assert alter(one, topic_name, 0, target) == 0
    lag = lambda: described(one, topic_name)[0][target][0]  # noqa: E731
    wait_for(lambda: lag() < 350, 30, "an eighth of it")
    one.kill()
    one.start()
    wait_for(lambda: target in described(one, topic_name).get(0, {}), 30, "the copy")
    assert 0 < lag() < 350 and place(one, topic_name) != target
    throttle(admin, 1, 1 << 40)
    wait_for(lambda: rests(one, topic_name) and place(one, topic_name) == target, 60, "the move")
    found = confluent.read_all(cluster.address, topic_name, 1)
    assert len(found) == 400


def test_every_leader_moves(cluster, admin, written):
    for _ in range(3):
        for partition in range(PARTITIONS):
            leader = cluster.nodes[partitions(admin, written)[partition].leader]
            target = other(leader, written, partition)
            assert alter(leader, written, partition, target) == 0
            wait_for(lambda: place(leader, written, partition) == target, 60, "the move")


def test_a_replica_comes_where_it_is_wanted(cluster, admin, topic_name, tmp_path):
    settle(admin.create_topics([NewTopic(topic_name, 1, 1, config={"min.insync.replicas": "1"})]))
    confluent.produce(cluster.address, topic_name, [{"value": str(i)} for i in range(300)])
    (old,) = partitions(admin, topic_name)[0].replicas
    new = old % 3 + 1
    for target in directories(cluster.nodes[new]):
        assert alter(cluster.nodes[new], topic_name, 0, target) == NOT_HERE
    plan = plan_file(tmp_path / "plan.json", topic_name, {0: [(new, target)]})
    tool = ("reassign-partitions", "--bootstrap-server", cluster.address, "--reassignment-json-file", plan)
    java.run(*tool, "--execute")
    wait_for(lambda: partitions(admin, topic_name)[0].isrs == [new], 60, "the reassignment")
    assert place(cluster.nodes[new], topic_name) == target
    assert "completed successfully" in java.run(*tool, "--verify").stdout
    values = [int(m.value()) for m in confluent.read_all(cluster.address, topic_name, 1)]
    assert values == list(range(300))


def test_what_cannot_be_moved(cluster, admin, topic_name):
    create(admin, topic_name, 1)
    one = cluster.nodes[1]
    assert alter(one, topic_name, 0, "/no/such/directory") == NO_DIRECTORY
    assert alter(one, "no-such-topic", 0, directories(one)[0]) == UNKNOWN
    assert alter(one, topic_name, 0, place(one, topic_name)) == 0, "where it is already"
