"""Tax services of other companies, played for tests and laptops: pure HTTP handlers with a memory and bad days."""
