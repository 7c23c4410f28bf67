"""A topic that is written to while things break or change, with a ledger outside of the brokers."""

from contextlib import contextmanager

from support import confluent, ledger
from support.cluster import create, in_sync, partitions
from support.confluent import wait_for

PARTITIONS = 6


class Work:
    def __init__(self, cluster, topic, path, replicas):
        self.cluster, self.topic, self.path, self.replicas = cluster, topic, path, replicas
        self.admin = confluent.admin_client(cluster.address)

    @contextmanager
    def begun(self, **config):
        """Creates the topic, and writes to it while the body runs."""
        create(self.admin, self.topic, PARTITIONS, self.replicas, **config)
        with ledger.kept(self.cluster.address, self.topic, PARTITIONS, self.path):
            self.goes_on(80)
            yield self

    def account(self):
        """What is there in the end, held against the ledger."""
        found = confluent.read_all(self.cluster.address, self.topic, PARTITIONS)
        return ledger.account(ledger.read(self.path), found)

    def goes_on(self, count=300, seconds=60):
        """So many records of each partition are acknowledged from here on."""
        before = ledger.lines_of_partitions(self.path)

        def more():
            now = ledger.lines_of_partitions(self.path)
            return all(now[str(p)] >= before[str(p)] + count for p in range(PARTITIONS))

        wait_for(more, seconds, f"{count} more acknowledged records of each partition")

    def heals(self, seconds=60):
        whole = [self.replicas] * PARTITIONS
        wait_for(lambda: in_sync(self.admin, self.topic) == whole, seconds, "all replicas in sync again")

    def leader(self, partition=0):
        return self.cluster.nodes[partitions(self.admin, self.topic)[partition].leader]
