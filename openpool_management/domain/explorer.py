"""Where people look at transactions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explorer:
    """An explorer of one chain. A transaction's hash is put after url, which is None for none."""

    chain_id: int
    url: str | None = None

    def link(self, chain_id: int, tx_hash: str | None) -> str | None:
        """The page of a transaction, None for one of another chain, which it does not know."""
        if not (self.url and tx_hash and chain_id == self.chain_id):
            return None
        return f"{self.url}{tx_hash}"
