"""The Power Platform custom connector, generated from the description of the API: `make connector` writes connector/.

Power Platform reads OpenAPI 2.0 with extensions of its own, four media types, and one response with a schema for each
operation. docs/adr/0016-connector.md says what that leads to.
"""
