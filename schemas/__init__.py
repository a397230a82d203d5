"""What goes over the wire: one pydantic model per topic and version, and the topics' names. Imports nothing else of ours."""
