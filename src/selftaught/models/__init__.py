"""Language models, one provider a file; found through the entry points `selftaught.models`."""
