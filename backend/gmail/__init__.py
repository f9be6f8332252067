"""Google's side: everything the product asks of Gmail, OAuth and Google's signatures, behind the ports.

Nothing is imported here: the reading process needs `answers` alone, and none of the HTTP libraries.
"""
