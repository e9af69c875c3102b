"""Kernels that run someone else's code: started apart, watched, stopped, and never orphaned."""
