"""From records of a source to events, by a mapping: what a contact centre, a survey tool or a billing system exports.

Owns reading records and applying a mapping to them; `mappings` has the language, `files` what is done with events. Begin with
`run`, which follows a record down the road: `readers` → `sessions` → `events`.
"""
