"""The local cloud: MiniStack plus what this service needs and MiniStack lacks."""
