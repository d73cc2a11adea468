"""Lambda: functions under AWS's own Python runtime client, on the interpreter that AWS runs."""
