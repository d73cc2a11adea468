"""Many training jobs that together tell what one number is worth."""
