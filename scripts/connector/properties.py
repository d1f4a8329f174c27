"""apiProperties.json: how a connection signs its user in, and how the connector looks."""

from typing import Any

ACCENT = "#0f6c5c"  # neither of the two colours that certification refuses


def properties(*, client: str, resource: str, login: str, tenant: str) -> dict[str, Any]:
    """Return the properties.

    Args:
        client: The client id of the connector's own app registration.
        resource: The identifier URI of the function. A connection's token is issued for it, for the signed-in user.
        login: The address of Entra ID, without a trailing slash.
        tenant: The tenant whose users sign in; ``common`` for any.
    """
    return {
        "properties": {
            "connectionParameters": {
                "token": {
                    "type": "oauthSetting",
                    "oAuthSettings": {
                        "identityProvider": "aad",
                        "clientId": client,
                        "scopes": [],
                        "redirectMode": "GlobalPerConnector",
                        "properties": {"IsFirstParty": "False", "AzureActiveDirectoryResourceId": resource},
                        "customParameters": {
                            "loginUri": {"value": login},
                            "tenantId": {"value": tenant},
                            "resourceUri": {"value": resource},
                        },
                    },
                }
            },
            "iconBrandColor": ACCENT,
            "capabilities": ["actions"],
            "publisher": "update-profile",
            "stackOwner": "Microsoft",
            "policyTemplateInstances": [
                {
                    "templateId": "setheader",
                    "title": "Ask for failures as application/json",
                    "parameters": {
                        "x-ms-apimTemplateParameter.name": "Accept",
                        "x-ms-apimTemplateParameter.value": "application/json",
                        "x-ms-apimTemplateParameter.existsAction": "override",
                        "x-ms-apimTemplate-policySection": "Request",
                    },
                }
            ],
        }
    }
