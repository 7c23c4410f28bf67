"""`longhaul up` as a person meets it: the real programs, the built-in example, and what is left afterwards."""

import os
import re
import signal
import socket

import pytest

from support import confluent, writers
from support.confluent import wait_for
from support.local import Local, http_get

pytestmark = pytest.mark.longhaul_only


@pytest.fixture
def local(tmp_path):
    made = Local(tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A cluster that several tests look at; its report is `running.report`."""
    made = Local(tmp_path_factory.mktemp("up"))
    try:
        made.report = made.up()
        yield made
    finally:
        made.end()


def consumed(local, topic, count):
    return local.good("consume", topic, "--from-beginning", "--max-messages", count).split()


def test_the_report_is_what_programs_need(running):
    addresses = running.bootstrap(running.report).split(",")
    assert len(set(addresses)) == 3, running.report
    assert all(re.fullmatch(r"127\.\d+\.\d+\.\d+:9092", each) for each in addresses), running.report
    assert f"\nkubeconfig {running.kubeconfig}\n" in running.report
    assert running.kubeconfig.stat().st_mode & 0o077 == 0 or "token" not in running.kubeconfig.read_text()
    status = running.good("status")
    assert "demo" in status and "hello" in status
    assert "hello" in running.good("topic", "list")


def test_three_brokers_in_three_zones(running):
    rows = re.findall(r"demo-home-(\d+)-0 +\1 +home +(\w) +(\w+) +127\S+ +(\w+)", running.good("status"))
    assert [(node, zone, ready) for node, zone, _, ready in rows] == [
        ("1001", "a", "True"), ("1002", "b", "True"), ("1003", "c", "True"),
    ]
    assert sorted(role for _, _, role, _ in rows) == ["leader", "voter", "voter"]
    described = running.good("topic", "describe", "hello")
    partitions = re.findall(r"^ +\d+ +(\S+) +(\S+) +(\S+)$", described, re.MULTILINE)
    assert len(partitions) == 3, described
    for leader, replicas, in_sync in partitions:
        assert leader in in_sync.split(",")
        assert sorted(replicas.split(",")) == sorted(in_sync.split(",")) == ["1001/a", "1002/b", "1003/c"]


def test_what_one_client_writes_another_reads(running):
    address = running.bootstrap(running.report)
    running.good("topic", "create", "mixed", "--partitions", 1)
    running.good("produce", "mixed", stdin="from-the-command\n")
    writers.kcat(address, "-P", "-t", "mixed", stdin="from-kcat\n")
    confluent.produce(address, "mixed", [dict(value="from-librdkafka")])
    expected = ["from-the-command", "from-kcat", "from-librdkafka"]
    assert consumed(running, "mixed", 3) == expected
    assert writers.kcat(address, "-C", "-t", "mixed", "-e", "-q").split() == expected


def broker_health(local):
    """Where the broker's pod says that its health is."""
    pod = local.get("pods")["items"][0]
    ports = {p["name"]: p["containerPort"] for c in pod["spec"]["containers"] for p in c["ports"]}
    return f"http://{pod['status']['podIP']}:{ports['health']}"


def test_the_broker_tells_its_health(running):
    base = broker_health(running)
    assert http_get(f"{base}/livez")[0] == 200
    assert http_get(f"{base}/readyz")[0] == 200
    status, text = http_get(f"{base}/metrics")
    assert status == 200 and re.search(r"^longhaul_broker_ready 1$", text, re.MULTILINE), text[:2000]
    assert http_get(f"{base}/nothing")[0] == 404


def test_the_operator_tells_its_health(running):
    log = (running.state / "operator.log").read_text()
    port = re.findall(r"metrics and health on port (\d+)", log)[-1]
    assert http_get(f"http://127.0.0.1:{port}/healthz")[0] == 200
    assert http_get(f"http://127.0.0.1:{port}/readyz")[0] == 200
    status, text = http_get(f"http://127.0.0.1:{port}/metrics")
    assert status == 200 and "# TYPE" in text


TOPIC = """
apiVersion: longhaul.dev/v1alpha1
kind: KafkaTopic
metadata: {name: applied}
spec: {cluster: demo, partitions: 2, config: {retention.ms: 86400000}}
"""


def test_kubectl_with_the_printed_kubeconfig(running):
    address = running.bootstrap(running.report)
    shown = running.kubectl("get", "kafkaclusters,kafkatopics,pods")
    assert "kafkacluster.longhaul.dev/demo" in shown and "kafkatopic.longhaul.dev/hello" in shown, shown
    running.kubectl("apply", "--server-side", "--validate=false", "-f", "-", stdin=TOPIC)
    running.kubectl("wait", "--for=condition=Ready", "kafkatopic/applied", "--timeout=30s")
    admin = confluent.admin_client(address)
    assert len(confluent.partitions_of(admin, "applied")) == 2
    running.kubectl("delete", "kafkatopic", "applied")
    wait_for(lambda: "applied" not in admin.list_topics(timeout=10).topics, 30, "the end of the topic")


def test_a_second_up_is_refused(running):
    again = running.run("up", "--detach")
    assert again.returncode == 1 and "already running" in again.stdout, again.stdout


def test_data_survives_down_and_up_and_goes_with_a_wipe(local):
    address = local.bootstrap(local.up())
    lines = [f"line-{i}" for i in range(500)]
    local.good("topic", "create", "kept", "--partitions", 1)
    local.good("produce", "kept", stdin="\n".join(lines) + "\n")
    assert local.good("down") == "stopped\n"
    assert local.processes() == {}
    assert local.bootstrap(local.up()) == address
    assert consumed(local, "kept", 500) == lines
    wiped = local.good("down", "--wipe")
    assert "wiped" in wiped
    assert not local.state.exists() and local.processes() == {}
    # The next one is new.
    local.up()
    assert "kept" not in local.good("topic", "list")


def said(log, words):
    """The time of the last line that has the words."""
    return [line for line in log.read_text().splitlines() if words in line][-1].split()[0]


def test_ctrl_c_stops_everything_in_order(local):
    log = local.up_in_foreground()
    address = local.bootstrap(log.read_text())
    local.good("produce", "hello", stdin="before\n")
    assert len(local.processes()) >= 5, local.processes()  # up, operator, three brokers
    os.killpg(local.foreground.pid, signal.SIGINT)  # as a terminal does: to all in its foreground
    assert local.foreground.wait(60) == 0, log.read_text()
    assert local.processes() == {}
    assert re.search(r"stopping.*\n(.*\n)*stopped; the data is in ", log.read_text()), log.read_text()
    operator = said(local.state / "operator.log", "stopping")
    for broker_log in local.state.glob("local/logs/*.log"):
        assert operator < said(broker_log, "stopping on Terminated"), "the operator goes first, or it would mend"
    for host, port in (each.split(":") for each in address.split(",")):
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0
    local.up()
    assert consumed(local, "hello", 1) == ["before"]


def test_nothing_outlives_an_up_that_was_killed(local):
    local.up_in_foreground()
    os.kill(local.foreground.pid, signal.SIGKILL)
    local.foreground.wait(30)
    wait_for(lambda: not local.processes(), 30, "the end of every process")
    local.up()


def test_a_taken_api_port_is_named_when_it_was_insisted_on(local):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = local.run("up", "--detach", "--port", port)
    assert refused.returncode == 1
    assert str(port) in refused.stdout and "--port" in refused.stdout, refused.stdout
    assert local.processes() == {}


def test_a_taken_broker_address_is_named(local):
    with socket.socket() as other:
        other.bind(("127.91.0.2", 9092))
        other.listen()
        refused = local.run("up", "--detach", "--addresses", "127.91.0.0", "--timeout", 10)
    assert refused.returncode == 1
    assert "127.91.0.2:9092" in refused.stdout and "--addresses" in refused.stdout, refused.stdout
    assert local.processes() == {}
