"""Answers without the loop: which questions need no code, and how they are answered."""
