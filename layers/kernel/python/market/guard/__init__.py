"""What stands before every request: who the caller is now, how often they may come, and the record of what they did."""
