"""Faults on real brokers, with a producer that keeps a ledger: what was acknowledged is there, once."""

import errno
import os
import shutil
import signal
import struct
import subprocess

import pytest

from support import confluent
from support.cluster import Cluster, create, partitions
from support.confluent import wait_for


@pytest.fixture(scope="module")
def three(make_server):
    made = Cluster(
        make_server, min_insync_replicas=2, offsets_topic_replication_factor=3, broker_session_timeout_ms=3000,
        broker_heartbeat_interval_ms=500, replica_lag_time_max_ms=5000,
    )
    yield made
    made.end()


@pytest.fixture(scope="module")
def five(make_server):
    made = Cluster(make_server, count=5, min_insync_replicas=2, offsets_topic_replication_factor=3)
    yield made
    made.end()


@pytest.fixture(scope="module")
def small_disk(make_server):
    """(three brokers, the one of them that has a small disk of its own)"""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")

    def mount(node, server):
        if node == 3:
            server.data.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "small-disk", server.data], check=True)

    made = Cluster(make_server, prepare=mount, min_insync_replicas=2, replica_lag_time_max_ms=3000)
    yield made, made.nodes[3]
    made.end()
    subprocess.run(["umount", made.nodes[3].data], check=True)


@pytest.fixture
def failing_disk(make_server, tmp_path):
    """(three brokers, the one of them that has a disk of its own, what makes that read-only, what mends it)"""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a disk that fails")
    image = tmp_path / "disk"
    subprocess.run(["truncate", "-s", "1G", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)

    def mount(server):
        subprocess.run(["mount", "-o", "loop", image, server.data], check=True)

    def prepare(node, server):
        if node == 3:
            server.data.mkdir()
            mount(server)

    made = Cluster(make_server, prepare=prepare, min_insync_replicas=2, replica_lag_time_max_ms=3000)
    victim = made.nodes[3]

    def fail():
        subprocess.run(["mount", "-o", "remount,abort", victim.data], check=True)

    def mend():
        subprocess.run(["umount", victim.data], check=True)
        subprocess.run(["fsck.ext4", "-p", image], check=False)
        mount(victim)

    yield made, victim, fail, mend
    made.end()
    subprocess.run(["umount", victim.data], check=True)


def roles(work):
    """Nodes by what they are: (leader of partition 0, active controller, one that is neither)."""
    controller = work.cluster.controller()
    leader = partitions(work.admin, work.topic)[0].leader
    return leader, controller, next(node for node in work.cluster.nodes if node not in (leader, controller))


@pytest.mark.parametrize("role", ("leader", "controller", "follower"))
def test_killed(three, work, role):
    working = work(three, within=8)
    victim = three.nodes[roles(working)[("leader", "controller", "follower").index(role)]]
    victim.kill()
    working.goes_on()
    victim.start()
    working.heals()


def test_leader_stopped_beyond_its_session(three, work):
    working = work(three, within=20)
    stopped = partitions(working.admin, working.topic)[0].leader
    victim = three.nodes[stopped]
    # A client of another node, and a new one: who is connected to the stopped one may ask that, and wait for it.
    standing = confluent.admin_client(next(each.address for node, each in three.nodes.items() if node != stopped))
    victim.process.send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: partitions(standing, working.topic)[0].leader not in (stopped, -1), 30, "another leader")
        working.goes_on()
    finally:
        victim.process.send_signal(signal.SIGCONT)
    working.heals()


def test_all_killed_at_once(three, work):
    working = work(three, within=30)
    for server in three.nodes.values():
        server.kill()
    for server in three.nodes.values():
        server.launch()
    working.goes_on()
    working.heals()


def test_rolling_restart(three, work):
    working = work(three, within=5)
    for server in three.nodes.values():
        assert server.stop() == 0
        server.start()
        working.heals()
    working.goes_on()


def test_disk_deleted(three, work):
    working = work(three, within=8)
    victim = working.leader()
    victim.kill()
    working.goes_on()
    shutil.rmtree(victim.data)
    result = victim.run(victim.properties)
    assert result.returncode != 0 and "format" in result.stderr + result.stdout, "an empty disk is not begun with silently"
    victim.format("--no-initial-controllers")
    victim.start()
    working.heals()
    node = next(node for node, server in three.nodes.items() if server is victim)
    before = three.voters()
    three.replace_voter(node)
    after = three.voters()
    assert after.keys() == before.keys() and [id for id in after if after[id] != before[id]] == [node]


def test_rot_is_found_and_mended(three, topic_name):
    create(confluent.admin_client(three.address), topic_name, 1, segment_bytes=1 << 20)
    confluent.produce(three.address, topic_name, [{"value": "x" * 10_000} for _ in range(300)])
    victim, other = three.nodes[1], three.nodes[2]
    assert victim.stop() == 0  # after which all is durable
    segment = victim.partition_files(topic_name)[0]
    good = segment.read_bytes()
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 4
    segment.write_bytes(bad)
    victim.start()
    # The first look is 10 s after the start, and takes its time.
    wait_for(lambda: "is mended at offset" in victim.log(), 90, "the batch is as it was")
    assert segment.read_bytes() == good
    assert [path.read_bytes() for path in other.partition_files(topic_name)][0] == good


def test_disk_full(small_disk, work):
    cluster, victim = small_disk
    working = work(cluster, within=30)
    ballast = victim.data / "ballast"
    try:
        with open(ballast, "wb", buffering=0) as file:
            while file.write(bytes(1 << 16)):
                pass
    except OSError as error:
        assert error.errno == errno.ENOSPC
    # What it led others lead now, and they go on at once.
    wait_for(lambda: 3 not in {each.leader for each in partitions(working.admin, working.topic)}, 30, "other leaders")
    working.goes_on(600)
    ballast.unlink()
    working.heals()


def test_disk_read_only(small_disk, work):
    cluster, victim = small_disk
    working = work(cluster, within=5)
    assert victim.stop() == 0
    subprocess.run(["mount", "-o", "remount,ro", victim.data], check=True)
    try:
        refused = victim.run(victim.properties)
        assert refused.returncode != 0 and "Read-only file system" in refused.stdout + refused.stderr
        working.goes_on()
    finally:
        subprocess.run(["mount", "-o", "remount,rw", victim.data], check=True)
    victim.start()
    working.heals()


def test_disk_turns_read_only(failing_disk, work):
    """What ext4 does when it cannot write its journal."""
    cluster, victim, fail, mend = failing_disk
    working = work(cluster, within=8)
    fail()
    assert victim.process.wait(30) != 0, "all its directories failed: there is nothing left to serve"
    assert "Read-only file system" in victim.log()
    working.goes_on()
    mend()
    victim.start()
    working.heals()


def end_of_a_batch(segment):
    """Of one near the middle: what lies before it is records, which the CRC covers."""
    position = 0
    while position < len(segment) // 2:
        (length,) = struct.unpack_from(">i", segment, position + 8)
        position += 12 + length
    return position


def test_rot_under_work(three, work):
    """A broker comes back with a bit flipped in what it had stored, and the work goes on meanwhile."""
    working = work(three, within=5, segment_bytes=1 << 20)
    victim, other = three.nodes[1], three.nodes[2]

    def cold():
        return sorted((victim.data / f"{working.topic}-0").glob("*.log"))[:-1]

    (segment, *_) = wait_for(cold, 90, "a segment that is not written to any more")
    assert victim.stop() == 0  # after which all is durable
    content = bytearray(segment.read_bytes())
    content[end_of_a_batch(content) - 1] ^= 4
    segment.write_bytes(content)
    victim.start()
    good = (other.data / segment.parent.name / segment.name).read_bytes()
    wait_for(lambda: segment.read_bytes() == good, 90, "the batch is as it was")
    working.goes_on()


def test_two_of_five_killed_at_once(five, work):
    working = work(five, within=8, replicas=5, min_insync_replicas=3)
    controller = five.nodes[five.controller()]
    other = next(node for node in five.nodes.values() if node is not controller)
    for victim in (controller, other):
        victim.kill()
    working.goes_on()
    for victim in (controller, other):
        victim.start()
    working.heals()


def test_five_restarted_one_by_one(five, work):
    working = work(five, within=5)
    for server in five.nodes.values():
        assert server.stop() == 0
        server.start()
        working.heals()
