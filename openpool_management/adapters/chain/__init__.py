"""An EIP-1559 chain, over JSON-RPC."""
