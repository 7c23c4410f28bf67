"""A cluster that grows and shrinks while it is written to: the ledger of test_faults.py holds here too."""

import json
import signal

import pytest

from support import java
from support.cluster import Cluster, partitions
from support.confluent import wait_for


@pytest.fixture
def cluster(make_server):
    made = Cluster(make_server, min_insync_replicas=2, offsets_topic_replication_factor=3, replica_lag_time_max_ms=5000)
    yield made
    made.end()


class Move:
    """A reassignment of all partitions of a topic, by Apache Kafka's tool."""

    def __init__(self, work, path, old, new):
        """`old`: the broker that gives its place to `new`."""
        self.work, self.new = work, new
        self.wanted = [[new if each == old else each for each in p.replicas] for p in partitions(work.admin, work.topic)]
        moves = [dict(topic=work.topic, partition=p, replicas=replicas) for p, replicas in enumerate(self.wanted)]
        path.write_text(json.dumps(dict(version=1, partitions=moves)))
        self.path = path

    def tool(self, *arguments):
        address = self.work.cluster.nodes[2].address
        return java.run(
            "reassign-partitions", "--bootstrap-server", address, "--reassignment-json-file", self.path, *arguments
        ).stdout

    def execute(self):
        self.tool("--execute")

    def cancel(self):
        self.tool("--cancel", "--preserve-throttles")  # or the dead broker would be asked for its own

    def is_done(self):
        return [p.replicas for p in partitions(self.work.admin, self.work.topic)] == self.wanted


def test_a_broker_gives_its_place_to_another(cluster, work, tmp_path):
    working = work(cluster, within=8)
    cluster.join(4).wait_until_ready()
    move = Move(working, tmp_path / "plan.json", old=1, new=4)
    move.execute()
    working.goes_on()
    wait_for(move.is_done, 60, "the reassignment")
    working.heals()
    old = cluster.nodes[1]
    wait_for(lambda: not old.partition_files(working.topic), 30, "what has moved away is deleted")
    assert old.stop() == 0
    java.run("cluster", "unregister", "--bootstrap-server", cluster.nodes[2].address, "--id", 1)
    working.goes_on()
    known = working.admin.list_topics(timeout=20).brokers
    assert sorted(known) == [2, 3, 4]


@pytest.mark.parametrize("victim", (4, 2), ids=("the new one", "one that stays"))
def test_killed_during_a_reassignment(cluster, work, tmp_path, victim):
    working = work(cluster, within=8)
    cluster.join(4).wait_until_ready()
    move = Move(working, tmp_path / "plan.json", old=1, new=4)
    move.execute()
    cluster.nodes[victim].kill()
    working.goes_on()
    cluster.nodes[victim].start()
    wait_for(move.is_done, 60, "the reassignment")
    working.heals()


def test_a_reassignment_that_cannot_end_is_cancelled(cluster, work, tmp_path):
    working = work(cluster, within=8)
    cluster.join(4).wait_until_ready()
    move = Move(working, tmp_path / "plan.json", old=1, new=4)
    cluster.nodes[4].process.send_signal(signal.SIGSTOP)  # known for a session yet, or the tool would refuse
    move.execute()
    cluster.nodes[4].kill()
    working.goes_on()
    assert "is still in progress" in move.tool("--verify")
    move.cancel()
    # As with Apache Kafka in another order, since the one that came was first.
    assert all(sorted(each.replicas) == [1, 2, 3] for each in partitions(working.admin, working.topic))
    working.goes_on()
    working.heals()
