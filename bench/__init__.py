"""Measurements. Each prints its figures; compare them as ratios within one run, the machine may be noisy."""
