"""Whether the chain asks for a tip that payouts do not offer."""

from openpool_management.services.ports.chain import Chain, ChainUnavailable


def tip_warning(chain: Chain, priority_fee_wei: int) -> str:
    """A sentence when the node suggests more than priority_fee_wei for each unit of gas, else ''.

    Many nodes suggest nothing on a chain that takes no tips, and some know no such question:
    neither is worth a word.
    """
    try:
        suggested_wei = chain.priority_fee_wei()
    except ChainUnavailable:
        return ""
    if suggested_wei <= priority_fee_wei:
        return ""
    return (
        f"{chain.name} suggests a tip of {suggested_wei} wei for each unit of gas, and payouts "
        f"offer {priority_fee_wei}: if transfers wait long for a block, set "
        f"OPENPOOL_PRIORITY_FEE_WEI to {suggested_wei}."
    )
