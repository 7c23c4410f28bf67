"""Starts and ends real brokers: ours, or Apache Kafka as the reference that proves the tests right."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from support import java, wire

ROOT = Path(__file__).resolve().parents[3]


def free_ports(count):
    """Ports that the kernel picked and nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Server:
    """One combined broker and controller in a directory of its own."""

    def __init__(self, command, directory, cluster_id, **options):
        """`command`: see `longhaul` and `apache_kafka`. `options`: server.properties, `_` for `.`."""
        self.command, self.directory, self.cluster_id = command, Path(directory), cluster_id
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port, self.controller_port = free_ports(2)
        self.data = self.directory / "data"
        self.properties = self.directory / "server.properties"
        self.process = None
        self.write_properties(**options)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def write_properties(self, **options):
        lines = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "log.dirs": self.data,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 10,
            "log.segment.delete.delay.ms": 500,
            "log.initial.task.delay.ms": 500,
            "group.initial.rebalance.delay.ms": 0,
        }
        lines.update({name.replace("_", "."): value for name, value in options.items()})
        self.properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def run(self, *arguments):
        """Runs the program to its end: `format`, or a start that has to fail."""
        return subprocess.run(
            self.command(*map(str, arguments)), capture_output=True, text=True, timeout=60, cwd=self.directory
        )

    def format(self, *role):
        """`role`: what kafka-storage is told of the quorum; the first voter of one of its own if nothing."""
        result = self.run("format", "-c", self.properties, "-t", self.cluster_id, *(role or ("--standalone",)))
        assert result.returncode == 0, result.stdout + result.stderr

    def start(self):
        self.launch()
        self.wait_until_ready()

    def launch(self):
        """Without waiting: several nodes may need each other to get ready."""
        log = open(self.directory / "server.log", "ab")
        self.process = subprocess.Popen(
            self.command(str(self.properties)), stdout=log, stderr=log, cwd=self.directory
        )
        log.close()

    def wait_until_ready(self, seconds=60):
        """Ready is: it answers a Metadata request with itself as a broker."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the broker ended\n{self.log()}"
            try:
                with wire.Connection(self.port, timeout=5) as connection:
                    if connection.broker_count():
                        return
            except (OSError, EOFError):
                pass
            time.sleep(0.02)  # a poll, not a guess: bounded by the deadline
        raise AssertionError(f"no answer within {seconds} s\n{self.log()}")

    def stop(self, seconds=30):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Whatever state it is in: nothing is left running."""
        if self.process and self.process.poll() is None:
            self.kill()

    def log(self):
        path = self.directory / "server.log"
        return path.read_text(errors="replace")[-6000:] if path.exists() else ""

    def partition_files(self, topic, suffix=".log"):
        return sorted(self.data.glob(f"{topic}-*/*{suffix}"))


def longhaul(*arguments):
    binary = os.environ.get("LONGHAUL_BROKER", ROOT / "build/release/bin/longhaul-broker")
    return [str(binary), *arguments]


def apache_kafka(*arguments):
    """The same two command lines, as Apache Kafka has them."""
    if arguments[0] == "format":
        return java.command("kafka.tools.StorageTool", *arguments)
    return java.command("kafka.Kafka", *arguments, jvm=["-Xmx1G", "-XX:+UseSerialGC"])


COMMANDS = {"longhaul": longhaul, "kafka": apache_kafka}
