"""What speaks for or against an answer: grounding, silent errors, agreement, a critic."""
