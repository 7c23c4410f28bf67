"""Several nodes that are one cluster."""

import json
import re
import uuid
from base64 import urlsafe_b64encode

from confluent_kafka.admin import NewTopic

from support import java
from support.confluent import settle, wait_for


def directory_id():
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def create(admin, name, count, replicas=3, **config):
    """A topic whose replicas are all in sync. Config: `_` for `.`."""
    config = {key.replace("_", "."): str(value) for key, value in config.items()}
    settle(admin.create_topics([NewTopic(name, count, replicas, config=config)]))
    wait_for(lambda: in_sync(admin, name) == [replicas] * count, 30, "all replicas in sync")


def partitions(admin, name):
    found = admin.list_topics(name, timeout=20).topics[name].partitions
    return [found[i] for i in sorted(found)]


def in_sync(admin, name):
    """How many replicas of each partition are."""
    return [len(each.isrs) for each in partitions(admin, name)]


class Cluster:
    """Nodes that are broker and controller, and whoever joins them."""

    def __init__(self, make_server, count=3, prepare=lambda node, server: None, **options):
        """`prepare` is called before a node is formatted. `options`: server.properties, `_` for `.`."""
        self.make_server, self.options = make_server, options
        self.nodes = {1: make_server(node_id=1)}
        self.cluster_id = self.nodes[1].cluster_id
        for node in range(2, count + 1):
            self.nodes[node] = make_server(cluster=self.cluster_id, node_id=node)
        self.bootstrap = ",".join(f"127.0.0.1:{each.controller_port}" for each in self.nodes.values())
        initial = ",".join(
            f"{node}@127.0.0.1:{server.controller_port}:{directory_id()}" for node, server in self.nodes.items()
        )
        for node in self.nodes:
            self.configure(node)
            prepare(node, self.nodes[node])
            self.nodes[node].format("--initial-controllers", initial)
        for server in self.nodes.values():
            server.launch()
        for server in self.nodes.values():
            server.wait_until_ready()

    def configure(self, node, **options):
        options = {"broker_rack": f"rack-{node}", **self.options, **options}
        self.nodes[node].write_properties(node_id=node, controller_quorum_bootstrap_servers=self.bootstrap, **options)

    def join(self, node, **options):
        server = self.nodes[node] = self.make_server(cluster=self.cluster_id, node_id=node)
        self.configure(node, **{name: value.format(server=server) for name, value in options.items()})
        server.format("--no-initial-controllers")
        server.launch()
        return server

    def controller(self):
        """The node ID of the active one."""
        tool = java.run("metadata-quorum", "--bootstrap-server", self.address, "describe", "--status")
        return int(re.search(r"LeaderId:\s+(\d+)", tool.stdout)[1])

    def voters(self):
        """{node ID: directory ID}"""
        tool = java.run("metadata-quorum", "--bootstrap-server", self.address, "describe", "--status")
        voters = json.loads(re.search(r"CurrentVoters:\s+(.*)", tool.stdout)[1])
        return {voter["id"]: voter["directoryId"] for voter in voters}

    def replace_voter(self, node):
        """One that lost its disk votes as somebody else."""
        tool = ("metadata-quorum", "--bootstrap-server", self.address)
        lost = ("--controller-id", node, "--controller-directory-id", self.voters()[node])
        java.run(*tool, "remove-controller", *lost)
        java.run(*tool, "--command-config", self.nodes[node].properties, "add-controller")

    @property
    def address(self):
        return ",".join(server.address for server in self.nodes.values())

    def end(self):
        for server in self.nodes.values():
            server.end()
