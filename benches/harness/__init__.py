"""The environment of a measured process: the Runtime API, the fakes of AWS, a network namespace, a share of a core."""
