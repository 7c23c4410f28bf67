"""Fixtures: real brokers on loopback, each with a directory of its own, and topics on them."""

import itertools
import sys
import uuid
from base64 import urlsafe_b64encode
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import server as servers  # noqa: E402


def pytest_addoption(parser):
    parser.addoption(
        "--server",
        choices=sorted(servers.COMMANDS),
        default="longhaul",
        help="which broker to test; kafka shows that the tests themselves are right",
    )
    parser.addoption("--record", action="store_true", help="with --server kafka: write its answers into answers/")


def pytest_configure(config):
    config.addinivalue_line("markers", "longhaul_only: what Apache Kafka does differently on purpose")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--server") == "longhaul":
        return
    for item in items:
        if "longhaul_only" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="a promise of ours, not of Apache Kafka"))


FAULTS = pytest.StashKey()


@pytest.fixture
def note_fault(request):
    """note_fault(what, account of its ledger): told at the end of the run."""
    return lambda *row: request.config.stash.setdefault(FAULTS, []).append(row)


def pytest_terminal_summary(terminalreporter, config):
    if rows := config.stash.get(FAULTS, []):
        terminalreporter.section("faults")
        terminalreporter.write_line(f"{'fault':48}{'acknowledged':>13}{'lost':>6}{'twice':>6}  longest unavailability")
    for what, found in rows:
        counts = f"{found.acknowledged:>13}{len(found.lost):>6}{len(found.twice):>6}"
        terminalreporter.write_line(f"{what:48}{counts}  {found.longest_gap:.2f} s")


def cluster_id():
    while True:
        text = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


@pytest.fixture(scope="session")
def server_kind(request):
    return request.config.getoption("--server")


@pytest.fixture(scope="session")
def make_server(server_kind, tmp_path_factory):
    """make_server(**options): a server that is neither formatted nor started; ended with the session."""
    made = []

    def make(directory=None, cluster=None, **options):
        directory = directory or tmp_path_factory.mktemp("broker")
        server = servers.Server(servers.COMMANDS[server_kind], directory, cluster or cluster_id(), **options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.end()


@pytest.fixture(scope="session")
def shared_server(make_server):
    server = make_server()
    server.format()
    server.start()
    yield server
    server.end()


@pytest.fixture
def broker(shared_server, request):
    """The broker that most tests share. A test that harms it fails itself and gives its log."""
    yield shared_server
    assert shared_server.process.poll() is None, f"the broker died\n{shared_server.log()}"


@pytest.fixture
def own_broker(make_server):
    """A broker of the test's own, to stop and to kill."""
    server = make_server()
    server.format()
    server.start()
    yield server
    server.end()


_numbers = itertools.count()


@pytest.fixture
def topic_name(request):
    """A name that no other test uses."""
    return f"{request.node.originalname.removeprefix('test_')}-{next(_numbers)}".replace("_", "-")


@pytest.fixture
def admin(broker):
    from support.confluent import admin_client

    return admin_client(broker.address)


@pytest.fixture
def topic(admin, topic_name):
    """A topic with three partitions."""
    from support.confluent import create_topic

    create_topic(admin, topic_name, 3)
    return topic_name


@pytest.fixture
def work(request, topic_name, tmp_path, note_fault):
    """work(cluster, within): begins to write to a topic of its own, and in the end compares.

    `within`: no partition may go without an acknowledgement for longer, in seconds.
    """
    from support.work import Work

    begun = []
    with ExitStack() as writing:

        def begin(cluster, within, replicas=3, **config):
            made = Work(cluster, topic_name, tmp_path / "ledger", replicas)
            begun.append((made, within))
            return writing.enter_context(made.begun(**config))

        yield begin
    for made, within in begun:
        account = made.account()
        note_fault(request.node.name, account)
        account.check()
        assert account.longest_gap <= within
