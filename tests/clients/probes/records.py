"""Produce, Fetch, offsets by time and by epoch, producer IDs."""

import time

from support import wire
from support.probe import NOWHERE
from support.wire import batch

AT = 1_700_000_000_000


def _produce(p, label, name, records, versions=None, id=None, partition=0, acks=-1, transactional_id=None, timeout_ms=5000):
    data = [dict(index=partition, records=records)]
    p.ask(label, "Produce", versions, acks=acks, timeout_ms=timeout_ms, transactional_id=transactional_id,
          topic_data=[dict(name=name, topic_id=id or p.topic_id(name), partition_data=data)])


def produce(p):
    id = p.create("produce", 2)
    ends = [3, 9, 13]

    def ask(label, records, versions=ends, **more):
        _produce(p, label, "produce", records, versions, **{"id": id, **more})

    ask("plain", batch([b"a", b"b"]), None)
    ask("partition 9", batch([b"a"]), None, partition=9)
    ask("partition -1", batch([b"a"]), None, partition=-1)
    _produce(p, "no topic", "produce-none", batch([b"a"]), range(3, 13), id=NOWHERE)
    _produce(p, "no id", "", batch([b"a"]), 13, id=NOWHERE)
    _produce(p, "an internal one", "__transaction_state", batch([b"a"]), [3, 12], id=NOWHERE)
    _produce(p, "bad name", "with space", batch([b"a"]), [3, 12], id=NOWHERE)
    ask("no records", b"")
    ask("an empty batch", batch([]))
    ask("two batches", batch([b"a"]) + batch([b"b"]))
    ask("trailing bytes", batch([b"a"]) + b"\0" * 5)
    ask("cut", batch([b"a" * 100])[:-20])
    ask("half a header", batch([b"a"])[:30])
    ask("eight bytes", batch([b"a"])[:8])
    for label, wrong in {
        "crc": dict(crc=1), "magic 0": dict(magic=0), "magic 1": dict(magic=1), "magic 3": dict(magic=3),
        "count": dict(count=5, last_offset_delta=4), "count 0": dict(count=0), "count -1": dict(count=-1),
        "last offset": dict(last_offset_delta=7), "last offset -1": dict(last_offset_delta=-1),
        "length": dict(length=10), "length -1": dict(length=-1), "length past the end": dict(length=5000),
        "control": dict(attributes=0x20), "transactional": dict(attributes=0x10), "unknown attribute": dict(attributes=0x100),
    }.items():
        ask(f"wrong {label}", batch([b"a", b"b"], **wrong))
    ask("wrong append time", batch([b"a", b"b"], attributes=8), partition=1)
    for acks in (2, -2):
        ask(f"acks {acks}", batch([b"a"]), acks=acks)
    ask("acks 1", batch([b"a"]), acks=1)
    ask("transactional id, plain batch", batch([b"a"]), transactional_id="t", partition=1)
    ask("transactional batch, no id", batch([b"a"], producer=(78, 0), sequence=0, attributes=0x10))
    ask("zero timeout", batch([b"a"]), timeout_ms=0)
    ask("negative timeout", batch([b"a"]), timeout_ms=-1)
    ask("large", batch([b"x" * 1_100_000]), [3, 13])
    now = int(time.time() * 1000)
    ask("an hour and more ahead", batch([b"a"], timestamp=now + 3_700_000), [3, 13])
    ask("half an hour ahead", batch([b"a"], timestamp=now + 1_800_000), [3, 13])
    ask("timestamp -1", batch([b"a"], timestamp=-1), [3, 13])
    ask("timestamp -5", batch([b"a"], timestamp=-5), [3, 13])
    p.ask("no topics", "Produce", [3, 13], acks=-1, timeout_ms=5000, topic_data=[])
    p.ask("end", "ListOffsets", 5, topics=[dict(name="produce", partitions=[dict(partition_index=0, timestamp=-1)])])


def produce_to_other_kinds(p):
    for kind, configs in {
        "limited": dict(max_message_bytes=100), "logtime": dict(message_timestamp_type="LogAppendTime"),
        "strict": dict(message_timestamp_before_max_ms=1000, message_timestamp_after_max_ms=1000),
        "compact": dict(cleanup_policy="compact"), "recoded": dict(compression_type="gzip"), "insync": dict(min_insync_replicas=2),
    }.items():
        name = f"kind-{kind}"
        id = p.create(name, **configs)
        _produce(p, "small", name, batch([b"a"]), [3, 8, 13], id=id)
        _produce(p, "a hundred bytes", name, batch([b"x" * 100, b"y"]), [3, 8, 13], id=id)
        _produce(p, "now", name, batch([b"a"], timestamp=int(time.time() * 1000)), [3, 8, 13], id=id)
        _produce(p, "acks 1", name, batch([b"a"]), [3, 13], id=id, acks=1)
        fetched = dict(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)
        p.ask(f"what {kind} kept", "ListOffsets", 7, topics=[dict(name=name, partitions=[dict(partition_index=0, timestamp=t)]) for t in (-1,)])
        if kind not in ("logtime", "strict", "recoded"):
            p.ask(f"fetched {kind}", "Fetch", 4, max_wait_ms=0, max_bytes=1 << 20, topics=[dict(topic=name, partitions=[fetched])])


def sequences(p):
    id = p.create("sequences", 2)
    producer = p.connection.init_producer_id()

    def ask(label, sequence, values=(b"a",), who=producer, partition=0):
        _produce(p, label, "sequences", batch(list(values), producer=who, sequence=sequence), [13], id=id, partition=partition)

    ask("does not begin at 0", 5)
    ask("begins", 0)
    ask("again", 0)
    ask("again, longer", 0, (b"a", b"b"))
    ask("a gap", 3)
    ask("three", 1, (b"a", b"b", b"c"))
    ask("part of them", 2)
    ask("goes on", 4)
    bumped = (producer[0], producer[1] + 1)
    ask("new epoch, not 0", 7, who=bumped)
    ask("new epoch", 0, who=bumped)
    ask("old epoch", 5)
    ask("epoch too new by two", 0, who=(producer[0], producer[1] + 9))
    ask("unknown producer, in the middle", 8, who=(987654, 3), partition=1)
    ask("unknown producer", 0, who=(987655, 0), partition=1)
    ask("negative sequence", -1, who=(987657, 0), partition=1)
    for i in range(6):
        ask(f"six {i}", i, who=(987658, 0), partition=1)
    for i in range(6):
        ask(f"six again {i}", i, who=(987658, 0), partition=1)
    ask("wraps", 2**31 - 1, who=(987659, 0), partition=1)
    for label, more in {
        "plain": dict(transactional_id=None), "with an epoch": dict(transactional_id=None, producer_id=5, producer_epoch=3),
        "with its own": dict(transactional_id=None, producer_id=producer[0], producer_epoch=producer[1]),
        "zero timeout": dict(transactional_id=None, transaction_timeout_ms=0), "empty": dict(transactional_id=""),
    }.items():
        p.ask(f"init {label}", "InitProducerId", **{"transaction_timeout_ms": 60000, **more})


def _fetch(p, label, name, id, offset=0, versions=None, partition=0, most=1 << 20, epoch=-1, **more):
    wanted = dict(partition=partition, fetch_offset=offset, partition_max_bytes=most, current_leader_epoch=epoch, last_fetched_epoch=-1)
    values = dict(max_wait_ms=0, min_bytes=0, max_bytes=1 << 20, session_epoch=-1)
    return p.ask(label, "Fetch", versions, **{**values, **more}, topics=[dict(topic=name, topic_id=id, partitions=[wanted])])


def fetch(p):
    id = p.create("fetch", 2)
    for i in range(3):
        _produce(p, f"write {i}", "fetch", batch([b"%d" % i] * 3, timestamp=AT + i), 13, id=id)

    def ask(label, versions=(4, 11, 12, 13, 18), **more):
        _fetch(p, label, "fetch", id, versions=versions, **more)

    size = len(batch([b"0"] * 3))
    for version in p.versions("Fetch"):
        ask(f"plain {version}", [version])
    for offset in (1, 3, 8, 9, 10, -1, 2**62):
        ask(f"offset {offset}", offset=offset)
    for most in (0, 1, size - 1, size, size + 1, 2 * size, 3 * size - 1):
        ask(f"partition's most {most}", most=most, versions=[4, 18])
        ask(f"whole most {most}", max_bytes=most, versions=[4, 18])
    ask("partition 7", partition=7)
    ask("partition -1", partition=-1)
    ask("read committed", isolation_level=1)
    for epoch in (0, 1, 77):
        ask(f"leader epoch {epoch}", epoch=epoch)
    ask("rack", rack_id="somewhere", versions=[11, 18])
    ask("read by a debugger", replica_id=-2, versions=[4, 11, 13])
    _fetch(p, "no topic", "fetch-none", NOWHERE, versions=range(4, 13))
    _fetch(p, "no id", "", NOWHERE, versions=range(13, 19))
    _fetch(p, "bad name", "with space", NOWHERE, versions=[4, 12])
    both = [dict(partition=i, fetch_offset=0, partition_max_bytes=1 << 20) for i in (0, 1)]
    topics = [dict(topic="fetch", topic_id=id, partitions=both)]
    p.ask("two partitions", "Fetch", [4, 18], max_wait_ms=0, max_bytes=1 << 20, session_epoch=-1, topics=topics)
    first = [dict(partition=0, fetch_offset=0, partition_max_bytes=1 << 20), dict(partition=0, fetch_offset=3, partition_max_bytes=1 << 20)]
    topics = [dict(topic="fetch", topic_id=id, partitions=first)]
    p.ask("a partition twice", "Fetch", [4, 18], max_wait_ms=0, max_bytes=1 << 20, session_epoch=-1, topics=topics)
    p.ask("no topics", "Fetch", [4, 18], max_wait_ms=0, max_bytes=1 << 20, session_epoch=-1, topics=[])
    ask("diverging", versions=[12, 18], epoch=0)


def fetch_sessions(p):
    id = p.create("session", 3)
    other = p.create("session-2", 1)
    for partition in (0, 2):
        _produce(p, "write", "session", batch([b"x"], timestamp=AT), 13, id=id, partition=partition)

    def ask(label, session=0, epoch=0, partitions=(), forget=(), version=17, max_wait_ms=0, topic=id):
        wanted = [dict(partition=i, fetch_offset=o, partition_max_bytes=1 << 20) for i, o in partitions]
        name = "session" if topic == id else "session-2"
        answer = p.ask(
            label, "Fetch", version, max_wait_ms=max_wait_ms, min_bytes=1, max_bytes=1 << 20, session_id=session, session_epoch=epoch,
            topics=[dict(topic=name, topic_id=topic, partitions=wanted)] if wanted else [],
            forgotten_topics_data=[dict(topic=name, topic_id=topic, partitions=list(forget))] if forget else [],
        )
        return answer.session_id if answer else 0

    for version in (7, 12, 13, 17, 18):
        session = ask(f"opens {version}", 0, 0, [(0, 0), (1, 0)], version=version)
        ask(f"again with the same {version}", session, 1, version=version)
        ask(f"moves on {version}", session, 2, [(0, 1)], version=version)
        ask(f"nothing new {version}", session, 3, version=version)
        ask(f"one more partition {version}", session, 4, [(2, 0)], version=version)
        ask(f"forgets {version}", session, 5, forget=[0, 2], version=version)
        ask(f"forgets what is not there {version}", session, 6, forget=[2, 9], version=version)
        ask(f"out of range {version}", session, 7, [(1, 50)], version=version)
        ask(f"still out of range {version}", session, 8, version=version)
        ask(f"an unknown partition {version}", session, 9, [(9, 0)], version=version)
        ask(f"forgets both {version}", session, 10, forget=[1, 9], version=version)
        ask(f"another topic {version}", session, 11, [(0, 0)], topic=other, version=version)
        ask(f"an old epoch {version}", session, 3, version=version)
        ask(f"a future epoch {version}", session, 30, version=version)
        ask(f"goes on {version}", session, 12, version=version)
        ask(f"ends {version}", session, -1, version=version)
        ask(f"after its end {version}", session, 13, version=version)
    ask("opens empty", 0, 0)
    ask("no session, epoch 1", 0, 1)
    ask("no session, final", 0, -1, [(0, 0)])
    ask("unknown session, epoch 0", 4711, 0, [(0, 0)])
    ask("unknown session, epoch 1", 4711, 1)
    ask("unknown session, final", 4711, -1, [(0, 0)])
    session = ask("opens with names", 0, 0, [(0, 0)], version=12)
    ask("goes on with IDs", session, 1, version=13)
    session = ask("opens with IDs", 0, 0, [(0, 0)], version=13)
    ask("goes on with names", session, 1, version=12)


def offsets(p):
    p.create("offsets", 2)
    id = p.topic_id("offsets")
    for at in (AT + 10, AT + 30, AT + 20):
        _produce(p, "write", "offsets", batch([b"x", b"y"], timestamp=at), 13, id=id)

    def ask(label, timestamp, versions=None, name="offsets", partition=0, epoch=-1, **more):
        wanted = dict(partition_index=partition, timestamp=timestamp, current_leader_epoch=epoch)
        p.ask(label, "ListOffsets", versions, topics=[dict(name=name, partitions=[wanted])], **{"replica_id": -1, "timeout_ms": 1000, **more})

    for timestamp in (*range(-7, 0), 0, AT, AT + 10, AT + 11, AT + 20, AT + 21, AT + 30, AT + 31):
        ask(f"at {timestamp}", timestamp)
        ask(f"at {timestamp}, empty", timestamp, partition=1)
    for version in (2, 11):
        for timestamp in (-1, -2, AT, AT + 31):
            ask(f"committed at {timestamp}", timestamp, version, isolation_level=1)
    ask("partition 7", -1, partition=7)
    ask("partition -1", -1, partition=-1)
    ask("unknown", -1, name="offsets-none")
    ask("bad name", -1, name="with space")
    for epoch in (0, 1, 9):
        ask(f"leader epoch {epoch}", -1, range(4, 12), epoch=epoch)
    ask("asked by a replica", -1, [1, 11], replica_id=5)
    ask("asked by a debugger", -1, [1, 11], replica_id=-2)
    twice = [dict(partition_index=0, timestamp=-1), dict(partition_index=0, timestamp=-2)]
    p.ask("twice", "ListOffsets", replica_id=-1, topics=[dict(name="offsets", partitions=twice)])
    p.ask("no topics", "ListOffsets", replica_id=-1, topics=[])

    def epochs(label, leader_epoch, current=-1, name="offsets", partition=0, replica=-2):
        wanted = dict(partition=partition, current_leader_epoch=current, leader_epoch=leader_epoch)
        p.ask(label, "OffsetForLeaderEpoch", replica_id=replica, topics=[dict(topic=name, partitions=[wanted])])

    for epoch in (-1, 0, 1, 5):
        epochs(f"end of {epoch}", epoch)
        epochs(f"end of {epoch}, empty", epoch, partition=1)
        epochs(f"current {epoch}", 0, current=epoch)
    epochs("unknown", 0, name="offsets-none")
    epochs("partition 7", 0, partition=7)
    epochs("a consumer", 0, replica=-1)
