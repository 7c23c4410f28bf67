"""What the client tests share: servers, Java tools, raw frames, record sets, ledgers."""
