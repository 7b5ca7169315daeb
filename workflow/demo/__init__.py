"""The demonstration: a small S3 with a website, and the story that `workflow demo` tells on it."""
