"""What the agent has taken, kept on this machine: raw lines, signed entries, blobs, receipts, the fate of every slot.

`store` is the door (class `Journal`); `chain` is pure and is what `verify` uses; `salvage` goes on after damage. The
other modules are the journal's own parts. This file stays empty of imports, so that `chain` can be had without SQLite.
"""
