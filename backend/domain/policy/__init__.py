"""What follows from a message: the policy table, the guards, the verdict."""
