"""Setting up a machine: the packages of the project, and the environment of every process.

It runs before anything is installed, hence on Python's own library alone.
"""
