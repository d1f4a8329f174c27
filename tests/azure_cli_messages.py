"""What Azure CLI prints when a deployment fails, by what it means.

The messages are those of azure-cli 2.91.0 (command_modules/appservice/custom.py, command_modules/storage/__init__.py),
which util.py of azure-cli-core prints, of the storage service, and of the issues that scripts/deploy_verdict.py names.
"""

# get_handler_suppress_some_400 of command_modules/storage/__init__.py puts these in place of the service's answer: no
# code and no number is left. Each begins with a line break.
BLOB_NEEDS_A_ROLE = """ERROR: \nYou do not have the required permissions needed to perform this operation.
Depending on your operation, you may need to be assigned one of the following roles:
    "Storage Blob Data Owner"
    "Storage Blob Data Contributor"
    "Storage Blob Data Reader"
    "Storage Queue Data Contributor"
    "Storage Queue Data Reader"
    "Storage Table Data Contributor"
    "Storage Table Data Reader"

If you want to use the old authentication method and allow querying for the right account key, please use the \
"--auth-mode" parameter and "key" value.
                    """
BLOB_MEETS_A_NETWORK_RULE = """ERROR: \nThe request may be blocked by network rules of storage account. Please check \
network rule set using 'az storage account show -n accountname --query networkRuleSet'.
If you want to change the default action to apply when no rule matches, please use 'az storage account update'.
                    """
UNEXPECTED = "ERROR: The command failed with an unexpected error. Here is the traceback:\n"

YOUNG = {
    "storage of flex": "ERROR: Zip deployment failed. {'status': 3}. These are the deployment logs: \n"
    '["InaccessibleStorageException: Failed to access storage account for deployment: Response status code does not'
    ' indicate success: 403 (This request is not authorized to perform this operation using this permission.)."]',
    "storage in the answer": "ERROR: An error occured during deployment. Status Code: 500, Details:"
    " InaccessibleStorageException: BlobUploadFailedException: 403",
    "upload of the host": "ERROR: Zip deployment failed. Failed to upload because Azure Storage responded with"
    " Forbidden : Response status code does not indicate success: 403.",
    "blob": BLOB_NEEDS_A_ROLE,
    "blob in colour": f"\x1b[31m{BLOB_NEEDS_A_ROLE}\x1b[0m",
    "blob's own words": "ERROR: This request is not authorized to perform this operation using this permission.\nT",
    "network of the app": "ERROR: Zip deployment failed. does not indicate success: 403 (This request is not authorized"
    " to perform this operation.).",
    "kudu": "ERROR: An error occured during deployment. Status Code: 403, Details: ",
    "endpoint": "WARNING: Deployment endpoint responded with status code 403 for deployment id \nERROR: {}",
    "msrest": "ERROR: Operation returned an invalid status 'Forbidden' (403)",
    "msrest without a number": "ERROR: Operation returned an invalid status code 'Forbidden'",
    "requests": "ERROR: 403 Client Error: Forbidden for url",
}
FINAL = {
    "stopped app": "ERROR: An error occured during deployment. Status Code: 403, Details: <h1>Error 403 - This web app"
    " is stopped.</h1>",
    "ip rule": "ERROR: (403) Ip Forbidden",
    "ip rule of kudu": "ERROR: An error occured during deployment. Status Code: 403, Details: Ip Forbidden",
    "network rule": "ERROR: HTTP status code 403. Your web app may have networking features enabled which are blocking"
    " access (such as Private Endpoints).",
    "network of the storage": BLOB_MEETS_A_NETWORK_RULE,
    "network of the storage, in its own words": "ERROR: This request is not authorized to perform this operation.\n"
    "ErrorCode:AuthorizationFailure",
    "conditional access": "ERROR: AADSTS53003: Access has been blocked by Conditional Access policies. 403 Forbidden",
    "policy": "ERROR: (RequestDisallowedByPolicy) Resource 'app' was disallowed by policy. Status Code: 403",
    "no role": "ERROR: (AuthorizationFailed) The client 'x' does not have authorization to perform action"
    " 'Microsoft.Web/sites/read' (403)",
    "keys": "ERROR: Status: 403 (Key based authentication is not permitted on this storage account.)",
    "403 in an id": "ERROR: An error occured during deployment. Status Code: 400, Details: correlation 1a403b2c",
    "403 as a time": "ERROR: An error occured during deployment. Status Code: 500, Details: took 403 ms",
    "kudu is away": "ERROR: An error occured during deployment. Status Code: 503, Details: Site Unavailable",
    "no such app": "ERROR: (ResourceNotFound) The Resource 'Microsoft.Web/sites/app' was not found.\nCode: 404",
    "name": "ERROR: Failed to resolve 'app.scm.azurewebsites.net' ([Errno -2] Name or service not known)",
    "other deployment": "ERROR: There may be an ongoing deployment. Please track your deployment in https://x",
    "cancelled": "ERROR: Deployment was cancelled and another deployment is in progress.",
    "number": "ERROR: quota of 14030 reached",
    "proxy": "ERROR: HTTPSConnectionPool(host='app.scm.azurewebsites.net', port=443): Max retries exceeded with url:"
    " /api/publish (Caused by ProxyError('Unable to connect to proxy', OSError('Tunnel connection failed: 403"
    " Forbidden')))",
    "page of a proxy": "ERROR: An error occured during deployment. Status Code: 403, Details: <html><head><title>403"
    " Forbidden</title></head><body>Blocked by the web gateway.</body></html>",
    "page of a proxy alone": "ERROR: Bad response: <html><head><title>403 Forbidden</title></head></html>",
    "linked scope": "ERROR: (LinkedAuthorizationFailed) The client has permission to perform action x, however, it does"
    " not have permission on the linked scope: (403) Forbidden",
    "tenant of the token": "ERROR: (InvalidAuthenticationTokenTenant) The access token is from the wrong issuer (403)",
    "rule of Azure": "ERROR: (RequestDisallowedByAzure) Resource 'app' was disallowed by Azure: 403 Forbidden",
    "unknown code of ARM": "ERROR: (ScopeIsFrozen) It cannot be changed.\nStatus Code: 403",
    "role on the app": "ERROR: An error occured during deployment. Status Code: 403, Details: Caller does not have"
    " permission to perform action Microsoft.Web/sites/publish/action",
    "403 in a storage's id": "ERROR: Zip deployment failed. {'id': 403}. These are the deployment logs: \n"
    '["InaccessibleStorageException: Failed to access storage account for deployment: Response status code does not'
    ' indicate success: 404 (The specified container does not exist.). Deployment 403."]',
    "nothing": "",
}
UNKNOWN = {
    "time-out": "ERROR: Timeout reached by the command, however, the deployment operation\n   is still on-going.",
    "status unknown": "ERROR: Failed to retrieve deployment status. Please try again in a few minutes.",
    "cut connection": UNEXPECTED + "ERROR: ('Connection aborted.', RemoteDisconnected('Remote end closed connection"
    " without response'))\nTraceback (most recent call last):\n  …",
    "reset connection": UNEXPECTED + "ERROR: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by"
    " peer'))",
    "no answer": UNEXPECTED + "ERROR: HTTPSConnectionPool(host='app.scm.azurewebsites.net', port=443): Read timed out.",
    "in part": 'ERROR: Deployment was partially successful. These are the deployment logs:\n["403 files"]',
}
IN_PLACE = {
    "unhealthy": "ERROR: Deployment was successful but the app appears to be unhealthy. Please check the app logs.",
    "host key": "ERROR: Failed to fetch host key to check for function app status",
    "host name": "ERROR: Failed to fetch host url for function app",
    "status page": "ERROR: HTTPSConnectionPool(host='a', port=443): Max retries exceeded with url: /admin/host/status",
}
