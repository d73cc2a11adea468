"""Roll-outs of a model: the gate, samples through the functions, models of another stage."""
