"""What stands around a measured process: the Runtime API, Lambda, the bucket, a network, a share of a core."""
