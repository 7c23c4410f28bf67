"""Apache Kafka's own Java tools."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

PEER = Path(__file__).resolve().parents[1] / "kafka/peer"

# A tool lives for two seconds: no time for the optimising compiler.
_QUICK = ["-Xmx256M", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]

TOOLS = {
    "topics": "org.apache.kafka.tools.TopicCommand",
    "configs": "kafka.admin.ConfigCommand",
    "groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "producer-perf": "org.apache.kafka.tools.ProducerPerformance",
    "consumer-perf": "org.apache.kafka.tools.ConsumerPerformance",
    "verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
    "verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "dump-log": "org.apache.kafka.tools.DumpLogSegments",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "cluster": "org.apache.kafka.tools.ClusterTool",
    "features": "org.apache.kafka.tools.FeatureCommand",
    "reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
}


@cache
def class_path():
    return subprocess.run([PEER, "jars"], capture_output=True, text=True, check=True).stdout.strip()


def command(class_name, *arguments, jvm=()):
    level = os.environ.get("KAFKA_LOG", "warn")
    options = [f"-Dorg.slf4j.simpleLogger.defaultLogLevel={level}", "-cp", class_path()]
    return ["java", *(jvm or _QUICK), *options, class_name, *map(str, arguments)]


def run(tool, *arguments, stdin="", timeout=90, check=True):
    """The finished process; `check`: a non-zero exit is a failed test with the tool's output."""
    result = subprocess.run(
        command(TOOLS[tool], *arguments), input=stdin, capture_output=True, text=True, timeout=timeout
    )
    if check:
        assert result.returncode == 0, f"{tool} {arguments}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
    return result


def start(tool, *arguments, output):
    """A tool that goes on running; what it says goes into the file `output`."""
    with open(output, "w") as file:
        return subprocess.Popen(command(TOOLS[tool], *arguments), stdout=file, stderr=subprocess.STDOUT)


def table(text, first="TOPIC"):
    """Rows of a tool's table as dicts, by its heading line (which has `first` as a column)."""
    lines = [line for line in text.splitlines() if line.strip()]
    heading = next(i for i, line in enumerate(lines) if first in line.split())
    names = re.split(r"\s{2,}|\s", lines[heading].strip())
    return [dict(zip(names, line.split())) for line in lines[heading + 1 :]]
