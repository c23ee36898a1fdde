"""The compiler of JSON Schema: from a schema to a grammar, and the checks a grammar cannot make."""

# Before any module in here reads what the library makes of a schema.
import condit.foreign.jsonschema_rs  # noqa: F401
