"""Questions to a broker, and its answers in a form that can be set against another broker's.

Of an answer stays what the two have to agree on: fields at their schema's default are left out, IDs
become numbers in the order in which they are seen, and texts for people are not compared.
"""

import json
import re
import time
import uuid
import zlib

from support import api
from support.confluent import wait_for
from support.wire import Connection

NOWHERE = uuid.UUID(int=0xABCDEF)
_MEMBER = re.compile(r"(?<=-)(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[A-Za-z0-9_-]{22})$")
_LEFT_OUT = {
    "throttle_time_ms", "finalized_features_epoch", "error_message", "message", "batch_index_error_message",
    "documentation", "topic_config_error_message",
}  # fmt: skip
_DAY_MS = 86_400_000
_SET_FOR_TOPIC = 1
# Advertised for librdkafka's sake only, or not stable.
_LOWEST = {"Produce": 3}
_HIGHEST = {"InitProducerId": 5}


class Prober:
    """Asks one broker, and notes [question, versions, answer]."""

    def __init__(self, server, timeout=20):
        self.server, self.timeout = server, timeout
        self.connection = Connection(server.port, timeout)
        self.advertised = self.connection.api_versions()
        self.noted, self.ids, self.topic_ids = [], {}, {NOWHERE: "nowhere"}

    def close(self):
        self.connection.socket.close()

    def versions(self, name):
        low, high = self.advertised.get(api.message(f"{name}Request").API_KEY, (0, -1))
        return range(max(low, _LOWEST.get(name, 0)), min(high, _HIGHEST.get(name, high)) + 1)

    def ask(self, label, name, versions=None, **values):
        """Asks in every advertised version, or in the given ones; gives the last response (None: no answer)."""
        response = None
        if isinstance(versions, int):
            versions = [versions]
        for version in self.versions(name) if versions is None else versions:
            response = self.call(name, version, **values)
            self.note(f"{name}: {label}", version, response if isinstance(response, str) else plain(response, self))
        return None if isinstance(response, str) else response

    def call(self, name, version, **values):
        """Asks without a note. A string is what the connection did instead of answering."""
        try:
            return api.call(self.connection, name, version, **values)
        except (EOFError, OSError) as error:
            self.connection.socket.close()
            self.connection = Connection(self.server.port, self.timeout)
            return "silence" if isinstance(error, TimeoutError) else "closed"

    def note(self, question, version, answer):
        answer = json.loads(json.dumps(answer))
        if self.noted and self.noted[-1][0] == question and self.noted[-1][2] == answer:
            self.noted[-1][1].append(version)
        else:
            self.noted.append([question, [version], answer])

    def number(self, id):
        return f"<{self.ids.setdefault(id, len(self.ids) + 1)}>"

    def topic_id(self, name):
        answer = api.call(self.connection, "Metadata", 12, topics=[dict(name=name)], allow_auto_topic_creation=False)
        self.topic_ids[answer.topics[0].topic_id] = f"id of {name}"
        return answer.topics[0].topic_id

    def create(self, name, partitions=1, **configs):
        """A topic that is served; its ID."""
        configs = [dict(name=key.replace("_", "."), value=str(value)) for key, value in configs.items()]
        wanted = dict(name=name, num_partitions=partitions, replication_factor=1, assignments=[], configs=configs)
        answer = self.call("CreateTopics", 7, topics=[wanted], timeout_ms=30000, validate_only=False)
        assert answer.topics[0].error_code == 0, answer
        self.until_served(name, partitions)
        return self.topic_id(name)

    def until_served(self, name, partitions=1):
        topics = [dict(name=name, partitions=[dict(partition_index=p, timestamp=-1) for p in range(partitions)])]

        def served():
            answer = self.call("ListOffsets", 1, replica_id=-1, topics=topics)
            return all(p.error_code == 0 for p in answer.topics[0].partitions)

        wait_for(served)

    def coordinator(self, group):
        """Waits until the group's coordinator has read its offsets."""

        def ready():
            found = self.call("FindCoordinator", 4, key_type=0, coordinator_keys=[group])
            offsets = self.call("OffsetFetch", 8, groups=[dict(group_id=group, topics=None)], require_stable=False)
            return found.coordinators[0].error_code == 0 == offsets.groups[0].error_code

        wait_for(ready)


def plain(value, prober, name=""):
    """A response, or a part of it, made comparable."""
    if hasattr(value, "_struct"):
        return _structure(value, prober)
    if isinstance(value, (list, tuple, set)):
        items = [plain(item, prober, name) for item in value if _tells(item)]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, str):
        return _text(value, prober)
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        return data.hex() if len(data) < 250 else f"{len(data)} bytes, CRC {zlib.crc32(data)}"
    return _scalar(value, prober, name)


def _structure(value, prober):
    left_out = _LEFT_OUT | ({"log_start_offset"} if getattr(value, "error_code", 0) else set())
    fields = [f for f in value._struct.fields.values() if f.name not in left_out]
    found = {f.name: getattr(value, f.name) for f in fields if getattr(value, f.name) != f.default}
    return {key: plain(held, prober, key) for key, held in found.items()}


def _tells(item):
    """Of a created topic's configuration only what was asked for."""
    return type(item).__name__ != "CreatableTopicConfigs" or item.config_source == _SET_FOR_TOPIC


def _scalar(value, prober, name):
    if isinstance(value, uuid.UUID):
        return prober.topic_ids.get(value, "an id")
    if name == "port" and value == prober.server.port:
        return "its port"
    if name in ("producer_id", "session_id") and value > 0:
        return prober.number(value)
    if name in ("total_bytes", "usable_bytes") and value > 0:
        return "some"
    if isinstance(value, int) and abs(value - time.time() * 1000) < _DAY_MS:
        return "now"
    return value


def _text(value, prober):
    value = value.replace(prober.server.cluster_id, "its cluster").replace(str(prober.server.directory), "its directory")
    value = _MEMBER.sub(lambda found: prober.number(found[0]), value)
    return value if len(value) < 200 else f"{value[0]} and so on, {len(value)} letters"
