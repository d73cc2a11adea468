"""Load for the service: generated photos, sent as a stream or as one run of classifyBulk."""
