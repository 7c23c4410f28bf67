"""Apache Kafka's own command-line tools, start to finish. A JVM costs seconds: each call checks a lot."""

import json
import re

import pytest

from support import confluent, java
from support.confluent import wait_for


@pytest.fixture
def tool(broker):
    def run(name, *arguments, **options):
        return java.run(name, "--bootstrap-server", broker.address, *arguments, **options).stdout

    return run


def test_topics(broker, tool, topic_name):
    tool("topics", "--create", "--topic", topic_name, "--partitions", 3, "--config", "retention.ms=5000000")
    assert topic_name in tool("topics", "--list").split()
    text = tool("topics", "--describe", "--topic", topic_name)
    assert re.search(r"TopicId: [\w-]{22}\s.*PartitionCount: 3\s.*ReplicationFactor: 1", text)
    assert "retention.ms=5000000" in text
    assert len(re.findall(r"Partition: \d\s+Leader: 1\s+Replicas: 1\s+Isr: 1", text)) == 3
    tool("topics", "--alter", "--topic", topic_name, "--partitions", 5)
    assert "PartitionCount: 5" in tool("topics", "--describe", "--topic", topic_name)

    failed = java.run("topics", "--bootstrap-server", broker.address, "--create", "--topic", topic_name, check=False)
    assert failed.returncode == 1 and "already exists" in failed.stdout + failed.stderr
    tool("topics", "--delete", "--topic", topic_name)
    wait_for(lambda: topic_name not in tool("topics", "--list").split(), 60)


def test_console_producer_and_consumer(tool, topic):
    lines = [f"k{i}\tvalue {i} äöü" for i in range(500)]
    tool(
        "console-producer", "--topic", topic, "--reader-property", "parse.key=true",
        "--command-property", "acks=all", stdin="\n".join(lines) + "\n",
    )
    out = tool(
        "console-consumer", "--topic", topic, "--from-beginning", "--max-messages", 500, "--group", f"console-{topic}",
        "--timeout-ms", 20000, "--formatter-property", "print.key=true", "--formatter-property", "print.timestamp=true",
    )
    rows = [line.split("\t") for line in out.splitlines()]
    assert sorted("\t".join(row[1:]) for row in rows) == sorted(lines)
    assert all(row[0].startswith("CreateTime:") for row in rows)


def test_get_offsets(broker, tool, topic):
    at = 1_600_000_000_000
    rows = [dict(value=str(i), partition=i % 2, timestamp=at + i) for i in range(100)]
    confluent.produce(broker.address, topic, rows)
    expected = {"-1": "50 50 0", "-2": "0 0 0", "-3": "49 49", str(at + 10): "5 5"}
    for when, offsets in expected.items():
        out = tool("get-offsets", "--topic", topic, "--time", when)
        found = [line.split(":") for line in out.split()]
        wanted = [[topic, str(p), offset] for p, offset in enumerate(offsets.split())]
        assert [row for row in found if row[2]] == wanted, when


def test_perf_tools(tool, topic):
    out = tool(
        "producer-perf", "--topic", topic, "--num-records", 20000, "--record-size", 500, "--throughput", -1,
        "--command-property", "acks=all", "compression.type=lz4",
    )
    assert "20000 records sent" in out
    out = tool("consumer-perf", "--topic", topic, "--num-records", 20000, "--timeout", 30000)
    (row,) = [line.split(",") for line in out.splitlines() if re.match(r"\d{4}-", line)]
    assert int(row[4]) >= 20000


def test_configs(tool, topic):
    target = ("--entity-type", "topics", "--entity-name", topic)
    tool("configs", *target, "--alter", "--add-config", "retention.ms=77777,cleanup.policy=[compact,delete]")
    text = tool("configs", *target, "--describe")
    assert "retention.ms=77777" in text and "cleanup.policy=compact,delete" in text
    tool("configs", *target, "--alter", "--delete-config", "retention.ms")
    assert "retention.ms=77777" not in tool("configs", *target, "--describe")
    broker = tool("configs", "--entity-type", "brokers", "--entity-name", "1", "--describe", "--all")
    assert "log.segment.bytes=1073741824" in broker and "STATIC_BROKER_CONFIG" in broker


def test_consumer_groups(broker, tool, topic):
    at = 1_600_000_000_000
    rows = [dict(value=str(i), partition=0, timestamp=at + i * 1000) for i in range(100)]
    confluent.produce(broker.address, topic, rows)
    group = f"tool-{topic}"
    reader = confluent.consumer(broker.address, group=group)
    reader.subscribe([topic])
    confluent.read(reader, 100)
    reader.commit(asynchronous=False)
    (row,) = [r for r in java.table(tool("groups", "--describe", "--group", group)) if r["PARTITION"] == "0"]
    assert (row["CURRENT-OFFSET"], row["LOG-END-OFFSET"], row["LAG"]) == ("100", "100", "0")
    assert row["CONSUMER-ID"].startswith("rdkafka")
    (member,) = java.table(tool("groups", "--describe", "--members", "--group", group), "CONSUMER-ID")
    assert member["#PARTITIONS"] == "3"
    assert "Stable" in tool("groups", "--describe", "--state", "--group", group)
    reader.close()

    def reset(*how):
        out = tool("groups", "--reset-offsets", "--execute", "--group", group, "--topic", f"{topic}:0", *how)
        (row,) = [r for r in java.table(out) if r["TOPIC"] == topic]
        return int(row["NEW-OFFSET"])

    assert reset("--to-earliest") == 0
    assert reset("--shift-by", 30) == 30
    assert reset("--to-datetime", "2020-09-13T12:27:30.000") == 50  # UTC: at + 50 s
    assert reset("--by-duration", "PT1H") == 100  # nothing is that young: the end
    assert group in tool("groups", "--list").split()
    tool("groups", "--delete-offsets", "--group", group, "--topic", topic)
    tool("groups", "--delete", "--group", group)
    assert group not in tool("groups", "--list").split()


def test_reset_by_duration_in_the_consumer(broker, tool, topic):
    import time

    now = int(time.time() * 1000)
    rows = [dict(value=f"{h} hours ago", partition=0, timestamp=now - h * 3_600_000) for h in (9, 6, 3, 1)]
    confluent.produce(broker.address, topic, rows)
    out = tool(
        "console-consumer", "--topic", topic, "--max-messages", 2, "--timeout-ms", 20000,
        "--command-property", "auto.offset.reset=by_duration:PT4H",
    )
    assert out.splitlines() == ["3 hours ago", "1 hours ago"]


def test_verifiable_producer_and_consumer(tool, topic):
    out = tool("verifiable-producer", "--topic", topic, "--max-messages", 2000, "--throughput", -1)
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    summary = [e for e in events if e["name"] == "tool_data"]
    assert summary[0]["sent"] == summary[0]["acked"] == 2000
    out = tool("verifiable-consumer", "--topic", topic, "--group-id", f"v-{topic}", "--max-messages", 2000)
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert sum(e["count"] for e in events if e["name"] == "records_consumed") == 2000
    assert any(e["name"] == "offsets_committed" and e["success"] for e in events)


def test_what_the_broker_tells_of_itself(broker, tool, topic):
    text = tool("api-versions")
    assert "Produce(0): 0 to" in text.replace("\t", " ") and "UNSUPPORTED" in text
    assert broker.cluster_id in java.run("cluster", "cluster-id", "--bootstrap-server", broker.address).stdout
    confluent.produce(broker.address, topic, [dict(value="x" * 1000, partition=0)])
    text = tool("log-dirs", "--describe", "--topic-list", topic)
    (line,) = [line for line in text.splitlines() if line.startswith("{")]
    (log_dir,) = json.loads(line)["brokers"][0]["logDirs"]
    assert log_dir["error"] is None and log_dir["logDir"] == str(broker.data)
    sizes = {p["partition"]: p["size"] for p in log_dir["partitions"]}
    assert sizes[f"{topic}-0"] > 1000 and sizes[f"{topic}-1"] == 0


class TestDumpLog:
    """DumpLogSegments reads what we wrote and finds nothing wrong with it."""

    BAD = re.compile(r"isvalid: false|Found timestamp mismatch|Non-consecutive|Index mismatch|Mismatches in|out of order|Exception")

    def dump(self, files, *options):
        assert files
        text = java.run("dump-log", "--files", ",".join(map(str, files)), *options).stdout
        assert not self.BAD.search(text), text[-3000:]
        return text

    def test_segments_and_indexes(self, broker, admin, topic_name):
        confluent.create_topic(admin, topic_name, 1, segment_bytes=1048576, index_interval_bytes=4096)
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            rows = [dict(key=str(i), value=f"{codec} {i} " + "x" * 500, headers=[("h", "v")]) for i in range(1000)]
            confluent.produce(broker.address, topic_name, rows, compression_type=codec, enable_idempotence="true")
        confluent.produce(broker.address, topic_name, [dict(value=b"y" * 900_000) for _ in range(3)])
        logs = broker.partition_files(topic_name)
        assert len(logs) > 1  # it rolled
        text = self.dump(logs, "--deep-iteration", "--print-data-log")
        assert len(re.findall(r"^\| offset: ", text, re.M)) == 5003
        for codec in ("GZIP", "SNAPPY", "LZ4", "ZSTD", "NONE"):
            assert f"compresscodec: {codec.lower()}" in text.lower()
        indexes = broker.partition_files(topic_name, ".index") + broker.partition_files(topic_name, ".timeindex")
        assert "entry" in self.dump(indexes) or "offset: " in self.dump(indexes)
        self.dump(broker.partition_files(topic_name, ".index")[:-1], "--index-sanity-check")
        snapshots = broker.partition_files(topic_name, ".snapshot")
        if snapshots:
            assert "producerId" in self.dump(snapshots)

    def test_committed_offsets(self, broker, topic):
        group = f"dump-{topic}"
        confluent.produce(broker.address, topic, [dict(value="x", partition=0)])
        reader = confluent.consumer(broker.address, group=group)
        reader.subscribe([topic])
        confluent.read(reader, 1)
        reader.commit(asynchronous=False)
        reader.close()
        text = self.dump(broker.partition_files("__consumer_offsets"), "--offsets-decoder")
        assert group in text and '"offset":1' in text.replace(" ", "") and f'"{topic}"' in text

    def test_the_metadata_log(self, broker, topic):
        logs = broker.partition_files("__cluster_metadata")
        text = self.dump(logs, "--cluster-metadata-decoder")
        assert "KRaftVersion" in text and "KRaftVoters" in text or "VotersRecord" in text
        assert f'"name":"{topic}"' in text and "PARTITION_RECORD" in text and "REGISTER_BROKER_RECORD" in text
