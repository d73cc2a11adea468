"""What commands and monitoring share: config, AWS, datasets, jobs, the endpoint, the terminal."""
