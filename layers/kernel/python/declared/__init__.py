"""What this marketplace declares to its kernel: data, no behaviour. Each module imports nothing of ours."""
