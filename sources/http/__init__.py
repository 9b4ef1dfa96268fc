"""The one resilient client that every call to the outside goes through."""
