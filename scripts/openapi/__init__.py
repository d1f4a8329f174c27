"""The description of the API (OpenAPI 3.1), generated: `make openapi` writes update_profile/openapi.json.

Nothing in it is written twice. Routes come from the loaded app, types from pydantic and documents.py, failures from the
classes of errors.py and the answers that response.py makes of them, limits from the modules that check them, texts from
the tables of docs/api.md, and examples from exchanges with the function in front of the sandbox.
"""
