"""What a notebook uses: the report it writes, findings, frames and formats."""
