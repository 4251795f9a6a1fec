"""Every call that a flow makes, broken in every way once and in pairs; and requests at once, call by call."""
