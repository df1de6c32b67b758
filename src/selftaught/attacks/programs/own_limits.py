"""Sets limits of its own anew."""
# family: kernel

from attack import attempted, module


def algorithm(question):
    resource = module("resource")
    attempted()
    resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
    return True
