"""The parts of the serving container: pixels, formats, the model, the HTTP application."""
