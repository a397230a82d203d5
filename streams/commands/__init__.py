"""The commands of `behoudlijn`, one module each with `register(app)`; they show and ask, never decide."""
