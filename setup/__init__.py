"""Set-up of a machine: packages, and the environment of every process.

It runs before anything is installed, so it imports Python's own library alone.
"""
