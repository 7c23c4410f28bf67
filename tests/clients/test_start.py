"""Starts that have to fail, each with a message that says what to do, and nothing stored harmed."""

import os
import re
import shutil
import socket
import subprocess

import pytest

from support import confluent
from support import server as servers

pytestmark = pytest.mark.longhaul_only


@pytest.fixture
def server(make_server):
    return make_server()


def fails(server, *words, arguments=None):
    """Runs it; it must end with an error that has all the words (regular expressions)."""
    result = server.run(*(arguments or [server.properties]))
    assert result.returncode not in (0, None) and result.returncode > 0, result
    for word in words:
        assert re.search(word, result.stderr, re.IGNORECASE), f"no {word!r} in:\n{result.stderr}"
    return result.stderr


def works(server):
    """It starts and serves, whatever was tried before."""
    server.start()
    confluent.create_topic(confluent.admin_client(server.address), "works", 1)
    confluent.produce(server.address, "works", [dict(value="x")])
    assert server.stop() == 0


def snapshot(directory):
    return {str(p): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}


def test_an_empty_directory_is_refused(server):
    fails(server, "longhaul-broker format|longhaul.format", str(server.data))
    assert not list(server.data.rglob("*.log"))
    server.format()
    works(server)


def test_formatting_twice_is_refused(server):
    server.format()
    before = snapshot(server.data)
    arguments = ["format", "-c", server.properties, "-t", server.cluster_id, "--standalone"]
    fails(server, "already formatted", "--ignore-formatted", arguments=arguments)
    assert server.run(*arguments, "--ignore-formatted").returncode == 0
    assert snapshot(server.data) == before
    works(server)


@pytest.mark.parametrize("cluster", ["", "has space", "x" * 200])
def test_bad_cluster_ids_are_refused(server, cluster):
    fails(server, "cluster", arguments=["format", "-c", server.properties, "-t", cluster, "--standalone"])
    assert not (server.data / "meta.properties").exists()


def test_founding_by_permission(make_server):
    options = {"longhaul_format": "found", "longhaul_cluster_id": "Zm91bmQtYnktcGVybWlzcw"}
    server = make_server(cluster="Zm91bmQtYnktcGVybWlzcw", **options)
    works(server)
    assert "Zm91bmQtYnktcGVybWlzcw" in (server.data / "meta.properties").read_text()
    server.start()  # the permission does not found a second time
    assert confluent.admin_client(server.address).list_topics(timeout=10).topics.keys() >= {"works"}
    assert server.stop() == 0


def test_the_data_of_another_cluster_is_refused(server):
    server.format()
    works(server)
    before = snapshot(server.data)
    server.write_properties(longhaul_cluster_id="YW5vdGhlci1jbHVzdGVyLQ")
    fails(server, "cluster", server.cluster_id, "YW5vdGhlci1jbHVzdGVyLQ", str(server.data))
    assert snapshot(server.data) == before
    server.write_properties()
    server.start()
    assert server.stop() == 0


def test_the_data_of_another_node_is_refused(server):
    server.format()
    server.write_properties(node_id=2)
    fails(server, r"node\.?\s?id", r"\b1\b", r"\b2\b")
    server.write_properties()
    works(server)


def test_a_taken_port_is_named(server):
    server.format()
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        fails(server, str(server.port), "in use|taken")
    works(server)


def test_a_second_broker_on_the_same_directory_is_refused(server, make_server):
    server.format()
    server.start()
    second = make_server()
    second.write_properties(log_dirs=server.data)
    fails(second, str(server.data), "lock|in use|another")
    confluent.create_topic(confluent.admin_client(server.address), "alive", 1)
    assert server.stop() == 0


BAD_PROPERTIES = {
    "an unknown option of ours": ({"longhaul_fromat": "found"}, [r"longhaul\.fromat", r"longhaul\.format"]),
    "a number that is none": ({"num_io_threads": "many"}, [r"num\.io\.threads", "many"]),
    "a number out of range": ({"num_io_threads": "0"}, [r"num\.io\.threads"]),
    "a listener without a port": ({"listeners": "PLAINTEXT://127.0.0.1"}, ["listeners"]),
    "no role": ({"process_roles": "worker"}, [r"process\.roles", "worker"]),
}


@pytest.mark.parametrize("options, words", BAD_PROPERTIES.values(), ids=BAD_PROPERTIES.keys())
def test_bad_properties_are_refused(server, options, words):
    server.format()
    server.write_properties(**options)
    fails(server, *words)
    server.write_properties()
    works(server)


def test_what_has_no_effect_is_warned_of(server):
    server.format()
    server.write_properties(zookeeper_connect="zk:2181", num_recovery_threads_per_data_dir=2, not_an_option=1)
    works(server)
    assert "zookeeper.connect" in server.log() and "not.an.option" in server.log()


@pytest.mark.parametrize("name", ["missing.properties", "."])
def test_a_properties_file_that_cannot_be_read(server, name):
    fails(server, name if name != "." else "directory|read", arguments=[server.directory / name])


def test_help_and_wrong_arguments(server):
    shown = server.run("--help")
    assert shown.returncode == 0 and "format" in shown.stdout
    assert server.run().returncode != 0
    assert server.run("--no-such-option").returncode != 0


def test_logs_that_the_metadata_do_not_know_are_put_aside(server):
    """Where metadata are lost, the records are not."""
    server.format()
    server.start()
    confluent.create_topic(confluent.admin_client(server.address), "precious", 1)
    confluent.produce(server.address, "precious", [dict(value="a record")])
    server.kill()
    (metadata,) = (server.data / "__cluster_metadata-0").glob("*.log")
    os.truncate(metadata, metadata.stat().st_size - 10)  # the last batch is the one with the topic
    server.start()
    (stray,) = server.data.glob("precious-0.*-stray")
    assert b"a record" in next(stray.glob("*.log")).read_bytes()
    assert str(stray) in server.log()
    assert server.stop() == 0


def test_checkpoints_that_make_no_sense_are_done_without(server):
    server.format()
    works(server)
    for file in (*server.data.glob("*-offset-checkpoint"), *server.data.glob("works-0/leader-epoch-checkpoint")):
        file.write_bytes(b"\xff\xfe\n\n5\n")
    for file in (*server.data.glob("works-0/*index"), *server.data.glob("works-0/*.snapshot")):
        file.write_bytes(os.urandom(64))
    server.start()
    assert [m.value() for m in confluent.read_all(server.address, "works", 1)] == [b"x"]
    confluent.produce(server.address, "works", [dict(value="y")], enable_idempotence="true")
    assert server.stop() == 0


def test_the_directory_of_a_kafka_with_transactions_is_refused(make_server):
    server = make_server()
    server.command = servers.apache_kafka
    server.format()
    server.start()
    confluent.create_topic(confluent.admin_client(server.address), "theirs", 1)
    confluent.produce(server.address, "theirs", [dict(value="kept")], compression_type="lz4")
    server.stop()
    records = {path: path.read_bytes() for path in server.partition_files("theirs")}
    server.command = servers.longhaul
    fails(server, "UNSUPPORTED_VERSION", "transaction.version")
    assert {path: path.read_bytes() for path in server.partition_files("theirs")} == records


class TestFullDisk:
    """On a file system of 24 MB of its own, which only root can make."""

    @pytest.fixture
    def small(self, tmp_path):
        if os.geteuid() != 0 or not shutil.which("mount"):
            pytest.skip("mounting a small tmpfs needs root")
        disk = tmp_path / "disk"
        disk.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"this machine does not let root mount a tmpfs: {made.stderr.strip()}")
        yield disk
        subprocess.run(["umount", "-l", disk], check=True)

    def test_producers_are_told_and_nothing_acknowledged_is_lost(self, make_server, small):
        server = make_server(log_segment_bytes=4194304)
        server.data = small / "data"
        server.write_properties(log_segment_bytes=4194304, log_index_size_max_bytes=65536)
        server.format()
        server.start()
        admin = confluent.admin_client(server.address)
        confluent.create_topic(admin, "full", 1)
        client, acknowledged, errors = confluent.producer(server.address, message_timeout_ms="5000"), [], []

        def report(error, message):
            errors.append(error) if error else acknowledged.append((message.offset(), message.value()))

        for i in range(400):
            client.produce("full", b"%06d" % i + os.urandom(100_000), on_delivery=report)
            client.poll(0)
            if errors:
                break
        client.flush(30)
        assert errors, "the disk never got full"
        assert acknowledged
        confluent.wait_for(lambda: re.search("no space left", server.log(), re.IGNORECASE), 10, "a word about the disk")
        subprocess.run(["mount", "-o", "remount,size=96m", small], check=True)
        confluent.produce(server.address, "full", [dict(value="room again")])  # it goes on by itself
        for _ in range(2):
            found = dict((m.offset(), m.value()) for m in confluent.read_all(server.address, "full", 1))
            assert all(found.get(offset) == value for offset, value in acknowledged)
            server.end()
            server.start()
        assert server.stop() == 0
