"""`./dev bench`: our broker beside Apache Kafka, both fresh, both with what a newcomer gets; the table of `measure`.

usage: dev bench [--gb 1] [--rate 10000] [--seconds 20] [--repeat 3] [--json FILE]

--broker PROGRAM measures another build of the broker.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENTS = HERE.parent / "clients"
sys.path.insert(0, str(CLIENTS))

from support import server as servers  # noqa: E402


def main():
    options = sys.argv[1:]
    if {"-h", "--help"} & set(options):
        print(__doc__)
        return 0
    if "--broker" in options:
        at = options.index("--broker")
        os.environ["LONGHAUL_BROKER"] = str(Path(options[at + 1]).resolve())
        del options[at : at + 2]
    peer = CLIENTS / "kafka/peer"
    subprocess.run([peer, "install"], check=True)
    with tempfile.TemporaryDirectory(prefix="longhaul-bench-") as folder:
        ours = servers.Server(servers.longhaul, Path(folder) / "longhaul", "bG9uZ2hhdWwtYmVuY2gtMQ", num_partitions=6)
        kafka = None
        try:
            ours.format()
            ours.start()
            port = servers.free_ports(1)[0] & ~1
            started = subprocess.run(
                [peer, "start", f"{folder}/kafka", str(port)], stdout=subprocess.PIPE, text=True, check=True
            )
            kafka = int(started.stdout)
            named = [f"longhaul={ours.address}:{ours.process.pid}", f"kafka=127.0.0.1:{port}:{kafka}"]
            return subprocess.run([HERE / "measure", *named, *options]).returncode
        finally:
            ours.end()
            if kafka:
                os.kill(kafka, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
