"""What is deployed, as commands and monitoring see it from outside."""
