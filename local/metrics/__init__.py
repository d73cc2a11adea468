"""CloudWatch: the metrics that services record, and alarms on them."""
