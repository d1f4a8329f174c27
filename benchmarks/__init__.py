"""Benchmarks. Each prints figures that are measured in one run. The tests contain no timings.

python -m benchmarks.exchange_cache    cost of a cache hit with one user and with 10,000; memory per user
python -m benchmarks.event_loop        effect on other users while Entra ID takes 2 s for one user
python -m benchmarks.run               everything in RESULTS.md, beside relays and peers: `make bench`
python -m benchmarks.soak              mixed traffic with random faults; exits with status 1 on a breach
"""
