"""Metadata, topics, configuration, the cluster."""

import struct

from support import api
from support.probe import NOWHERE


def metadata(p):
    id = p.create("metadata", 2)
    ask = lambda label, topics, **more: p.ask(label, "Metadata", topics=topics, **more)  # noqa: E731
    quiet = dict(allow_auto_topic_creation=False)
    ask("one", [dict(name="metadata")], **quiet)
    ask("none", [], **quiet)
    ask("all", None, **quiet)
    ask("twice the same", [dict(name="metadata"), dict(name="metadata")], **quiet)
    p.ask("unknown", "Metadata", range(4, 14), topics=[dict(name="metadata-none")], **quiet)
    for bad in ("", "with space", "x" * 250, ".", ".."):
        p.ask(f"bad name {bad[:10]!r}", "Metadata", topics=[dict(name=bad)])
        p.ask(f"bad name {bad[:10]!r}, quiet", "Metadata", range(4, 14), topics=[dict(name=bad)], **quiet)
    p.ask("null name", "Metadata", range(10, 14), topics=[dict(name=None)], **quiet)
    p.ask("by id", "Metadata", range(10, 14), topics=[dict(name=None, topic_id=id)], **quiet)
    p.ask("by id and name", "Metadata", range(10, 14), topics=[dict(name="metadata", topic_id=id)], **quiet)
    p.ask("by id and another name", "Metadata", range(12, 14), topics=[dict(name="other", topic_id=id)], **quiet)
    p.ask("by id, creating", "Metadata", range(10, 14), topics=[dict(name=None, topic_id=NOWHERE)], allow_auto_topic_creation=True)
    p.ask("by unknown id", "Metadata", range(12, 14), topics=[dict(name=None, topic_id=NOWHERE)], **quiet)
    mixed = [dict(name=None, topic_id=id), dict(name=None, topic_id=NOWHERE)]
    p.ask("by known and unknown id", "Metadata", range(12, 14), topics=mixed, **quiet)
    p.ask("ids and names mixed", "Metadata", range(12, 14), topics=[dict(name="metadata"), *mixed], **quiet)
    p.ask("operations", "Metadata", range(8, 14), topics=[dict(name="metadata"), dict(name="metadata-none")],
          include_topic_authorized_operations=True, include_cluster_authorized_operations=True, **quiet)
    p.call("Metadata", 9, topics=[dict(name="metadata-made")], allow_auto_topic_creation=True)
    p.until_served("metadata-made")
    p.ask("created by asking, seen", "Metadata", 9, topics=[dict(name="metadata-made")], **quiet)
    p.create("metadata.dotted")
    p.call("Metadata", 9, topics=[dict(name="metadata_dotted")], allow_auto_topic_creation=True)
    p.ask("colliding, seen", "Metadata", 9, topics=[dict(name="metadata_dotted")], **quiet)
    p.ask("an internal one", "Metadata", 9, topics=[dict(name="__transaction_state")], **quiet)
    p.ask("an internal one that looks so", "Metadata", 9, topics=[dict(name="__other")], **quiet)


def partitions_described(p):
    p.create("described-a", 3)
    p.create("described-b", 2)
    p.create("described-c")
    three = [dict(name=f"described-{x}") for x in "cab"]

    def ask(label, topics=three, limit=100, cursor=None):
        cursor = cursor and dict(topic_name=cursor[0], partition_index=cursor[1])
        p.ask(label, "DescribeTopicPartitions", topics=topics, response_partition_limit=limit, cursor=cursor)

    ask("three")
    ask("one", three[:1])
    ask("unknown", [dict(name="described-none")])
    ask("bad name", [dict(name="with space")])
    ask("empty name", [dict(name="")])
    ask("twice", [three[0], three[0]])
    for limit in (-1, 0, 1, 2, 3, 4, 5, 6):
        ask(f"limit {limit}", limit=limit)
    for cursor in (("described-a", 0), ("described-a", 2), ("described-a", 3), ("described-b", 1), ("described-bb", 0),
                   ("described-bb", 1), ("described-z", 0), ("", 0), ("described-a", -1), ("described-a", 99)):
        ask(f"from {cursor}", cursor=cursor)
    for cursor in (("described-b", 1), ("described-bb", 1), ("", 0), ("described-b", -1)):
        ask(f"all from {cursor}", [], limit=1, cursor=cursor)
    ask("all, limit 4", [], limit=4, cursor=("described-a", 0))
    ask("from b, 1, limit 1", cursor=("described-b", 1), limit=1)
    ask("unknown among", [*three, dict(name="described-aa")], limit=4)
    ask("unknown, from behind it", [dict(name="described-aa")], cursor=("described-b", 0))


def _topic(name, partitions=1, replicas=1, assignments=(), **configs):
    return dict(
        name=name, num_partitions=partitions, replication_factor=replicas,
        assignments=[dict(partition_index=i, broker_ids=b) for i, b in assignments],
        configs=[dict(name=key.replace("_", "."), value=value) for key, value in configs.items()],
    )


def topics_created(p):
    def ask(label, *topics, versions=None, validate_only=False):
        p.ask(label, "CreateTopics", versions, topics=list(topics), timeout_ms=30000, validate_only=validate_only)

    for version in p.versions("CreateTopics"):
        ask(f"plain {version}", _topic(f"created-{version}", 2, retention_ms="77"), versions=version)
    ask("again", _topic("created-2"))
    ask("none at all")
    ask("defaults", _topic("created-default", -1, -1), versions=4)
    ask("defaults, only checked", _topic("created-checked", -1, -1), validate_only=True)
    ask("counted, only checked", _topic("created-checked", 3, 1, segment_bytes="2000000"), validate_only=True)
    ask("-1 partitions, 1 replica", _topic("created-checked", -1, 1), validate_only=True)
    ask("exists, only checked", _topic("created-2"), validate_only=True)
    bad = lambda label, *topics: ask(label, *topics, versions=[5, 7], validate_only=False)  # noqa: E731
    for count in (0, -2):
        bad(f"{count} partitions", _topic("created-bad", count))
        bad(f"{count} replicas", _topic("created-bad", 1, count))
    bad("2 replicas", _topic("created-bad", 1, 2))
    bad("32768 replicas less one", _topic("created-bad", 1, 32767))
    bad("assigned and counted", _topic("created-bad", 1, 1, [(0, [1])]))
    bad("assigned and counted partitions", _topic("created-bad", 1, -1, [(0, [1])]))
    bad("assigned and replicas", _topic("created-bad", -1, 1, [(0, [1])]))
    ask("assigned", _topic("created-assigned", -1, -1, [(0, [1]), (1, [1])]), versions=7)
    bad("assigned to nobody", _topic("created-bad", -1, -1, [(0, [])]))
    bad("assigned to a stranger", _topic("created-bad", -1, -1, [(0, [9])]))
    bad("assigned twice to one", _topic("created-bad", -1, -1, [(0, [1, 1])]))
    bad("assigned with a hole", _topic("created-bad", -1, -1, [(0, [1]), (2, [1])]))
    bad("assigned, not from 0", _topic("created-bad", -1, -1, [(1, [1])]))
    bad("assigned, one partition twice", _topic("created-bad", -1, -1, [(0, [1]), (0, [1])]))
    bad("assigned, negative", _topic("created-bad", -1, -1, [(-1, [1])]))
    bad("two of a name", _topic("created-bad"), _topic("created-bad"))
    bad("two of a name and another", _topic("created-bad"), _topic("created-bad", 3), _topic("created-bad", 0), _topic("with space"))
    bad("a bad one among", _topic("created-bad", 0), _topic("created-2"))
    for name in ("", ".", "..", "with space", "x" * 250, "a/b", "ü", "a:b"):
        bad(f"name {name[:10]!r}", _topic(name))
    ask("249 letters", _topic("x" * 249), versions=7)
    p.create("created.2")
    ask("collides", _topic("created_2"), versions=7)
    ask("collides among themselves", _topic("created.new_x"), _topic("created_new.x"), versions=7)
    ask("an internal one", _topic("__share_group_state"), versions=7, validate_only=True)
    ask("the metadata log", _topic("__cluster_metadata"), versions=7, validate_only=True)
    for label, configs in {
        "unknown": dict(no_such="1"), "no number": dict(retention_ms="soon"), "out of range": dict(segment_bytes="1"),
        "bad choice": dict(cleanup_policy="shred"), "empty": dict(cleanup_policy=""), "null": dict(retention_ms=None),
        "broker's name": dict(log_retention_ms="1"), "spaces": dict(retention_ms=" 5000 "),
        "two choices": dict(cleanup_policy="compact,delete"), "twice a choice": dict(cleanup_policy="delete,delete"),
        "bad codec": dict(compression_type="rar"), "codec": dict(compression_type="zstd", compression_zstd_level="3"),
        "bad level": dict(compression_zstd_level="99"), "bad pair": dict(min_compaction_lag_ms="10", max_compaction_lag_ms="5"),
        "double": dict(min_cleanable_dirty_ratio="0.25"), "bad double": dict(min_cleanable_dirty_ratio="1.5"),
        "boolean": dict(preallocate="TRUE"), "bad boolean": dict(preallocate="yes"),
        "remote": dict(remote_storage_enable="true"), "insync": dict(min_insync_replicas="5"),
        "bad insync": dict(min_insync_replicas="0"), "below": dict(retention_ms="-2"), "format": dict(message_format_version="2.0"),
        "throttled": dict(leader_replication_throttled_replicas="*"), "bad throttled": dict(leader_replication_throttled_replicas="x"),
        "time type": dict(message_timestamp_type="LogAppendTime"), "bad time type": dict(message_timestamp_type="logappendtime"),
        "local retention": dict(local_retention_ms="5", retention_ms="3"),
    }.items():
        ask(f"config {label}", _topic("created-config", **configs), versions=[5, 7], validate_only=True)
    twice = dict(_topic("created-config"), configs=[dict(name="retention.ms", value="1"), dict(name="retention.ms", value="2")])
    ask("config twice", twice, versions=7, validate_only=True)


def partitions_created(p):
    p.create("grown")

    def ask(label, *topics, validate_only=False, versions=None):
        made = [
            dict(name=n, count=c, assignments=None if a is None else [dict(broker_ids=ids) for ids in a])
            for n, c, a in topics
        ]
        p.ask(label, "CreatePartitions", versions, topics=made, timeout_ms=30000, validate_only=validate_only)

    ask("only checked", ("grown", 3, None), validate_only=True)
    for version in p.versions("CreatePartitions"):
        ask(f"one more {version}", ("grown", 2 + version, None), versions=version)
    for count in (5, 4, 1, 0, -1):
        ask(f"to {count}", ("grown", count, None))
    ask("assigned", ("grown", 7, [[1], [1]]), versions=3)
    ask("assigned too few", ("grown", 9, [[1]]))
    ask("assigned too many", ("grown", 8, [[1], [1]]))
    ask("assigned to nobody", ("grown", 8, [[]]))
    ask("assigned to a stranger", ("grown", 8, [[7]]))
    ask("assigned twice to one", ("grown", 8, [[1, 1]]))
    ask("assignments empty", ("grown", 8, []))
    ask("unknown", ("grown-none", 8, None))
    ask("bad name", ("with space", 8, None))
    ask("twice", ("grown", 9, None), ("grown", 10, None))
    ask("twice and another", ("grown", 9, None), ("grown", 10, None), ("grown-none", 2, None))
    ask("nothing")
    p.ask("after all", "Metadata", 9, topics=[dict(name="grown")], allow_auto_topic_creation=False)


def topics_deleted(p):
    ids = {name: p.create(name) for name in (f"deleted-{i}" for i in range(12))}
    versions = p.versions("DeleteTopics")

    def ask(label, *topics, versions=None):
        names = [t.get("name") for t in topics]
        p.ask(label, "DeleteTopics", versions, topic_names=names, topics=list(topics), timeout_ms=30000)

    for version in versions:
        ask(f"by name {version}", dict(name=f"deleted-{version}"), versions=version)
    ask("again", dict(name="deleted-1"))
    ask("bad name", dict(name="with space"))
    ask("empty name", dict(name=""))
    ask("twice", dict(name="deleted-7"), dict(name="deleted-7"))
    ask("nothing")
    last = [6]
    ask("by id", dict(name=None, topic_id=ids["deleted-8"]), versions=last)
    ask("by id again", dict(name=None, topic_id=ids["deleted-8"]), versions=last)
    ask("by unknown id", dict(name=None, topic_id=NOWHERE), versions=last)
    ask("by both", dict(name="deleted-9", topic_id=ids["deleted-9"]), versions=last)
    ask("by nothing", dict(name=None), versions=last)
    ask("by two nothings", dict(name=None), dict(name=None), versions=last)
    ask("by id twice", dict(name=None, topic_id=ids["deleted-9"]), dict(name=None, topic_id=ids["deleted-9"]), versions=last)
    ask("some", dict(name="deleted-10"), dict(name="deleted-none"), dict(name=None, topic_id=NOWHERE), versions=last)
    left = [dict(name=name) for name in ids]
    p.ask("left", "Metadata", 9, topics=left, allow_auto_topic_creation=False)


def cluster(p):
    for kind in (1, 2, 3, 0):
        p.ask(f"endpoint type {kind}", "DescribeCluster", endpoint_type=kind)
    p.ask("operations", "DescribeCluster", include_cluster_authorized_operations=True, endpoint_type=1)
    p.ask("fenced ones too", "DescribeCluster", [2], include_fenced_brokers=True, endpoint_type=1)
    p.ask("api versions", "ApiVersions", [0, 1, 2])
    software = dict(client_software_name="probe", client_software_version="1.0")
    p.ask("api versions", "ApiVersions", [3, 4], **software)
    for name, version in (("", "1"), ("probe", ""), ("pro be", "1"), ("probe-", "1"), ("-probe", "1"), ("probe", "1_0"),
                          ("p.r-o", "1.0-x.y"), ("p", "1"), ("x" * 300, "1")):
        software = dict(client_software_name=name, client_software_version=version)
        data = api.exchange(p.connection, "ApiVersions", 3, **software)
        p.note(f"software {name[:9]!r} {version!r}", 3, struct.unpack_from(">h", data, 4))


def log_dirs(p):
    p.create("dirs", 2)
    for label, topics in {
        "two": [dict(topic="dirs", partitions=[0, 1])], "one": [dict(topic="dirs", partitions=[1])],
        "none": [dict(topic="dirs", partitions=[])], "no topic": [], "unknown": [dict(topic="dirs-none", partitions=[0])],
        "unknown partition": [dict(topic="dirs", partitions=[0, 9])], "twice": [dict(topic="dirs", partitions=[0, 0])],
        "bad name": [dict(topic="with space", partitions=[0])],
    }.items():
        p.ask(label, "DescribeLogDirs", topics=topics)


def replicas_moved(p):
    p.create("moved", 2)
    here, nowhere = str(p.server.data), "/no/such/directory"
    for label, dirs in {
        "where it is": [(here, "moved", [0, 1])], "no directory": [(nowhere, "moved", [0])], "unknown": [(here, "moved-none", [0])],
        "unknown partition": [(here, "moved", [9])], "unknown, no directory": [(nowhere, "moved-none", [0])],
        "long name": [(here, "x" * 230, [0])], "twice": [(here, "moved", [0, 0])], "nothing": [], "no partition": [(here, "moved", [])],
        "two of a kind": [(here, "moved", [0]), (nowhere, "moved", [1])], "bad name": [(here, "with space", [0])],
        "empty path": [("", "moved", [0])], "relative": [("data", "moved", [0])], "with a slash": [(here + "/", "moved", [0])],
        "negative": [(here, "moved", [-1])], "to two places": [(nowhere, "moved", [0]), (here, "moved", [0])],
        "to two places, the other way": [(here, "moved", [0]), (nowhere, "moved", [0])],
    }.items():  # fmt: skip
        wanted = [dict(path=path, topics=[dict(name=name, partitions=indexes)]) for path, name, indexes in dirs]
        p.ask(label, "AlterReplicaLogDirs", dirs=wanted)
