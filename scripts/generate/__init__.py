"""Load for the service: images as they might arrive, sent as a stream or as one run in bulk."""
