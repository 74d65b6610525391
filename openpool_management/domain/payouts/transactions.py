"""Transfers of ETH: what is to be signed, and what signed bytes hold (EIP-1559, type 2)."""

from dataclasses import dataclass, field

from eth_account import Account as EthAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

TRANSACTION_TYPE = 2


@dataclass(frozen=True, slots=True)
class Transfer:
    """A plain transfer that nobody has signed. gas is a limit in gas units; to is EIP-55 text."""

    chain_id: int
    nonce: int
    to: str
    value_wei: int
    gas: int
    max_fee_wei: int
    max_priority_fee_wei: int

    @property
    def most_wei(self) -> int:
        """What the sender needs to have for it: the value, and the gas at its highest price."""
        return self.value_wei + self.gas * self.max_fee_wei

    def fields(self) -> dict[str, object]:
        """The transaction in the names and types of the JSON-RPC and eth-account."""
        return {
            "type": TRANSACTION_TYPE,
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "to": self.to,
            "value": self.value_wei,
            "gas": self.gas,
            "maxFeePerGas": self.max_fee_wei,
            "maxPriorityFeePerGas": self.max_priority_fee_wei,
            "data": b"",
        }


@dataclass(frozen=True, slots=True)
class SignedTransfer:
    """Signed bytes with what they hold. Whoever has the bytes can send them, so no repr has."""

    hash: str
    sender: str
    transfer: Transfer
    raw: bytes = field(repr=False)


class WrongSignature(Exception):
    """A signer gave back something other than what it was asked to sign."""


def read_signed(raw: bytes) -> SignedTransfer:
    """What signed bytes hold. Raises WrongSignature for anything but a plain type 2 transfer."""
    try:
        fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = EthAccount.recover_transaction(raw)
        if fields["type"] != TRANSACTION_TYPE or bytes(fields["data"]) or fields["accessList"]:
            raise ValueError("no plain transfer")
        transfer = Transfer(
            chain_id=int(fields["chainId"]),
            nonce=int(fields["nonce"]),
            to=str(to_checksum_address(fields["to"])),
            value_wei=int(fields["value"]),
            gas=int(fields["gas"]),
            max_fee_wei=int(fields["maxFeePerGas"]),
            max_priority_fee_wei=int(fields["maxPriorityFeePerGas"]),
        )
    except Exception:  # noqa: BLE001
        # Whatever the decoder raised may quote the bytes, which nobody may read in a log.
        raise WrongSignature("The signer's answer is no signed transfer of type 2.") from None
    return SignedTransfer("0x" + keccak(raw).hex(), str(sender), transfer, raw)


def signed_as_asked(raw: bytes, asked: Transfer, sender: str) -> SignedTransfer:
    """The signed bytes, made sure to be what was asked for, by that sender.

    Raises WrongSignature, which names what differs.
    """
    signed = read_signed(raw)
    if signed.transfer != asked:
        raise WrongSignature(
            f"The signer signed another transfer than it was asked to: {signed.transfer} "
            f"instead of {asked}. Nothing was sent."
        )
    if signed.sender != sender:
        raise WrongSignature(
            f"The signer signed with the key of {signed.sender} instead of {sender}. "
            "Nothing was sent."
        )
    return signed
