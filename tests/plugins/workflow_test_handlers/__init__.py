"""Task types as another package brings them: with effects that tests can count, and faults.

Put `tests/plugins` on PYTHONPATH and the program finds them by their entry points.
"""
