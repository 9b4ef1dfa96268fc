"""The history of the tables, newest last; each step goes both ways."""

HEAD = "0009"
"""The version this program works with."""
