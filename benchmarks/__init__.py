"""What the exchange costs, measured beside its peers and its floors: `python -m benchmarks`."""
