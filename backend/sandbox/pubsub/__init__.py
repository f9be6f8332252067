"""Cloud Pub/Sub as far as Gmail's notifications need it: topics, subscriptions, push with signed tokens."""
