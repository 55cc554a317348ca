"""What `expand` can follow: checked by kind alone, before anything is followed.

A path is refused for what its objects are, not for what they happen to hold: on an empty list or
an unset field a wrong path is as wrong as anywhere else.
"""

from typing import Any, Final

from sandbox.stripe.errors import invalid

Doc = dict[str, Any]

LEVELS_MAX: Final = 4
EXPANDABLE: Final[dict[str, dict[str, str]]] = {
    kind: dict(pair.split("=") for pair in fields.split())
    for kind, fields in {
        "payment_intent": "application=application customer=customer latest_charge=charge"
        " on_behalf_of=account payment_method=payment_method review=review"
        " transfer_data.destination=account",
        "setup_intent": "application=application customer=customer latest_attempt=setup_attempt"
        " mandate=mandate on_behalf_of=account payment_method=payment_method",
        "setup_attempt": "customer=customer payment_method=payment_method"
        " setup_intent=setup_intent",
        "charge": "application=application application_fee=application_fee"
        " balance_transaction=balance_transaction customer=customer"
        " failure_balance_transaction=balance_transaction on_behalf_of=account"
        " payment_intent=payment_intent refunds=list review=review source_transfer=transfer"
        " transfer=transfer transfer_data.destination=account",
        "refund": "balance_transaction=balance_transaction charge=charge"
        " failure_balance_transaction=balance_transaction payment_intent=payment_intent"
        " source_transfer_reversal=transfer_reversal transfer_reversal=transfer_reversal",
        "transfer": "balance_transaction=balance_transaction destination=account"
        " destination_payment=charge reversals=list source_transaction=charge",
        "transfer_reversal": "balance_transaction=balance_transaction"
        " destination_payment_refund=refund source_refund=refund transfer=transfer",
        "application_fee": "account=account application=application"
        " balance_transaction=balance_transaction charge=charge originating_transaction=charge"
        " refunds=list",
        "fee_refund": "balance_transaction=balance_transaction fee=application_fee",
        "balance_transaction": "source=*",
        "payment_method": "customer=customer",
        "payout": "balance_transaction=balance_transaction destination=bank_account"
        " failure_balance_transaction=balance_transaction original_payout=payout"
        " reversed_by=payout",
        "customer": "default_source=* sources=list"
        " invoice_settings.default_payment_method=payment_method",
        "account": "external_accounts=list",
        "balance": "instant_available.net_available=list",
        "bank_account": "account=account",
        "card": "account=account",
        "dispute": "charge=charge payment_intent=payment_intent",
        "radar.early_fraud_warning": "charge=charge payment_intent=payment_intent",
        "review": "charge=charge payment_intent=payment_intent",
        "topup": "balance_transaction=balance_transaction",
    }.items()
}
"""Field to the kind of what it names; `*` names objects of several kinds."""
LISTED: Final = {
    "reversals": "transfer_reversal",
    "external_accounts": "bank_account",
    "capabilities": "capability",
    "early_fraud_warnings": "radar.early_fraud_warning",
    "history": "balance_transaction",
}
"""The kinds of lists whose address does not end with their plural."""


def kind_of_list(url: str) -> str:
    """What a list at an address holds."""
    parts = url.removesuffix("/search").strip("/").split("/")
    if parts[-1] == "refunds" and "application_fees" in parts:
        return "fee_refund"
    return LISTED.get(parts[-1], parts[-1].removesuffix("s"))


def check_path(doc: Doc, path: str) -> None:
    """Refuse a path that no object of this kind could have."""
    parts = path.split(".")
    kind = str(doc.get("object", ""))
    if kind in ("list", "search_result"):
        if parts[0] != "data":
            raise not_expandable(path)
        kind, parts = kind_of_list(str(doc.get("url", ""))), parts[1:]
    if len(parts) > LEVELS_MAX:
        raise invalid(
            "You cannot expand more than 4 levels of a property. Property: " + path, param="expand"
        )
    within = ""
    for part in parts:
        within = f"{within}.{part}" if within else part
        if within in EXPANDABLE.get(kind, {}):
            kind, within = EXPANDABLE[kind][within], ""
        elif not leads_on(kind, within):
            raise not_expandable(path)
        if kind == "*":
            return
    if within:
        raise not_expandable(path)


def leads_on(kind: str, within: str) -> bool:
    """Some expandable field lies below this one."""
    return any(field.startswith(within + ".") for field in EXPANDABLE.get(kind, {}))


def not_expandable(path: str) -> Exception:
    """400."""
    return invalid(
        f"This property cannot be expanded ({path}). You may want to try expanding another"
        " property.",
        param="expand",
    )
