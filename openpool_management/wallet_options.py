"""The options of the chain, the wallet, its key and gas; Settings is made of them."""

from typing import Annotated, Any, Self

from annotated_types import Interval
from pydantic import BaseModel, Field, model_validator

from openpool_management.options import Option
from openpool_management.payout_checks import (
    Address,
    HttpUrl,
    HttpUrls,
    KeystoreFile,
    KeystorePassword,
    PrivateKey,
    Switch,
    Wei,
)

ARBITRUM_ONE = 42161


def _explorer(given: dict[str, Any]) -> str | None:
    return "https://arbiscan.io/tx/" if given["chain_id"] == ARBITRUM_ONE else None


class WalletOptions(BaseModel):
    """How payouts reach the chain. Amounts are wei; signer_url may hold a password."""

    eth_rpc_endpoint: Annotated[
        HttpUrls,
        Option(
            "ETH_RPC_ENDPOINT",
            "URLs",
            "Nodes of the chain. The first is asked first and sends; the others are witnesses.",
            shown="hidden",
        ),
    ] = None
    chain_id: Annotated[
        int,
        # The largest that EIP-2294 allows.
        Interval(ge=1, le=9_223_372_036_854_775_771),
        Option("CHAIN_ID", "number", "Chain that the nodes must be on; 42161 is Arbitrum One."),
    ] = ARBITRUM_ONE
    explorer_url: Annotated[
        HttpUrl,
        Option(
            "OPENPOOL_EXPLORER_URL",
            "URL",
            "Where people look at a transaction: its hash is put after this.",
            default_text="https://arbiscan.io/tx/ on Arbitrum One, else none",
        ),
    ] = Field(default_factory=_explorer)
    payout_sender: Annotated[
        Address,
        Option(
            "OPENPOOL_PAYOUT_SENDER",
            "address",
            "Address that payouts come from. It must be that of the key; "
            "a remote signer needs to be told it.",
        ),
    ] = None
    eth_keystore: Annotated[
        KeystoreFile, Option("ETH_KEYSTORE", "path", "Keystore file with the key of payouts.")
    ] = None
    eth_keystore_password: Annotated[
        KeystorePassword,
        Option(
            "ETH_KEYSTORE_PASSWORD",
            "text or path",
            "Password of the keystore, or a file that holds it.",
            shown="hidden",
        ),
    ] = None
    eth_private_key: Annotated[
        PrivateKey,
        Option(
            "ETH_PRIVATE_KEY",
            "hex or path",
            "Key of payouts as hex digits, for development; or a keystore file, "
            "opened with ETH_KEYSTORE_PASSWORD.",
            shown="hidden",
        ),
    ] = None
    signer_url: Annotated[
        HttpUrl,
        Option(
            "OPENPOOL_SIGNER_URL",
            "URL",
            "Remote signer that answers eth_signTransaction, such as Web3Signer or Clef.",
            shown="hidden",
        ),
    ] = None
    development: Annotated[
        Switch,
        Option("OPENPOOL_DEVELOPMENT", "yes/no", "Don't warn of a key in ETH_PRIVATE_KEY."),
    ] = False
    wallet_reserve_wei: Annotated[
        Wei,
        Option(
            "OPENPOOL_WALLET_RESERVE_WEI",
            "wei",
            "What payouts leave in the wallet, so that gas can be paid to unblock one.",
        ),
    ] = 10**15
    max_gas_price_wei: Annotated[
        Wei,
        Option(
            "MAX_GAS_PRICE_WEI",
            "wei",
            "Highest price of one unit of gas; above it payouts wait.",
        ),
    ] = 10**9
    gas_limit: Annotated[
        int,
        Interval(ge=21_000, le=32_000_000),
        Option(
            "GAS_LIMIT",
            "gas",
            "A payout that would need more gas is refused. On Arbitrum the price of L1 is in the "
            "gas, so it is far above the 21000 of a transfer.",
        ),
    ] = 2_000_000
    priority_fee_wei: Annotated[
        Wei,
        Option(
            "OPENPOOL_PRIORITY_FEE_WEI",
            "wei",
            "Tip for one unit of gas; Arbitrum One takes none.",
        ),
    ] = 0

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """The nodes, the one that sends first. They may hold secrets: never print them."""
        if self.eth_rpc_endpoint is None:
            return ()
        urls = self.eth_rpc_endpoint.get_secret_value().split(",")
        return tuple(dict.fromkeys(url.strip() for url in urls))

    @property
    def key_options(self) -> tuple[str, ...]:
        """Names of the options that state a key."""
        keys = {
            "ETH_KEYSTORE": self.eth_keystore,
            "ETH_PRIVATE_KEY": self.eth_private_key,
            "OPENPOOL_SIGNER_URL": self.signer_url,
        }
        return tuple(name for name, value in keys.items() if value is not None)

    @model_validator(mode="after")
    def _tip_fits_price(self) -> Self:
        if self.priority_fee_wei > self.max_gas_price_wei:
            raise ValueError(
                f"OPENPOOL_PRIORITY_FEE_WEI is {self.priority_fee_wei} and MAX_GAS_PRICE_WEI is "
                f"{self.max_gas_price_wei}: the tip is part of the price; lower it or raise the "
                "other."
            )
        return self

    def missing_to_pay(self) -> list[str]:
        """A sentence for each thing that live payouts need and that is not there."""
        problems = []
        keys = self.key_options
        if self.eth_rpc_endpoint is None:
            problems.append(
                "OPENPOOL_PAYOUTS is live, but ETH_RPC_ENDPOINT is not set: "
                "set it to the URL of a node of the chain."
            )
        if not keys:
            problems.append(
                "OPENPOOL_PAYOUTS is live, but there is no key: set ETH_KEYSTORE with "
                "ETH_KEYSTORE_PASSWORD, ETH_PRIVATE_KEY, or OPENPOOL_SIGNER_URL with "
                "OPENPOOL_PAYOUT_SENDER."
            )
        if len(keys) > 1:
            problems.append(
                f"{' and '.join(keys)} are set, but live payouts have one key: keep one of them."
            )
        if self.eth_keystore is not None and self.eth_keystore_password is None:
            problems.append(
                f'ETH_KEYSTORE is "{self.eth_keystore}", but ETH_KEYSTORE_PASSWORD is not set: '
                "set it to the password or to the path of a file that holds it."
            )
        if self.signer_url is not None and self.payout_sender is None:
            problems.append(
                "OPENPOOL_SIGNER_URL is set, but OPENPOOL_PAYOUT_SENDER is not: "
                "set it to the address that the remote signer is to sign for."
            )
        return problems
