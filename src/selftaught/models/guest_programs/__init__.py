"""Guest programs of the models: data, run in the sandbox."""
