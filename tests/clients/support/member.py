"""A group member in a process of its own, to be killed: python member.py ADDRESS GROUP TOPIC.

Prints its partitions whenever it is given some.
"""

import sys

from confluent_kafka import Consumer


def main():
    address, group, topic = sys.argv[1:]
    client = Consumer(
        {"bootstrap.servers": address, "group.id": group, "session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
    )
    given = lambda _, partitions: print(*(p.partition for p in partitions), flush=True)  # noqa: E731
    client.subscribe([topic], on_assign=given)
    while True:
        client.poll(0.1)


if __name__ == "__main__":
    main()
