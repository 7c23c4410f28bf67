"""`longhaul up` with the real operator and broker, each in a directory of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from support.confluent import wait_for
from support.server import ROOT

PROGRAM = Path(os.environ.get("LONGHAUL", ROOT / "build/release/bin/longhaul"))
KUBECTL = Path(os.environ.get("K8S_BIN", Path.home() / ".cache/longhaul-k8s/bin")) / "kubectl"


def http_get(url):
    """(status, text), whatever the status is."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def command_lines():
    """{pid: command line} of every process here."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has just ended
    return found


class Local:
    """One state directory of `longhaul up`, and what runs on it."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.state = self.directory / "state"
        self.foreground = None

    def command(self, *arguments):
        return [str(PROGRAM), "--dir", str(self.state), *map(str, arguments)]

    def run(self, *arguments, stdin="", timeout=110):
        """The finished process, with both outputs in `stdout`."""
        return subprocess.run(
            self.command(*arguments), input=stdin, text=True, timeout=timeout, cwd=self.directory,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )

    def good(self, *arguments, stdin=""):
        """The output of a command that has to work."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{self.logs()}"
        return done.stdout

    def up(self, *arguments):
        """Starts it in the background; its report."""
        return self.good("up", "--detach", *arguments)

    def up_in_foreground(self):
        """Starts it as a terminal would, and waits until it says that all is ready."""
        log = self.directory / "up.log"
        with open(log, "wb") as file:
            self.foreground = subprocess.Popen(
                self.command("up"), stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True
            )

        def ready():
            assert self.foreground.poll() is None, log.read_text() + self.logs()
            return "\nkubeconfig " in log.read_text()

        wait_for(ready, 100, "a report")
        return log

    def processes(self):
        """{pid: command line} of all that runs on this directory."""
        return {pid: line for pid, line in command_lines().items() if str(self.state) in line}

    def pid_of(self, node):
        """The process of a broker; None while there is none."""
        for pid in self.processes():
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"POD_NAME=demo-home-{node}-0".encode() in environment:
                return pid
        return None

    def kill(self, node):
        """kill -9, as if it had crashed."""
        os.kill(self.pid_of(node), signal.SIGKILL)

    def lose_volume(self, node):
        """What a broker has stored is gone, and then its process."""
        (formatted,) = [
            path for path in self.state.glob("local/volumes/*/log/meta.properties")
            if f"node.id={node}\n" in path.read_text()
        ]
        pid = self.pid_of(node)
        shutil.rmtree(formatted.parent)
        os.kill(pid, signal.SIGKILL)

    def region(self):
        """What the status of the only region says; {} unless the cluster is ready as it is now."""
        cluster = self.get("kafkaclusters/demo")
        ready = [c for c in cluster.get("status", {}).get("conditions", []) if c["type"] == "Ready"]
        current = ready and ready[0]["observedGeneration"] == cluster["metadata"]["generation"]
        return cluster["status"]["regions"][0] if current and ready[0]["status"] == "True" else {}

    def bootstrap(self, report):
        return re.search(r"^bootstrap home (\S+)$", report, re.MULTILINE)[1]

    @property
    def kubeconfig(self):
        return self.state / "local/kubeconfig"

    def get(self, resource):
        """An object or a list, straight from the API server: core/v1 or longhaul.dev, namespace default."""
        server = re.search(r"server\W+(http[^\s\",}]+)", self.kubeconfig.read_text())[1]
        group = "apis/longhaul.dev/v1alpha1" if resource.startswith("kafka") else "api/v1"
        status, text = http_get(f"{server}/{group}/namespaces/default/{resource}")
        assert status == 200, text
        return json.loads(text)

    def kubectl(self, *arguments, stdin=""):
        done = subprocess.run(
            [KUBECTL, "--kubeconfig", self.kubeconfig, *map(str, arguments)], input=stdin, capture_output=True,
            text=True, timeout=60, env={"HOME": str(self.directory), "PATH": "/usr/bin:/bin"},
        )
        assert done.returncode == 0, f"kubectl {arguments}\n{done.stdout}{done.stderr}"
        return done.stdout

    def logs(self):
        files = sorted(self.state.glob("*.log")) + sorted(self.state.glob("local/logs/*"))
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in files)

    def end(self):
        """Whatever state it is in: nothing is left running."""
        self.run("down")
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.foreground:
            self.foreground.wait(30)
