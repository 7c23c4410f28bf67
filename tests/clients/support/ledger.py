"""A producer in a process of its own that notes on disk what was acknowledged: ledger.py ADDRESS TOPIC PARTITIONS LEDGER.

A line of the ledger is `partition offset value time`, written once the broker has said yes. Values count
up within their partition; the time is a monotonic one, in seconds. The offset is -1 where librdkafka does not
know it: a request whose connection broke counts as heard when the broker takes the one that follows it. SIGTERM
makes it wait for what is on its way, and end.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Producer


class Stop(Exception):
    pass


def main():
    address, topic, partitions, path = sys.argv[1:]
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    client = Producer(
        {
            "bootstrap.servers": address,
            "enable.idempotence": True,
            "message.timeout.ms": 120000,
            # How long a broker that stands still is waited for; a minute if nothing is said.
            "socket.timeout.ms": 5000,
            "reconnect.backoff.max.ms": 200,
            "retry.backoff.ms": 20,
            "linger.ms": 1,
            "compression.type": "lz4",
            "log_level": 2,
        }
    )

    def report(error, message):
        offset = -1 if message.offset() is None else message.offset()
        row = error or f"{message.partition()} {offset} {message.value().decode()} {time.monotonic():.3f}"
        os.write(ledger, f"{'FAILED ' if error else ''}{row}\n".encode())

    for number in range(10**9):
        if stopping:
            break
        for partition in range(int(partitions)):
            while True:
                try:
                    client.produce(topic, str(number), partition=partition, on_delivery=report)
                    break
                except BufferError:
                    client.poll(0.05)
        client.poll(0)
        if len(client) > 2000:
            client.poll(0.05)
        time.sleep(0.001)  # a steady stream: a thousand rounds a second at the most
    sys.exit(1 if client.flush(120) else 0)


@contextmanager
def kept(address, topic, partitions, path):
    """Keeps a ledger at `path` while the body runs; then all that was sent has to be acknowledged."""
    path.touch()
    command = [sys.executable, __file__, address, topic, str(partitions), str(path)]
    client = subprocess.Popen(command)
    try:
        yield
    finally:
        client.terminate()
        code = client.wait(150)
    assert code == 0


def length(path):
    return path.read_text().count("\n")


def read(path):
    """[(partition, offset, value, time)]; an error in it is a failed test."""
    lines = Path(path).read_text().splitlines()
    failed = [line for line in lines if line.startswith("FAILED")]
    assert not failed, failed[:3]
    rows = [line.split() for line in lines]
    return [(*map(int, row[:3]), float(row[3])) for row in rows]


def lines_of_partitions(path):
    """{partition: how many of its records are acknowledged}"""
    return Counter(line.split(" ", 1)[0] for line in path.read_text().splitlines() if not line.startswith("FAILED"))


def longest_gap(acknowledged):
    """The longest time without an acknowledgement of a partition, in seconds."""
    last, longest = {}, 0.0
    for partition, _, _, time_ in acknowledged:
        longest = max(longest, time_ - last.get(partition, time_))
        last[partition] = time_
    return longest


class Account(NamedTuple):
    """What became of the records of a ledger."""

    acknowledged: int
    lost: list  # acknowledged rows (partition, offset, value) that are not where they were said to be
    twice: list  # (partition, value) that is there more than once
    disordered: list  # partitions whose values do not count up
    longest_gap: float  # the longest time without an acknowledgement of a partition, in seconds

    def check(self):
        assert not self.lost, f"{len(self.lost)} of {self.acknowledged} acknowledged records are lost, first {self.lost[:5]}"
        assert not self.twice, f"{len(self.twice)} duplicates, first {self.twice[:5]}"
        assert not self.disordered, f"partitions {self.disordered} are out of order"


def account(acknowledged, messages):
    """Holds a ledger against everything that is read."""
    found = {(m.partition(), m.offset()): int(m.value()) for m in messages}
    counts = Counter((p, v) for (p, _), v in found.items())
    lost = [
        (p, offset, v)
        for p, offset, v, _ in acknowledged
        if (found.get((p, offset)) != v if offset >= 0 else (p, v) not in counts)
    ]
    rows = {}
    for (partition, _), value in sorted(found.items()):
        rows.setdefault(partition, []).append(value)
    disordered = [partition for partition, values in rows.items() if values != sorted(values)]
    return Account(
        len(acknowledged), lost, [row for row, n in counts.items() if n > 1], disordered, longest_gap(acknowledged)
    )


def compare(acknowledged, messages):
    """Fails unless all that was acknowledged is read, at its offset, and nothing twice or out of order."""
    account(acknowledged, messages).check()


if __name__ == "__main__":
    main()
