"""What an HLS project takes, before any tool runs: latency, interval, reuse factors, unrolled arrays."""
