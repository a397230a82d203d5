"""Tests of Behoudlijn; a package, so that the brokers in it can be imported by the chaos harness too."""
