"""The chart is valid, and manifests/operator.yaml is what it makes."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "longhaul"


@pytest.fixture(scope="session")
def helm():
    program = Path(os.environ.get("K8S_BIN", Path.home() / ".cache/longhaul-k8s/bin")) / "helm"
    assert program.exists(), "run e2e/kubernetes/build helm"

    def run(*arguments):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def test_chart_is_valid(helm):
    assert "0 chart(s) failed" in helm("lint", "--strict", CHART)


def test_manifest_is_made_from_the_chart(helm):
    manifest = (ROOT / "manifests/operator.yaml").read_text()
    command, without = next(line for line in manifest.splitlines() if "helm template" in line).split(" | grep -v ")
    rendered = helm(*(ROOT / word if word == "helm/longhaul" else word for word in command.split("helm ")[1].split()))
    rendered = "\n".join(line for line in rendered.splitlines() if without not in line)
    namespace, *rest = documents(manifest)
    assert (namespace["kind"], namespace["metadata"]["name"]) == ("Namespace", "longhaul-system")
    assert rest == documents(rendered)
