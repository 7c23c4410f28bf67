"""DescribeConfigs, IncrementalAlterConfigs, AlterConfigs."""

TOPIC, BROKER, LOGGER = 2, 4, 8
SET, DELETE, APPEND, SUBTRACT = range(4)


def _alter(p, label, name, *changes, kind=TOPIC, validate_only=False, versions=None):
    changes = [dict(name=n, config_operation=op, value=v) for op, n, v in changes]
    p.ask(label, "IncrementalAlterConfigs", versions, validate_only=validate_only,
          resources=[dict(resource_type=kind, resource_name=name, configs=changes)])


def _shown(p, label, name, *keys, kind=TOPIC, versions=(4,), **more):
    wanted = dict(resource_type=kind, resource_name=name, configuration_keys=list(keys) or None)
    p.ask(label, "DescribeConfigs", versions, resources=[wanted], **more)


def described(p):
    p.create("conf", retention_ms=5000, cleanup_policy="compact")
    keys = ("retention.ms", "cleanup.policy", "segment.bytes", "compression.type", "flush.ms", "preallocate")
    versions = p.versions("DescribeConfigs")
    _shown(p, "some", "conf", *keys, versions=versions)
    _shown(p, "some with synonyms", "conf", *keys, versions=versions, include_synonyms=True)
    _shown(p, "unknown keys", "conf", "no.such", "retention.ms", versions=versions)
    _shown(p, "no keys", "conf", "", versions=versions)
    _shown(p, "no topic", "conf-none", versions=versions)
    _shown(p, "bad name", "with space", versions=versions)
    _shown(p, "empty name", "", versions=versions)
    wanted = dict(resource_type=TOPIC, resource_name="conf", configuration_keys=[])
    p.ask("an empty list of keys", "DescribeConfigs", resources=[wanted])
    some = dict(resource_type=TOPIC, resource_name="conf", configuration_keys=["retention.ms"])
    p.ask("twice", "DescribeConfigs", resources=[some, some])
    p.ask("nothing", "DescribeConfigs", resources=[])
    _shown(p, "all", "conf")
    _shown(p, "documented", "conf", "retention.ms", include_documentation=True)
    keys = ("node.id", "log.retention.hours", "log.retention.ms", "num.io.threads", "ssl.keystore.password", "log.cleaner.threads",
            "message.max.bytes", "log.segment.bytes", "offsets.topic.num.partitions", "process.roles", "min.insync.replicas",
            "auto.create.topics.enable", "log.dirs", "compression.type", "group.min.session.timeout.ms")
    for synonyms in (False, True):
        _shown(p, f"broker, synonyms {synonyms}", "1", *keys, kind=BROKER, versions=versions, include_synonyms=synonyms)
    _shown(p, "broker default", "", kind=BROKER, versions=versions)
    _shown(p, "another broker", "7", kind=BROKER, versions=versions)
    _shown(p, "no broker's name", "one", kind=BROKER, versions=versions)
    for kind in (0, 1, 3, 5, 16, 32, 99):
        _shown(p, f"resource type {kind}", "1", kind=kind, versions=versions)
    _shown(p, "logger of another broker", "7", kind=LOGGER, versions=versions)
    _shown(p, "group", "a-group", kind=32, versions=[4])


def altered(p):
    p.create("alter")
    versions = p.versions("IncrementalAlterConfigs")
    again = lambda: _shown(p, "now", "alter", "retention.ms", "cleanup.policy", "max.message.bytes")  # noqa: E731
    _alter(p, "set", "alter", (SET, "retention.ms", "1000"))
    again()
    _alter(p, "only checked", "alter", (SET, "retention.ms", "2000"), validate_only=True)
    _alter(p, "only checked and bad", "alter", (SET, "retention.ms", "x"), validate_only=True)
    again()
    for label, *changes in (
        ("bad value", (SET, "retention.ms", "x")), ("out of range", (SET, "segment.bytes", "1")), ("unknown", (SET, "no.such", "1")),
        ("null", (SET, "retention.ms", None)), ("empty", (SET, "retention.ms", "")), ("empty name", (SET, "", "1")),
        ("twice", (SET, "retention.ms", "1"), (SET, "retention.ms", "2")), ("set and delete", (SET, "retention.ms", "1"), (DELETE, "retention.ms", None)),
        ("good and bad", (SET, "retention.ms", "777"), (SET, "segment.bytes", "1")), ("operation 9", (9, "retention.ms", "1")),
        ("append to a number", (APPEND, "retention.ms", "1")), ("subtract from a number", (SUBTRACT, "retention.ms", "1")),
        ("append", (APPEND, "cleanup.policy", "compact")), ("append again", (APPEND, "cleanup.policy", "compact")),
        ("append nonsense", (APPEND, "cleanup.policy", "shred")), ("subtract", (SUBTRACT, "cleanup.policy", "delete")),
        ("subtract what is not there", (SUBTRACT, "cleanup.policy", "delete")), ("subtract the last", (SUBTRACT, "cleanup.policy", "compact")),
        ("append two", (APPEND, "cleanup.policy", "compact,delete")), ("append null", (APPEND, "cleanup.policy", None)),
        ("delete", (DELETE, "cleanup.policy", None)), ("delete again", (DELETE, "cleanup.policy", None)),
        ("delete with a value", (DELETE, "cleanup.policy", "x")), ("delete unknown", (DELETE, "no.such", None)),
        ("nothing",), ("spaces", (SET, "max.message.bytes", " 2000 ")), ("remote", (SET, "remote.storage.enable", "true")),
        ("lag pair", (SET, "min.compaction.lag.ms", "10"), (SET, "max.compaction.lag.ms", "5")),
    ):
        _alter(p, label, "alter", *changes, versions=versions)
        again()
    _alter(p, "no topic", "alter-none", (SET, "retention.ms", "1"))
    _alter(p, "bad name", "with space", (SET, "retention.ms", "1"))
    _alter(p, "empty topic", "", (SET, "retention.ms", "1"))
    for kind in (0, 1, 3, 16, 99):
        _alter(p, f"resource type {kind}", "1", (SET, "retention.ms", "1"), kind=kind)
    resource = dict(resource_type=TOPIC, resource_name="alter", configs=[dict(name="retention.ms", config_operation=SET, value="5")])
    p.ask("a resource twice", "IncrementalAlterConfigs", resources=[resource, resource], validate_only=False)
    p.ask("nothing at all", "IncrementalAlterConfigs", resources=[], validate_only=False)
    for label, *configs in (
        ("replaced", ("retention.ms", "3000")), ("replaced by nothing",), ("bad", ("retention.ms", "x")), ("null", ("retention.ms", None)),
        ("twice", ("retention.ms", "1"), ("retention.ms", "2")), ("unknown", ("no.such", "1")),
    ):
        p.ask(f"all {label}", "AlterConfigs", validate_only=False, resources=[
            dict(resource_type=TOPIC, resource_name="alter", configs=[dict(name=n, value=v) for n, v in configs])])
        again()


def altered_brokers(p):
    for label, name, *changes in (
        ("one", "1", (SET, "message.max.bytes", "2000000")), ("all", "", (SET, "message.max.bytes", "3000000")),
        ("all log", "", (SET, "log.retention.ms", "999999")), ("one, threads", "1", (SET, "num.io.threads", "9")),
        ("read-only", "1", (SET, "node.id", "2")), ("read-only, all", "", (SET, "process.roles", "broker")),
        ("bad", "1", (SET, "message.max.bytes", "x")), ("unknown", "1", (SET, "no.such", "1")), ("unknown, all", "", (SET, "no.such", "1")),
        ("another broker", "7", (SET, "message.max.bytes", "1")), ("no broker's name", "one", (SET, "message.max.bytes", "1")),
        ("per broker for all", "", (SET, "listeners", "PLAINTEXT://:1")), ("null", "1", (SET, "message.max.bytes", None)),
        ("append", "", (APPEND, "log.cleanup.policy", "compact")), ("subtract", "", (SUBTRACT, "log.cleanup.policy", "compact,delete")),
        ("undo one", "1", (DELETE, "message.max.bytes", None)), ("undo one's threads", "1", (DELETE, "num.io.threads", None)),
        ("undo all", "", (DELETE, "message.max.bytes", None), (DELETE, "log.retention.ms", None), (DELETE, "log.cleanup.policy", None)),
    ):
        _alter(p, f"{label}, checked", name, *changes, kind=BROKER, validate_only=True)
        _alter(p, label, name, *changes, kind=BROKER, versions=[1])
