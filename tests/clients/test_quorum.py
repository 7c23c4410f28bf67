"""Several nodes: a metadata quorum of three, as Apache Kafka's tools make it and see it."""

import json
import re

import pytest
from confluent_kafka.admin import NewTopic

from support import confluent, java
from support.cluster import Cluster
from support.confluent import settle, wait_for


def status(server, check=True):
    """What kafka-metadata-quorum describe --status says, by its headings; empty if it fails."""
    tool = java.run("metadata-quorum", "--bootstrap-server", server.address, "describe", "--status", check=check)
    return dict(re.findall(r"^(\w+):\s+(.*)$", tool.stdout, re.MULTILINE))


def replication(server):
    """{node: role} from kafka-metadata-quorum describe --replication."""
    tool = java.run("metadata-quorum", "--bootstrap-server", server.address, "describe", "--replication")
    return {int(row["NodeId"]): row["Status"] for row in java.table(tool.stdout, first="NodeId")}


def topics(server):
    """Names of topics as this broker knows them."""
    listed = confluent.admin_client(server.address).list_topics(timeout=20).topics
    return {name for name in listed if not name.startswith("__")}


def create(server, name):
    admin = confluent.admin_client(server.address)  # its answers do not outlive it
    settle(admin.create_topics([NewTopic(name, 2, 1)]))


@pytest.fixture
def cluster(make_server):
    made = Cluster(make_server)
    yield made
    made.end()


def test_a_quorum_of_three_outlives_its_leader(cluster):
    before = status(cluster.nodes[1])
    voters = json.loads(before["CurrentVoters"])
    assert sorted(voter["id"] for voter in voters) == [1, 2, 3]
    assert all(voter["endpoints"] for voter in voters) and json.loads(before["CurrentObservers"]) == []
    assert {status(node)["LeaderId"] for node in cluster.nodes.values()} == {before["LeaderId"]}
    for node, server in cluster.nodes.items():
        create(server, f"by-{node}")

    leader = int(before["LeaderId"])
    cluster.nodes[leader].kill()
    left = [server for node, server in cluster.nodes.items() if node != leader]
    wait_for(lambda: status(left[0], check=False).get("LeaderId") not in (None, before["LeaderId"]), 60)
    after = status(left[0])
    assert int(after["LeaderEpoch"]) > int(before["LeaderEpoch"])
    create(left[1], "without-it")

    cluster.nodes[leader].start()
    expected = {"by-1", "by-2", "by-3", "without-it"}
    for server in cluster.nodes.values():
        wait_for(lambda: topics(server) == expected, 30, f"{expected}, not {topics(server)}")
    assert replication(left[0])[leader] == "Follower"


def test_groups_get_replicas_as_brokers_join(make_server):
    first = make_server(offsets_topic_replication_factor=3)
    first.format()
    first.start()
    admin = confluent.admin_client(first.address)
    settle(admin.create_topics([NewTopic("joined", 1, 1)]))
    confluent.produce(first.address, "joined", [{"value": "one"}])
    consumer = confluent.consumer(first.address, group="early")
    consumer.subscribe(["joined"])
    assert len(confluent.read(consumer, 1)) == 1
    consumer.commit(asynchronous=False)
    consumer.close()
    joined = []
    for node in (2, 3):
        server = make_server(cluster=first.cluster_id, node_id=node)
        server.write_properties(node_id=node, controller_quorum_bootstrap_servers=f"127.0.0.1:{first.controller_port}")
        server.format("--no-initial-controllers")
        server.start()
        joined.append(server)

    def in_sync():
        found = admin.list_topics("__consumer_offsets", timeout=20).topics["__consumer_offsets"].partitions
        return [len(each.isrs) for each in found.values()]

    wait_for(lambda: in_sync() == [3] * 10, 30, "three replicas of each partition")
    for server in (*joined, first):
        server.end()


def test_all_killed_at_once_lose_nothing(cluster):
    create(cluster.nodes[2], "kept")
    for server in cluster.nodes.values():
        server.kill()
    for server in cluster.nodes.values():
        server.launch()
    for server in cluster.nodes.values():  # all of them, before one leaves: two make the quorum
        server.wait_until_ready()
        wait_for(lambda: "kept" in topics(server), 30)
    for server in cluster.nodes.values():
        assert server.stop() == 0


def test_brokers_and_controllers_of_their_own(cluster):
    broker = cluster.join(11, process_roles="broker", listeners="PLAINTEXT://127.0.0.1:{server.port}")
    broker.wait_until_ready()
    create(broker, "by-a-broker")
    wait_for(lambda: topics(broker) == topics(cluster.nodes[1]) == {"by-a-broker"})
    controller = cluster.join(
        12, process_roles="controller", listeners="CONTROLLER://127.0.0.1:{server.controller_port}"
    )
    wait_for(lambda: replication(broker).get(12) == "Observer", 60)
    assert replication(broker)[11] == "Observer"

    add = ("--command-config", controller.properties, "add-controller")
    java.run("metadata-quorum", "--bootstrap-server", broker.address, *add)
    first = next(voter for voter in json.loads(status(broker)["CurrentVoters"]) if voter["id"] == 1)
    java.run(
        "metadata-quorum", "--bootstrap-server", broker.address, "remove-controller",
        "--controller-id", 1, "--controller-directory-id", first["directoryId"],
    )
    voters = json.loads(status(broker)["CurrentVoters"])
    assert sorted(voter["id"] for voter in voters) == [2, 3, 12]
    assert controller.stop() == 0 and broker.stop() == 0
