"""The parts of the serving container: request bodies, the model, the HTTP application."""
