"""Roll-outs of a model: the gate, a sample through the functions, models of another stage."""
