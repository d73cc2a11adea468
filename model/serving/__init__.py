"""The serving container: request bodies, the model, the HTTP application."""
