"""A durable interpreter of the Amazon States Language (the JSONPath dialect)."""
