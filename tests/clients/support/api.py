"""Any request in any version, encoded and decoded by kafka-python's schemas (which are Apache Kafka's)."""

import importlib
import struct

_MODULES = ("metadata", "producer", "consumer", "admin")


def message(name):
    for module in _MODULES:
        found = getattr(importlib.import_module(f"kafka.protocol.{module}"), name, None)
        if found:
            return found
    raise LookupError(name)


def _values(fields, version, values):
    """`values` without what the version lacks, with dicts made into the schema's structures."""
    made = {}
    for name, value in values.items():
        field = fields[name]
        if not field.for_version_q(version):
            continue
        if field.is_struct_array() and value is not None:
            value = [_structure(field, version, item) for item in value]
        elif field.is_struct() and value is not None:
            value = _structure(field, version, value)
        made[name] = value
    return made


def _structure(field, version, item):
    if not isinstance(item, dict):
        return item
    return field.data_class(version=version, **_values(field.fields, version, item))


def call(connection, name, version, **values):
    """The decoded response. Values that the version does not have are left out, in structures too."""
    data = exchange(connection, name, version, **values)
    response = message(f"{name}Response").decode(data, version=version, header=True)
    assert response.header.correlation_id == connection.correlation
    return response


def exchange(connection, name, version, **values):
    """The bytes of the response, from its header on."""
    cls = message(f"{name}Request")
    request = cls(version=version, **_values(cls._struct.fields, version, values))
    connection.correlation += 1
    request.with_header(correlation_id=connection.correlation, client_id="tests")
    connection.send_raw(request.encode(header=True, framed=True))
    (size,) = struct.unpack(">i", connection.exactly(4))
    return connection.exactly(size)
