"""Guest programs of the analysis: data, run in the sandbox."""
