"""One module a provider: what a test does there in the customer's and the provider's place."""
