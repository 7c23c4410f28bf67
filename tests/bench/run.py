"""`./dev bench`: our broker beside Apache Kafka, both fresh, the table of `measure`.

usage: dev bench [--brokers 1] [--gb 1] [--rate 10000] [--seconds 20] [--repeat 3] [--keep-topics] [--json FILE]
                 [--durability]

Both have what a newcomer gets, but that the files of a deleted topic go at once: see `measure`.

--brokers 3 measures three brokers beside three, with three replicas of each partition and two to be in sync; CPU and
memory are those of all three. --broker PROGRAM measures another build of the broker. --durability measures our broker
with longhaul.durability=fsync beside our broker as it is.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENTS = HERE.parent / "clients"
sys.path.insert(0, str(CLIENTS))

from support import server as servers  # noqa: E402
from support.cluster import Cluster  # noqa: E402

CLUSTER_ID = "bG9uZ2hhdWwtYmVuY2gtMQ"


def take(options, name, otherwise):
    """The value of an option of ours, which `measure` does not know."""
    if name not in options:
        return otherwise
    at = options.index(name)
    value = options[at + 1]
    del options[at : at + 2]
    return value


def started(name, kind, folder, brokers, **options):
    """A cluster of so many brokers."""

    def make_server(cluster=None, node_id=1):
        command = servers.COMMANDS[kind]
        return servers.Server(command, f"{folder}/{name}-{node_id}", cluster or CLUSTER_ID, node_id=node_id)

    options |= {"log_segment_delete_delay_ms": 100}
    if brokers > 1:
        options |= {"min_insync_replicas": 2, "offsets_topic_replication_factor": 3}
    return Cluster(make_server, count=brokers, num_partitions=6, **options)


def main():
    options = sys.argv[1:]
    if {"-h", "--help"} & set(options):
        print(__doc__)
        return 0
    if program := take(options, "--broker", None):
        os.environ["LONGHAUL_BROKER"] = str(Path(program).resolve())
    brokers = int(take(options, "--brokers", "1"))
    beside = {"longhaul": ("longhaul", {}), "kafka": ("kafka", {})}
    if "--durability" in options:
        options.remove("--durability")
        beside = {"fsync": ("longhaul", {"longhaul_durability": "fsync"}), "default": ("longhaul", {})}
    subprocess.run([CLIENTS / "kafka/peer", "install"], check=True)
    with tempfile.TemporaryDirectory(prefix="longhaul-bench-") as folder:
        clusters = {}
        try:
            for name, (kind, settings) in beside.items():
                clusters[name] = started(name, kind, folder, brokers, **settings)
            named = [
                f"{name}={cluster.nodes[1].address}:{','.join(str(each.process.pid) for each in cluster.nodes.values())}"
                for name, cluster in clusters.items()
            ]
            return subprocess.run([HERE / "measure", *named, "--replicas", str(min(brokers, 3)), *options]).returncode
        finally:
            for cluster in clusters.values():
                cluster.end()


if __name__ == "__main__":
    sys.exit(main())
