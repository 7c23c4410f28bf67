"""The brokers of `longhaul up`: they crash, become more, and lose their volumes, while clients go on."""

import json
import re

import pytest

from support import confluent, ledger
from support.confluent import wait_for
from support.local import Local

pytestmark = pytest.mark.longhaul_only

PARTITIONS = 3

FIVE = """
apiVersion: longhaul.dev/v1alpha1
kind: KafkaCluster
metadata: {name: demo}
spec:
  version: 0.1.0
  config: {default.replication.factor: 3, min.insync.replicas: 2%s}
  regions:
    - name: home
      zones: [{name: a, brokers: 2}, {name: b, brokers: 2}, {name: c, brokers: 1}]
      storage: {volumes: [{size: 10Gi}]}
"""


@pytest.fixture
def local(tmp_path):
    made = Local(tmp_path)
    made.address = made.bootstrap(made.up())
    yield made
    made.end()


def more(path, count):
    lines = ledger.length(path)
    wait_for(lambda: ledger.length(path) >= lines + count, 90, f"{count} more acknowledged records")


def all_in_sync(local, topic):
    described = local.good("topic", "describe", topic)
    rows = re.findall(r"^ +\d+ +\S+ +(\S+) +(\S+)$", described, re.MULTILINE)
    return rows and all(sorted(one.split(",")) == sorted(other.split(",")) for one, other in rows)


def wait_until_whole(local, voters, topic="hello"):
    """Ready, with so many voters, and every replica in sync."""
    wait_for(lambda: len(local.region().get("quorum", {}).get("voters", [])) == voters, 90, f"{voters} voters")
    wait_for(lambda: all_in_sync(local, topic), 60, "all replicas in sync")


def founded(local):
    """How often a metadata log was begun."""
    logs = [path.read_text() for path in local.state.glob("local/logs/*.log")]
    return sum(text.count("of a new cluster") for text in logs)


def test_a_broker_that_crashes_stops_nobody(local, tmp_path):
    path = tmp_path / "ledger"
    with ledger.kept(local.address, "hello", PARTITIONS, path):
        more(path, 1000)
        for node in (local.region()["quorum"]["leader"], 1002):
            local.kill(node)
            more(path, 2000)
            wait_for(lambda: local.region() and all_in_sync(local, "hello"), 90, "the broker's return")
    ledger.compare(ledger.read(path), confluent.read_all(local.address, "hello", PARTITIONS))
    assert founded(local) == 1


def test_growth_a_new_configuration_and_a_restart(local, tmp_path):
    path = tmp_path / "ledger"
    pids = {node: local.pid_of(node) for node in (1001, 1002, 1003)}
    with ledger.kept(local.address, "hello", PARTITIONS, path):
        local.good("apply", "-f", "-", stdin=FIVE % "")
        wait_until_whole(local, voters=5)
        assert {node: local.pid_of(node) for node in pids} == pids, "nobody is restarted because others came"
        local.good("topic", "create", "wide", "--partitions", 20)
        placed = set(re.findall(r"\d+/\w", local.good("topic", "describe", "wide")))
        assert placed == {"1001/a", "1002/b", "1003/c", "1004/a", "1005/b"}
        local.good("apply", "-f", "-", stdin=FIVE % ", num.partitions: 7")
        wait_for(lambda: local.region() and all(local.pid_of(n) not in (None, pids[n]) for n in pids), 120, "the roll")
        wait_until_whole(local, voters=5)
    acknowledged = ledger.read(path)
    ledger.compare(acknowledged, confluent.read_all(local.address, "hello", PARTITIONS))
    assert local.good("down") == "stopped\n"
    address = local.bootstrap(local.up())
    assert len(local.region()["quorum"]["voters"]) == 5
    ledger.compare(acknowledged, confluent.read_all(address, "hello", PARTITIONS))
    assert founded(local) == 1


WITNESS = """
apiVersion: longhaul.dev/v1alpha1
kind: KafkaCluster
metadata: {name: demo}
spec:
  version: 0.1.0
  config: {default.replication.factor: 2, min.insync.replicas: 1}
  regions:
    - name: home
      zones: [{name: a}, {name: b}, {name: w, witness: true}]
      storage: {volumes: [{size: 10Gi}]}
"""


def test_two_zones_and_a_witness_outlive_a_zone(tmp_path):
    (tmp_path / "witness.yaml").write_text(WITNESS)
    local = Local(tmp_path)
    try:
        address = local.bootstrap(local.up("--example", tmp_path / "witness.yaml"))
        assert len(address.split(",")) == 2
        local.good("topic", "create", "hello", "--partitions", PARTITIONS)
        path = tmp_path / "ledger"
        with ledger.kept(address, "hello", PARTITIONS, path):
            more(path, 1000)
            local.kill(1001)  # the quorum's leader
            more(path, 2000)
            wait_until_whole(local, voters=3)
        ledger.compare(ledger.read(path), confluent.read_all(address, "hello", PARTITIONS))
    finally:
        local.end()


@pytest.mark.parametrize("node", [1001, 1003])
def test_a_lost_volume_comes_back_as_a_new_voter(local, tmp_path, node):
    before = local.region()
    path = tmp_path / "ledger"
    with ledger.kept(local.address, "hello", PARTITIONS, path):
        more(path, 1000)
        local.lose_volume(node)
        more(path, 2000)
        log = local.state / "operator.log"
        wait_for(lambda: re.search(rf"remove {node} .*\n(.*\n)*.* add {node} ", log.read_text()), 90, "a new voter")
        wait_until_whole(local, voters=3)
    ledger.compare(ledger.read(path), confluent.read_all(local.address, "hello", PARTITIONS))
    assert local.region()["clusterId"] == before["clusterId"] and founded(local) == 1


def test_a_founder_that_lost_its_volume_alone_founds_nothing(tmp_path):
    alone = FIVE % ""
    alone = alone[: alone.index("zones: [")] + "zones: [{name: a}]" + alone[alone.index("\n      storage") :]
    (tmp_path / "one.yaml").write_text(alone.replace("factor: 3", "factor: 1").replace("replicas: 2", "replicas: 1"))
    local = Local(tmp_path)
    try:
        local.up("--example", tmp_path / "one.yaml")
        assert founded(local) == 1
        local.lose_volume(1001)
        wait_for(lambda: local.pid_of(1001), 30, "a process")
        wait_for(lambda: not local.region(), 30, "the end of Ready")
        (log,) = local.state.glob("local/logs/*.log")
        wait_for(lambda: "formatted" in log.read_text().split("Terminated")[-1], 30)
        pods = json.dumps(local.get("pods"))
        assert '"found"' not in pods and founded(local) == 1
    finally:
        local.end()
