"""Coordinators, members of classic groups, committed offsets."""

from support.probe import NOWHERE

GROUP, TRANSACTION, SHARE = 0, 1, 2


def coordinators(p):
    p.coordinator("g")
    for version in p.versions("FindCoordinator"):
        keys = dict(key="g", coordinator_keys=["g"])
        p.ask(f"one {version}", "FindCoordinator", version, key_type=GROUP, **keys)
        p.ask(f"empty key {version}", "FindCoordinator", version, key_type=GROUP, key="", coordinator_keys=[""])
        if version:
            p.ask(f"key type 9 {version}", "FindCoordinator", version, key_type=9, **keys)
            p.ask(f"key type -1 {version}", "FindCoordinator", version, key_type=-1, **keys)
    p.ask("several", "FindCoordinator", [4, 5, 6], key_type=GROUP, coordinator_keys=["a", "b", "a"])
    p.ask("none", "FindCoordinator", [4, 5, 6], key_type=GROUP, coordinator_keys=[])
    p.ask("share", "FindCoordinator", [4, 5], key_type=SHARE, coordinator_keys=["a"])


class _Group:
    """A group's calls, with what they have in common."""

    def __init__(self, p, name, protocol_type="consumer"):
        self.p, self.name, self.type = p, name, protocol_type
        p.coordinator(name)

    def join(self, label, member="", version=9, instance=None, protocols=("range",), session=10000, note=True, **more):
        values = dict(
            group_id=self.name, session_timeout_ms=session, rebalance_timeout_ms=10000, member_id=member, group_instance_id=instance,
            protocol_type=self.type, protocols=[dict(name=n, metadata=n.encode()) for n in protocols], **{**dict(reason=None), **more})
        return self.p.ask(label, "JoinGroup", version, **values) if note else self.p.call("JoinGroup", version, **values)

    def admitted(self, version=9, **more):
        """A member ID, by the two steps that a new member takes."""
        answer = self.join("", version=version, note=False, **more)
        return answer.member_id

    def sync(self, label, member, generation=1, version=5, assignments=None, instance=None, **more):
        if assignments is None:
            assignments = [dict(member_id=member, assignment=b"all")]
        return self.p.ask(label, "SyncGroup", version, **{**dict(
            group_id=self.name, generation_id=generation, member_id=member, group_instance_id=instance, protocol_type=self.type,
            protocol_name="range", assignments=assignments), **more})

    def beat(self, label, member, generation=1, version=None, instance=None):
        self.p.ask(label, "Heartbeat", version, group_id=self.name, generation_id=generation, member_id=member, group_instance_id=instance)

    def leave(self, label, *members, version=5):
        members = [dict(member_id=m, group_instance_id=i, reason=None) for m, i in members]
        self.p.ask(label, "LeaveGroup", version, group_id=self.name, member_id=members[0]["member_id"] if members else "", members=members)

    def shown(self, label="shown"):
        self.p.ask(label, "DescribeGroups", groups=[self.name])
        self.p.ask(label, "DescribeGroups", [3, 6], groups=[self.name], include_authorized_operations=True)

    def commit(self, label, topic, offset=5, generation=-1, member="", versions=None, id=NOWHERE, partition=0, metadata="m", instance=None, **more):
        wanted = dict(partition_index=partition, committed_offset=offset, committed_metadata=metadata, committed_leader_epoch=3)
        self.p.ask(label, "OffsetCommit", versions, **{**dict(
            group_id=self.name, generation_id_or_member_epoch=generation, member_id=member, group_instance_id=instance, retention_time_ms=-1,
            topics=[dict(name=topic, topic_id=id, partitions=[wanted])]), **more})

    def fetched(self, label, topic, partitions=(0, 1), id=NOWHERE, versions=None, everything=False, group=None, **more):
        wanted = dict(name=topic, partition_indexes=list(partitions))
        topics = None if everything else [wanted]
        group = self.name if group is None else group
        one = dict(group_id=group, member_id=None, member_epoch=-1, topics=topics and [dict(wanted, topic_id=id)])
        if versions is None:
            versions = [v for v in self.p.versions("OffsetFetch") if v >= 2 or not everything]
        self.p.ask(label, "OffsetFetch", versions, group_id=group, topics=topics, groups=[{**one, **more}], require_stable=True)


def life(p):
    for version in p.versions("JoinGroup"):
        g = _Group(p, f"life-{version}")
        member = g.join(f"joins {version}", version=version).member_id
        if version >= 4:
            g.join(f"joins with its ID {version}", member, version)
        g.shown(f"joined {version}")
        g.sync(f"syncs {version}", member, version=min(version, 5))
        g.sync(f"syncs again {version}", member, version=min(version, 5))
        g.beat(f"beats {version}", member)
        g.shown(f"stable {version}")
        g.join(f"joins again, the same {version}", member, version)
        g.leave(f"leaves {version}", (member, None), version=min(version, 5))
        g.leave(f"leaves again {version}", (member, None), version=min(version, 5))
        g.shown(f"empty {version}")


def members(p):
    g = _Group(p, "members")
    member = g.admitted()
    g.join("a wrong ID", "stranger")
    g.join("no protocols", member, protocols=())
    g.join("a session too short", member, session=1)
    g.join("a session too long", member, session=100_000_000)
    g.join("a session of 0", member, session=0)
    g.join("a negative session", member, session=-1)
    g.beat("not joined yet", member)
    g.sync("not joined yet", member)
    g.leave("before it joined", (member, None))
    member = g.admitted()
    g.join("joins", member, protocols=("range", "roundrobin"))
    g.beat("joined", member)
    for label, m, generation in (("stranger", "stranger", 1), ("old", member, 0), ("new", member, 2), ("no one", "", 1), ("-1", member, -1)):
        g.beat(f"beat of {label}", m, generation)
        for version in p.versions("SyncGroup"):
            g.sync(f"sync of {label} {version}", m, generation, version)
    g.sync("another protocol", member, protocol_name="other")
    g.sync("another type", member, protocol_type="connect")
    g.sync("no protocol", member, protocol_name=None, protocol_type=None)
    g.beat("stable", member)
    other = _Group(p, "members", "connect")
    stranger = other.join("of another type").member_id
    other.join("of another type, with an ID", stranger)
    _Group(p, "members").join("with other protocols", protocols=("sticky",))
    p.ask("empty group", "JoinGroup", 9, group_id="", session_timeout_ms=10000, rebalance_timeout_ms=10000, member_id="",
          protocol_type="consumer", protocols=[dict(name="range", metadata=b"")], reason=None)
    p.ask("empty type", "JoinGroup", 9, group_id="typeless", session_timeout_ms=10000, rebalance_timeout_ms=10000, member_id="",
          protocol_type="", protocols=[dict(name="range", metadata=b"")], reason=None)
    none = _Group(p, "members-none")
    none.beat("no group", "x")
    none.sync("no group", "x")
    none.leave("no group", ("x", None))
    none.leave("no group", ("x", None), version=0)
    none.join("no group, with an ID", "x")
    none.shown("no group")
    g.leave("some", (member, None), ("stranger", None))
    g.leave("nobody")
    p.ask("empty group", "Heartbeat", group_id="", generation_id=1, member_id="x")
    p.ask("empty group", "SyncGroup", 5, group_id="", generation_id=1, member_id="x", protocol_type="consumer", protocol_name="range", assignments=[])
    p.ask("empty group", "LeaveGroup", 5, group_id="", members=[dict(member_id="x", reason=None)])
    p.ask("empty group", "DescribeGroups", groups=[""])


def static_members(p):
    g = _Group(p, "static")
    for version in (5, 9):
        g = _Group(p, f"static-{version}")
        first = g.join(f"joins {version}", version=version, instance="one").member_id
        g.sync(f"syncs {version}", first, instance="one")
        g.beat(f"beats {version}", first, instance="one")
        g.beat(f"beats as another {version}", first, instance="two")
        g.beat(f"beats with a wrong ID {version}", "wrong", instance="one")
        g.shown(f"shown {version}")
        second = g.join(f"comes back {version}", version=version, instance="one").member_id
        g.beat(f"the first beats {version}", first, instance="one", version=4)
        g.sync(f"the first syncs {version}", first, instance="one")
        g.commit(f"the first commits {version}", "static-none", generation=1, member=first, instance="one", versions=[7, 9])
        g.join(f"the first joins {version}", first, version=version, instance="one")
        g.beat(f"the second beats {version}", second, instance="one", version=4)
        g.sync(f"the second syncs {version}", second, instance="one", version=5)
        g.leave(f"the first leaves {version}", (first, "one"))
        g.leave(f"an unknown one leaves {version}", ("", "nobody"))
        g.leave(f"leaves by its name {version}", ("", "one"))
        g.shown(f"empty {version}")


def offsets(p):
    id = p.create("committed", 2)
    g = _Group(p, "offsets")
    g.fetched("before", "committed", id=id)
    g.fetched("all before", "committed", id=id, everything=True)
    g.commit("simple", "committed", id=id)
    g.commit("simple with a member", "committed", id=id, member="x")
    g.commit("generation 0", "committed", id=id, generation=0, member="x")
    g.commit("generation 5", "committed", id=id, generation=5, member="")
    g.commit("partition 9", "committed", id=id, partition=9)
    g.commit("partition -1", "committed", id=id, partition=-1)
    g.commit("no topic", "committed-none", versions=range(2, 10))
    g.commit("no id", "", versions=[10])
    g.commit("bad name", "with space", versions=range(2, 10))
    g.commit("negative offset", "committed", id=id, offset=-5, partition=1)
    g.commit("null metadata", "committed", id=id, metadata=None)
    g.commit("empty metadata", "committed", id=id, metadata="")
    g.commit("long metadata", "committed", id=id, metadata="x" * 5000)
    g.commit("longest metadata", "committed", id=id, metadata="x" * 4096)
    g.commit("empty group", "committed", id=id, group_id="")
    g.commit("no topics", "committed", topics=[])
    g.fetched("after", "committed", id=id)
    g.fetched("all after", "committed", id=id, everything=True)
    g.fetched("partition 9", "committed", (9, 0), id=id)
    g.fetched("no topic", "committed-none", versions=range(1, 10))
    g.fetched("no id", "", versions=[10])
    g.fetched("nobody's", "committed", id=id, group="nobody")
    g.fetched("nobody's all", "committed", id=id, group="nobody", everything=True)
    g.fetched("empty group", "committed", id=id, group="")
    g.fetched("by a stranger", "committed", id=id, versions=[9, 10], member_id="x", member_epoch=5)
    g.fetched("by no one", "committed", id=id, versions=[9, 10], member_id="", member_epoch=-1)
    p.ask("several groups", "OffsetFetch", [8, 9], groups=[dict(group_id=n, topics=None, member_id=None, member_epoch=-1) for n in ("offsets", "nobody")], require_stable=False)
    p.ask("a group twice", "OffsetFetch", [8, 9], groups=[dict(group_id=n, topics=None, member_id=None, member_epoch=-1) for n in ("offsets", "offsets")], require_stable=False)
    p.ask("no group", "OffsetFetch", [8, 9, 10], groups=[], require_stable=False)
    g.shown()
    member = g.admitted()
    g.join("joins", member)
    g.sync("syncs", member)
    g.commit("a member", "committed", id=id, offset=9, generation=1, member=member)
    g.commit("a member, wrong generation", "committed", id=id, generation=2, member=member)
    g.commit("a member, generation -1", "committed", id=id, generation=-1, member=member)
    g.commit("a stranger", "committed", id=id, generation=1, member="x")
    g.commit("a simple consumer in a live group", "committed", id=id)
    g.commit("a member and another's name", "committed", id=id, generation=1, member=member, instance="one", versions=[7, 10])
    g.fetched("after the member", "committed", id=id)
    delete = lambda label, group, topic, *parts: p.ask(  # noqa: E731
        label, "OffsetDelete", 0, group_id=group, topics=[dict(name=topic, partitions=[dict(partition_index=i) for i in parts])])
    delete("in a live group", "offsets", "committed", 0)
    g.leave("leaves", (member, None))
    delete("unknown topic", "offsets", "committed-none", 0)
    delete("nobody's", "nobody", "committed", 0)
    delete("empty group", "", "committed", 0)
    delete("partition 9", "offsets", "committed", 9)
    delete("two", "offsets", "committed", 0, 1)
    delete("again", "offsets", "committed", 0)
    g.fetched("after deletion", "committed", id=id)


def listed_and_deleted(p):
    p.create("listed")
    simple, empty, live = _Group(p, "listed-simple"), _Group(p, "listed-empty"), _Group(p, "listed-live", "connect")
    simple.commit("commits", "listed", versions=[8])
    for g in (empty, live):
        member = g.admitted()
        g.join("joins", member)
        g.sync("syncs", member)
        if g is empty:
            g.leave("leaves", (member, None))

    def ask(label, states=(), types=(), versions=None):
        p.ask(label, "ListGroups", versions, states_filter=list(states), types_filter=list(types))

    ask("all")
    for state in ("Stable", "stable", "Empty", "Dead", "PreparingRebalance", "Nonsense"):
        ask(f"state {state}", [state], versions=[4, 5])
    for kind in ("classic", "Classic", "consumer", "share", "nonsense"):
        ask(f"type {kind}", (), [kind], versions=[5])
    simple.shown()
    empty.shown()
    live.shown()
    p.ask("several", "DescribeGroups", groups=["listed-simple", "listed-none", "listed-simple"])
    p.ask("nothing", "DescribeGroups", groups=[])
    for label, *names in (("live", "listed-live"), ("nobody", "listed-none"), ("empty name", ""), ("two", "listed-simple", "listed-none"),
                          ("twice", "listed-empty", "listed-empty"), ("again", "listed-empty"), ("nothing",)):
        p.ask(label, "DeleteGroups", groups_names=names)
    ask("left")
