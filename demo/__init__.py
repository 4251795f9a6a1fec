"""A customer's story, told over HTTP to a running marketplace, that checks itself."""
