"""One folder for each billing provider. Each implements `service.provider.Provider`, and none knows another."""
