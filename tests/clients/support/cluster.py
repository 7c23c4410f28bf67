"""Several nodes that are one cluster."""

import uuid
from base64 import urlsafe_b64encode


def directory_id():
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


class Cluster:
    """Three nodes that are broker and controller, and whoever joins them."""

    def __init__(self, make_server, **options):
        self.make_server = make_server
        self.nodes = {1: make_server(node_id=1)}
        self.cluster_id = self.nodes[1].cluster_id
        for node in (2, 3):
            self.nodes[node] = make_server(cluster=self.cluster_id, node_id=node)
        self.bootstrap = ",".join(f"127.0.0.1:{each.controller_port}" for each in self.nodes.values())
        initial = ",".join(
            f"{node}@127.0.0.1:{server.controller_port}:{directory_id()}" for node, server in self.nodes.items()
        )
        for node, server in self.nodes.items():
            server.write_properties(
                node_id=node, controller_quorum_bootstrap_servers=self.bootstrap, broker_rack=f"rack-{node}", **options
            )
            server.format("--initial-controllers", initial)
        for server in self.nodes.values():
            server.launch()
        for server in self.nodes.values():
            server.wait_until_ready()

    def join(self, node, **options):
        server = self.make_server(cluster=self.cluster_id, node_id=node)
        options = {name: value.format(server=server) for name, value in options.items()}
        server.write_properties(
                node_id=node, controller_quorum_bootstrap_servers=self.bootstrap, broker_rack=f"rack-{node}", **options
            )
        server.format("--no-initial-controllers")
        self.nodes[node] = server
        server.launch()
        return server

    @property
    def address(self):
        return ",".join(server.address for server in self.nodes.values())

    def end(self):
        for server in self.nodes.values():
            server.end()
