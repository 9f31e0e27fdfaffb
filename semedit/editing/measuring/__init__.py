"""What an edit did: measures, who gives them, what they mean, and what they need."""
