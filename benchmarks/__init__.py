"""Measurements as ratios taken in one run; nothing here is asserted, and tests hold no timings.

python -m benchmarks.exchange_cache    a cache hit at one user and at 10,000; memory per user
python -m benchmarks.event_loop        what other users notice while Entra ID takes 2 s for one
"""
