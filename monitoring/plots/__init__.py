"""The monitoring pictures, by subject: each is a function that returns a matplotlib Figure.

Every function takes `width` in inches: text keeps its size, so that a picture is drawn for the
screen it is meant for instead of being shrunk to it.
"""
