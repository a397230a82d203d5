"""What is seen from outside: metrics, health, logs, and the words of a failure.

Owns the catalogue of metrics and what may not be in a log. It must not decide or measure by itself. Begin with `metrics`.
"""
