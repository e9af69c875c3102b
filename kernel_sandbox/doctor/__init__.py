"""What this machine's isolation is worth: which way works, and a quick attack on it.

:mod:`checks` holds what runs inside a kernel, :mod:`diagnosis` runs it and judges.
"""

from kernel_sandbox.doctor.diagnosis import Check, Diagnosis, diagnose

__all__ = ["Check", "Diagnosis", "diagnose"]
