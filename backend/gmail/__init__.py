"""The adapter for Google: Gmail, OAuth, Pub/Sub and Google's signatures, behind the ports.

Nothing is imported here on purpose: the reading process needs only `answers`, and no HTTP library.
"""
