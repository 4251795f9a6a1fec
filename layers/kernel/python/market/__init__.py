"""The kernel: what every service needs and no business noun."""
