"""Prefixes in the bucket that several commands use; plugins/retention.js has their retention."""

DATASETS = "datasets/"
CHECKPOINTS = "training/checkpoints/"
COPIES = "training/copies/"  # of models of other stages
PHOTOS = "bulk/photos/"
MANIFESTS = "bulk/manifests/"
RESULTS = "bulk/results/"
GENERATED = "generated/"
BASELINE = "monitoring/baseline/"
REPORTS = "monitoring/reports/"
