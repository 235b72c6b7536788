"""OpenSwarm product analytics: the service this project was made for."""
