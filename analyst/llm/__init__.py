"""Language models: clients, the embedded model and its weights.

This room knows endpoints and tokens. It knows nothing of tools, kernels or notebooks.
"""
