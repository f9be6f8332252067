"""What is kept to show a decision again, and to notice that mail has changed. Pure."""
