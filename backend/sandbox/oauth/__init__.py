"""Google's OAuth 2.0 side: clients, consent, codes, tokens, signed identities."""
