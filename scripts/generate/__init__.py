"""Load for the service: photos as they might arrive, sent as a stream or as one run in bulk."""
