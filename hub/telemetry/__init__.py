"""What the hub tells of itself, for machines: log lines, metrics, traces."""
