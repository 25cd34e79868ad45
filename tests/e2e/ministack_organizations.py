"""Patches what MiniStack's Organizations says of accounts where it differs from AWS.

- ListAccounts returns the state of each account and its path through the units, and no more than MaxResults accounts a page. MiniStack
  has a status, a path of names, and one page.
- The condition key aws:PrincipalOrgPaths has the path of the principal's account. MiniStack does not know it.

Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgpaths
"""

import functools

from ministack.core import iam_evaluator
from ministack.services import organizations

def path(account: dict) -> str:
    """From the organization to the unit that the account is in, with `/` at the end."""
    parts, parent = [], account["_ParentId"]
    while unit := organizations._ous.get(parent):
        parts.insert(0, parent)
        parent = unit["_ParentId"]
    return "/".join([organizations._orgs["self"]["Id"], parent, *parts, ""])


def list_accounts(payload):
    organizations._ensure_org()
    first, size = int(payload.get("NextToken", 0)), payload.get("MaxResults", 20)
    accounts = [
        {
            **{name: value for name, value in organizations._public_account(account).items() if name not in ("Path", "Status")},
            "State": account["Status"],
            "Paths": [f"{path(account)}{account['Id']}/"],
        }
        for account in organizations._accounts.values()
    ]
    page = {"Accounts": accounts[first : first + size]}
    if first + size < len(accounts):
        page["NextToken"] = str(first + size)
    return organizations._json(200, page)


def condition_key_with_paths(resolve_condition_key, key, context):
    if key.lower() == "aws:principalorgpaths":
        account = organizations._accounts.get(context.principal_account)
        return [path(account)] if account else None
    return resolve_condition_key(key, context)


def apply():
    handlers = next(value for value in vars(organizations).values() if isinstance(value, dict) and "ListAccounts" in value)
    handlers["ListAccounts"] = list_accounts
    # Other patches have changed it.
    iam_evaluator._resolve_condition_key = functools.partial(condition_key_with_paths, iam_evaluator._resolve_condition_key)
