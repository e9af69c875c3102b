"""Long work: a plan, its approval and revision, its steps, and the answer made of them."""
