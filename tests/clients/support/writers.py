"""One way to write and one to read for each client, so that any can be set against any.

A row is (key, value, {header: value}), all text without tabs, commas, colons or line ends.
"""

import json
import re
import subprocess

from support import confluent, java

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def rows(writer, codec, count=60):
    """Rows that compress well, unlike each other."""
    return [
        (f"{writer}/{codec}/{i}", f"{i} " + f"{writer} wrote this with {codec}; " * (i % 40 + 1), {"by": writer, "codec": codec})
        for i in range(count)
    ]


def kcat(address, *arguments, stdin=""):
    command = ["kcat", "-b", address, "-X", "log_level=3", *map(str, arguments)]
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def write_kcat(address, topic, codec, rows):
    headers = [part for name, value in rows[0][2].items() for part in ("-H", f"{name}={value}")]
    lines = "".join(f"{key}\t{value}\n" for key, value, _ in rows)
    kcat(address, "-P", "-t", topic, "-z", codec, "-K", "\t", *headers, stdin=lines)


def write_confluent(address, topic, codec, rows):
    messages = [dict(key=key, value=value, headers=list(headers.items())) for key, value, headers in rows]
    confluent.produce(address, topic, messages, compression_type=codec, linger_ms=5)


def write_kafka_python(address, topic, codec, rows):
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=address, compression_type=None if codec == "none" else codec, linger_ms=5
    )
    sent = [
        producer.send(topic, value.encode(), key.encode(), [(k, v.encode()) for k, v in headers.items()])
        for key, value, headers in rows
    ]
    producer.flush(30)
    assert all(future.get(timeout=10).offset >= 0 for future in sent)
    producer.close()


def write_java(address, topic, codec, rows):
    def line(key, value, headers):
        return ",".join(f"{k}:{v}" for k, v in headers.items()) + f"\t{key}\t{value}\n"

    reader = ("parse.key=true", "parse.headers=true")
    options = [part for option in reader for part in ("--reader-property", option)]
    java.run(
        "console-producer", "--bootstrap-server", address, "--topic", topic, "--compression-codec", codec,
        "--command-property", "linger.ms=5", *options, stdin="".join(line(*row) for row in rows),
    )


WRITERS = {"kcat": write_kcat, "confluent": write_confluent, "kafka-python": write_kafka_python, "java": write_java}


def _frozen(key, value, headers):
    return key, value, tuple(sorted(headers))


def read_kcat(address, topics, count):
    """Every reader gives the rows of some topics, in any order; `count` in all."""
    found = []
    for topic in topics:
        for line in kcat(address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J").splitlines():
            m = json.loads(line)
            flat = m.get("headers", [])
            found.append(_frozen(m["key"], m["payload"], zip(flat[::2], flat[1::2])))
    return found


def read_confluent(address, topics, count):
    client = confluent.consumer(address, group="interop-confluent")
    client.subscribe(list(topics))
    messages = confluent.read(client, count)
    client.close()
    return [
        _frozen(m.key().decode(), m.value().decode(), [(k, v.decode()) for k, v in m.headers()]) for m in messages
    ]


def read_kafka_python(address, topics, count):
    from kafka import KafkaConsumer

    client = KafkaConsumer(
        *topics, bootstrap_servers=address, group_id="interop-kafka-python", auto_offset_reset="earliest",
        consumer_timeout_ms=20000, enable_auto_commit=False,
    )
    found = []
    for m in client:
        found.append(_frozen(m.key.decode(), m.value.decode(), [(k, v.decode()) for k, v in m.headers]))
        if len(found) == count:
            break
    client.close()
    return found


def read_java(address, topics, count):
    shown = ("print.key=true", "print.headers=true", "key.separator=\t", "headers.separator=,")
    options = [part for option in shown for part in ("--formatter-property", option)]
    out = java.run(
        "console-consumer", "--bootstrap-server", address, "--include", "|".join(map(re.escape, topics)),
        "--from-beginning", "--max-messages", count, "--timeout-ms", 20000, *options,
    ).stdout
    found = []
    for line in out.splitlines():
        headers, key, value = line.split("\t")
        found.append(_frozen(key, value, [tuple(part.split(":")) for part in headers.split(",")]))
    return found


READERS = {"kcat": read_kcat, "confluent": read_confluent, "kafka-python": read_kafka_python, "java": read_java}
