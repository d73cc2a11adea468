"""What the workflows in .github/workflows/ call, and the roles that they deploy with."""
