"""A team: roles that take turns on one question, a blackboard, and who speaks next."""
