"""`./dev bench cluster`: what a cluster of three does when things happen to it, beside three Apache Kafka brokers.

usage: dev bench cluster [--repeat 3] [--topics 1000] [--partitions 10000] [--only longhaul] [--json FILE]

Fail-over is the time from a kill -9 of a leader to the next acknowledged write of a producer that goes on trying, and
from one of the active controller to the next topic that could be created. `--partitions` is how many ours is filled
with in the end, three replicas each (0: none).
"""

import argparse
import itertools
import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from confluent_kafka.admin import NewTopic

sys.path.insert(0, str(Path(__file__).resolve().parent))

from run import started  # noqa: E402
from support import api, confluent  # noqa: E402
from support.cluster import create, in_sync, partitions  # noqa: E402
from support.confluent import settle, wait_for  # noqa: E402
from support.wire import Connection, batch  # noqa: E402

def resident_mb(cluster):
    """Of all its processes."""
    status = (Path(f"/proc/{each.process.pid}/status").read_text() for each in cluster.nodes.values())
    return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in status) / 1024


def whole(cluster, topic):
    admin = confluent.admin_client(cluster.address)
    wait_for(lambda: set(in_sync(admin, topic)) == {3}, 120, "all replicas in sync")
    return admin


def victims(cluster, topic):
    """(the broker that leads the topic, the active controller)"""
    admin = whole(cluster, topic)
    return partitions(admin, topic)[0].leader, cluster.controller()


def until(servers, asked, what):
    """Asks one after the other until one says yes. Without a client's own pauses, which would be measured with it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for server in servers:
            try:
                with Connection(server.port, timeout=15) as connection:
                    if asked(connection):
                        return time.monotonic()
            except (OSError, EOFError):
                pass
        time.sleep(0.005)
    raise AssertionError(f"{what}: not within a minute")


def written(connection):
    data = [dict(index=0, records=batch([b"x" * 100]))]
    answer = api.call(
        connection, "Produce", 9, acks=-1, timeout_ms=10000, transactional_id=None,
        topic_data=[dict(name="failover", partition_data=data)],
    )
    return answer.responses[0].partition_responses[0].error_code == 0


def leader_failover(cluster):
    """Seconds without an acknowledged write after the leader is killed."""
    leader, _ = victims(cluster, "failover")
    left = [each for node, each in cluster.nodes.items() if node != leader]
    until([cluster.nodes[leader]], written, "a write")
    cluster.nodes[leader].kill()
    killed = time.monotonic()
    took = until(left, written, "a write after the leader's end") - killed
    cluster.nodes[leader].start()
    return took


def controller_failover(cluster, number):
    """Seconds until a topic can be created after the active controller is killed."""
    _, controller = victims(cluster, "failover")
    left = [each for node, each in cluster.nodes.items() if node != controller]
    tries = itertools.count()

    def created(connection):
        topic = dict(
            name=f"after-{number}-{next(tries)}", num_partitions=1, replication_factor=2, assignments=[], configs=[]
        )
        answer = api.call(connection, "CreateTopics", 5, topics=[topic], timeout_ms=5000, validate_only=False)
        return answer.topics[0].error_code == 0

    cluster.nodes[controller].kill()
    killed = time.monotonic()
    took = until(left, created, "a new topic after the controller's end") - killed
    cluster.nodes[controller].start()
    return took


def fill(cluster, name, topics, count=1):
    """Seconds to create so many topics, with a hundred partitions or more in a request."""
    admin = confluent.admin_client(cluster.address)
    begun = time.monotonic()
    step = max(100 // count, 1)
    for at in range(0, topics, step):
        wanted = [NewTopic(f"{name}-{i}", count, 3) for i in range(at, min(at + step, topics))]
        settle(admin.create_topics(wanted, request_timeout=120), 130)
    return time.monotonic() - begun


def restart(cluster, last):
    """(seconds until a restarted broker answers, until all replicas of the topic are in sync)"""
    whole(cluster, last)
    server = cluster.nodes[2]
    server.stop(120)
    begun = time.monotonic()
    server.start()
    answered = time.monotonic() - begun
    whole(cluster, last)
    return answered, time.monotonic() - begun


class Figures(dict):
    """Told as they come: a run takes minutes."""

    def __setitem__(self, name, value):
        print(f"{name}: {value:.2f}", file=sys.stderr, flush=True)
        super().__setitem__(name, value)


def measure(kind, folder, options):
    cluster = started(kind, kind, folder, 3)
    figures = Figures()
    try:
        create(confluent.admin_client(cluster.address), "failover", 1)
        figures["kill -9 of a leader to the next write, s"] = statistics.median(
            leader_failover(cluster) for _ in range(options.repeat)
        )
        figures["kill -9 of the controller to the next topic, s"] = statistics.median(
            controller_failover(cluster, i) for i in range(options.repeat)
        )
        whole(cluster, "failover")
        before = resident_mb(cluster)
        figures[f"{options.topics} topics created, s"] = fill(cluster, "many", options.topics)
        whole(cluster, f"many-{options.topics - 1}")
        per_thousand = (resident_mb(cluster) - before) * 1000 / options.topics
        figures["memory per 1,000 partitions x 3, MB"] = per_thousand
        answered, in_sync_after = restart(cluster, f"many-{options.topics - 1}")
        figures[f"restart with {options.topics} partitions to its first answer, s"] = answered
        figures[f"restart with {options.topics} partitions to in sync, s"] = in_sync_after
        if kind == "longhaul" and options.partitions:
            fill(cluster, "wide", options.partitions // 1000, 1000)
            whole(cluster, f"wide-{options.partitions // 1000 - 1}")
            figures[f"{options.partitions} partitions x 3, all brokers, MB"] = resident_mb(cluster)
    finally:
        cluster.end()
    return figures


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--topics", type=int, default=1000)
    parser.add_argument("--partitions", type=int, default=10000)
    parser.add_argument("--only", choices=("longhaul", "kafka"))
    parser.add_argument("--json")
    options = parser.parse_args()
    result = {}
    with tempfile.TemporaryDirectory(prefix="longhaul-bench-") as folder:
        for kind in [options.only] if options.only else ("longhaul", "kafka"):
            for figure, value in measure(kind, folder, options).items():
                result.setdefault(figure, {})[kind] = value
    for figure, by_kind in result.items():
        ours, kafka = by_kind.get("longhaul"), by_kind.get("kafka")
        cells = "".join(f"{value:14.2f}" if value is not None else f"{'':14s}" for value in (ours, kafka))
        print(f"{figure:60s}{cells}" + (f"{ours / kafka:14.2f}" if ours and kafka else ""))
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
