"""The same questions to Apache Kafka and to us, and the answers field by field.

What Apache Kafka answered lies in answers/. `--server kafka` holds it against a real one, and
`--server kafka --record` writes it anew. DIFFERENCES are those that we mean.
"""

import inspect
import json
from pathlib import Path

import pytest

from probes import configs, groups, records, topics
from support.probe import Prober

ANSWERS = Path(__file__).parent / "answers"
FAMILIES = (topics, configs, records, groups)


def _probes():
    for family in FAMILIES:
        for name, probe in inspect.getmembers(family, inspect.isfunction):
            if probe.__module__ == family.__name__ and not name.startswith("_"):
                yield family.__name__.removeprefix("probes."), name, probe


PROBES = list(_probes())

# {probe: {how a question begins: why we answer otherwise}}
DIFFERENCES = {
    "metadata": {"Metadata: null name": "INVALID_TOPIC_EXCEPTION for that topic; Kafka's UNKNOWN is an exception nobody caught"},
    "partitions_described": {"DescribeTopicPartitions: empty name": "the same"},
    "topics_created": {
        "CreateTopics: collides among": "Kafka looks for collisions with what exists only, and then has both",
        "CreateTopics: config spaces": "we show the value as it counts",
        "CreateTopics: config twice a choice": "we show the value as it counts",
        "CreateTopics: config boolean": "we show the value as it counts",
    },
    "cluster": {"ApiVersions: api versions": "what is not built yet is not advertised"},
    "described": {
        "DescribeConfigs: some with synonyms": "we name all options that count, with their defaults",
        "DescribeConfigs: broker, synonyms": "the value that counts; and what cannot be changed is shown as read-only",
        "DescribeConfigs: broker default": "Kafka lists an unknown option that was set for all brokers before",
        "DescribeConfigs: resource type 16": "no client metrics yet",
        "DescribeConfigs: resource type 32": "no options of groups yet",
        "DescribeConfigs: group": "no options of groups yet",
    },
    "altered": {"IncrementalAlterConfigs: operation 9": "INVALID_REQUEST; Kafka says UNKNOWN"},
    "altered_brokers": {
        "IncrementalAlterConfigs: one, threads": "the number of threads cannot be changed while we run",
        "IncrementalAlterConfigs: read-only": "INVALID_CONFIG; Kafka says INVALID_REQUEST",
        "IncrementalAlterConfigs: bad": "INVALID_CONFIG; Kafka says INVALID_REQUEST",
        "IncrementalAlterConfigs: per broker": "INVALID_CONFIG; Kafka says INVALID_REQUEST",
        "IncrementalAlterConfigs: unknown": "Kafka takes any option of a broker, for plug-ins, which we have none of",
        "IncrementalAlterConfigs: another broker": "BROKER_ID_NOT_REGISTERED; Kafka says INVALID_REQUEST",
    },
    "produce": {
        "Produce: wrong transactional": "INVALID_RECORD; Kafka says TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        "Produce: transactional": "there are no transactions yet",
        "Produce: wrong append time": "a producer that claims the broker's time is refused",
    },
    "sequences": {"Produce: six again": "the time of a duplicate is shown for topics with the broker's time only"},
}


def differs(probe, question):
    return any(question.startswith(start) for start in DIFFERENCES.get(probe, ()))


@pytest.fixture(scope="module")
def probed(make_server):
    server = make_server()
    server.format()
    server.start()
    yield server
    server.end()


@pytest.mark.parametrize("family, name, probe", PROBES, ids=[f"{family}-{name}" for family, name, _ in PROBES])
def test_answers(request, server_kind, probed, family, name, probe):
    prober = Prober(probed)
    try:
        probe(prober)
    finally:
        prober.close()
    path = ANSWERS / f"{family}-{name}.txt"
    if server_kind == "kafka" and request.config.getoption("--record"):
        path.write_text("".join(json.dumps(line) + "\n" for line in prober.noted))
    compare(name, [json.loads(line) for line in path.read_text().splitlines()], prober.noted, server_kind)


def without_ours(answer):
    """Without options of our own, which are more than Kafka has."""
    if isinstance(answer, list):
        ours = [e for e in answer if isinstance(e, dict) and str(e.get("name")).startswith("longhaul.")]
        return [without_ours(each) for each in answer if each not in ours]
    if isinstance(answer, dict):
        return {key: without_ours(value) for key, value in answer.items()}
    return answer


def by_question(noted):
    found = {}
    for question, versions, answer in noted:
        for version in versions:
            found.setdefault((question, version), []).append(without_ours(answer))
    return found


def compare(probe, recorded, noted, server_kind):
    expected, found = by_question(recorded), by_question(noted)
    wrong, meant = [], set()
    for key in expected.keys() | found.keys():
        if expected.get(key) == found.get(key):
            continue
        if server_kind == "longhaul" and differs(probe, key[0]):
            meant.update(start for start in DIFFERENCES[probe] if key[0].startswith(start))
        else:
            wrong.append(f"{key}\n  Kafka: {expected.get(key)}\n  found: {found.get(key)}")
    assert not wrong, "\n".join([f"{len(wrong)} answers differ", *sorted(wrong)[:10]])
    if server_kind == "longhaul":
        assert meant == set(DIFFERENCES.get(probe, ())), "a difference that is none any more"
