"""What the benchmark measures, a program each: it gets JSON as its argument and prints one line of results.

Each runs as one process on one core. None knows another.
"""
