"""How a verdict is reached: the policy table, the challenge guards, the sender's earlier mail, the preview."""
