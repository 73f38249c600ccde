"""The reconciler: proves every night that the local copy is the provider's truth, and heals it where it is not."""
