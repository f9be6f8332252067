"""Web push: messages to browsers by way of their makers (RFC 8030), encrypted (8291) and signed (8292)."""
