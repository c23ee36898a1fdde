"""Python types as constraints: their conditions as JSON schemas, and what no schema can say."""
