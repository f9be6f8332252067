"""The Gmail REST API over the mailbox model, in Google's wire format."""
