"""The prefixes in the service's bucket; plugins/retention.js says how long each is kept."""

DATASETS = "datasets/"
CHECKPOINTS = "training/checkpoints/"
COPIES = "training/copies/"  # of models of other stages
PHOTOS = "bulk/photos/"
MANIFESTS = "bulk/manifests/"
RESULTS = "bulk/results/"
GENERATED = "generated/"
BASELINE = "monitoring/baseline/"
REPORTS = "monitoring/reports/"
