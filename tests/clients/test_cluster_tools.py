"""Apache Kafka's own Java tools on three brokers; of their work on one, see test_java_tools.py."""

import json
import re

import pytest

from support import confluent, java
from support.cluster import Cluster, create


@pytest.fixture(scope="module")
def cluster(make_server):
    made = Cluster(make_server, min_insync_replicas=2, offsets_topic_replication_factor=3)
    create(confluent.admin_client(made.address), "tools", 6)
    yield made
    made.end()


@pytest.fixture
def tool(cluster):
    """tool(name, *arguments): what a tool that is given our brokers prints."""

    def run(name, *arguments):
        return java.run(name, "--bootstrap-server", cluster.address, *arguments).stdout

    return run


@pytest.fixture
def controllers(cluster):
    """The address of a controller, for tools that go there themselves (KIP-919)."""
    return f"127.0.0.1:{cluster.nodes[2].controller_port}"


def test_metadata_quorum(cluster, tool, controllers):
    status = tool("metadata-quorum", "describe", "--status")
    (leader,) = re.findall(r"LeaderId:\s+(\d+)", status)
    rows = java.table(tool("metadata-quorum", "describe", "--replication"), first="NodeId")
    assert sorted((row["NodeId"], row["Status"]) for row in rows) == sorted(
        (str(node), "Leader" if str(node) == leader else "Follower") for node in cluster.nodes
    )
    direct = java.run("metadata-quorum", "--bootstrap-controller", controllers, "describe", "--status").stdout
    assert re.findall(r"(?:LeaderId|CurrentVoters|ClusterId):.*", direct) == re.findall(
        r"(?:LeaderId|CurrentVoters|ClusterId):.*", status
    )


def test_features(tool, controllers):
    described = tool("features", "describe")
    level = re.search(r"Feature: metadata.version\s.*FinalizedVersionLevel: (\S+)", described)[1]
    assert "can be upgraded to" in tool("features", "upgrade", "--metadata", level, "--dry-run")
    java.run("features", "--bootstrap-controller", controllers, "describe")


def test_cluster(cluster, controllers):
    brokers = java.run("cluster", "list-endpoints", "--bootstrap-server", cluster.address).stdout
    assert [str(node.port) in brokers for node in cluster.nodes.values()] == [True] * 3
    voters = java.run("cluster", "list-endpoints", "--bootstrap-controller", controllers).stdout
    assert [str(node.controller_port) in voters for node in cluster.nodes.values()] == [True] * 3


def test_api_versions(cluster, tool):
    # The tool prints the brokers in the order in which they answered.
    brokers = re.findall(r"\(id: (\d+) rack: (\S+)", tool("api-versions"))
    assert sorted(brokers) == [(str(n), f"rack-{n}") for n in cluster.nodes]


def test_log_dirs(cluster, tool):
    confluent.produce(cluster.address, "tools", [{"value": "x" * 1000, "partition": 0}])
    text = tool("log-dirs", "--describe", "--topic-list", "tools", "--broker-list", "1,2,3")
    (line,) = [line for line in text.splitlines() if line.startswith("{")]
    described = {broker["broker"]: broker["logDirs"][0] for broker in json.loads(line)["brokers"]}
    assert sorted(described) == [1, 2, 3]
    for node, directory in described.items():
        assert directory["error"] is None and directory["logDir"] == str(cluster.nodes[node].data)
        replicas = {replica["partition"]: replica for replica in directory["partitions"]}
        assert len(replicas) == 6 and replicas["tools-0"]["size"] > 1000
        assert not any(replica["isFuture"] for replica in replicas.values())


def test_verifiable_producer_and_consumer(tool):
    out = tool("verifiable-producer", "--topic", "tools", "--max-messages", 3000, "--throughput", -1, "--acks", -1)
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    (summary,) = [event for event in events if event["name"] == "tool_data"]
    assert summary["sent"] == summary["acked"] == 3000
    out = tool("verifiable-consumer", "--topic", "tools", "--group-id", "verified", "--max-messages", 3000)
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert sum(event["count"] for event in events if event["name"] == "records_consumed") >= 3000
    assert any(event["name"] == "offsets_committed" and event["success"] for event in events)


def test_every_replica_reads_as_kafkas(cluster):
    for node in cluster.nodes.values():
        for files, decoder in ((node.partition_files("tools"), "--deep-iteration"),
                               (node.partition_files("__cluster_metadata"), "--cluster-metadata-decoder")):
            text = java.run("dump-log", decoder, "--files", ",".join(map(str, files))).stdout
            assert "isvalid: true" in text and "isvalid: false" not in text
