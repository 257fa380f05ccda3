"""The tables of the journal, and the triggers that make them append-only.

Triggers guard against mistakes of programs and hands, not against somebody who owns the file: that is what the signed
chain and the backend's receipts are for. `insert or replace` deletes without a delete trigger unless
`recursive_triggers` is on in that connection, so the insert triggers refuse an existing key as well.
"""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "ENTRY_LINKED", "TABLES", "TRIGGERS", "VERSION"]

VERSION = 1
"""`user_version` of the file."""
APPLICATION_ID = 0x63616A31
"""`application_id` of the file: "caj1"."""

TABLES = """
create table entry(
  seq integer primary key check (seq >= 0),
  prev text not null,
  sha256 text not null unique,
  kind text not null,
  run text,
  payload blob not null,
  envelope blob not null,
  created text not null
) strict;
create index entry_run on entry(run, kind) where run is not null;

-- what an entry's statement names by digest; held: the bytes were in `blob` when the entry was stored
create table mention(
  seq integer not null references entry(seq),
  sha256 text not null,
  held integer not null check (held in (0, 1)),
  primary key (seq, sha256)
) strict, without rowid;
create index mention_sha256 on mention(sha256);

-- raw lines of one asset in one run, as they happened
create table exchange(
  run text not null,
  asset text not null,
  n integer not null check (n >= 0),
  body blob not null,
  stored text not null,
  primary key (run, asset, n)
) strict;

create table blob(
  sha256 text primary key,
  data blob not null,
  stored text not null  -- when it was last put: an unnamed blob is not dropped while its entry is being made
) strict;
create table pruned(sha256 text primary key, at text not null) strict;

create table receipt(
  sha256 text primary key references entry(sha256),
  data blob not null,
  stored text not null
) strict;

create table outbox(
  seq integer primary key references entry(seq),
  attempts integer not null default 0 check (attempts >= 0),
  next_try text,
  noted text,           -- when the attempt was noted, to recognise a clock that was set back
  last_error text,
  receipted integer not null default 0 check (receipted in (0, 1)),  -- repeats `receipt`, for the index
  rejected text         -- why the backend will never take it; null: it may still
) strict;
create index outbox_waiting on outbox(seq) where receipted = 0 and rejected is null;

-- what a salvage could not bring over from a damaged file: `entry:<seq>` or `sha256:<hex>`
create table lost(name text primary key, at text not null) strict;

create table slot(
  job text not null,
  due text not null,
  state text not null check (state in ('expected', 'started', 'done', 'failed', 'skipped', 'missed')),
  started text,
  ended text,
  reason text,
  primary key (job, due)
) strict;
create index slot_open on slot(due) where state in ('expected', 'started');
"""

_FROZEN = {
    "entry": "seq, prev, sha256, kind, run, payload, envelope, created",
    "mention": "seq, sha256, held",
    "exchange": "run, asset, n, body, stored",
    "blob": "sha256, data",
    "receipt": "sha256, data, stored",
}
_NEVER_DELETED = ("entry", "mention", "receipt", "pruned", "lost")
_KEYS = {
    "entry": "seq = new.seq or sha256 = new.sha256",
    "mention": "seq = new.seq and sha256 = new.sha256",
    "exchange": "run = new.run and asset = new.asset and n = new.n",
    "blob": "sha256 = new.sha256",
    "receipt": "sha256 = new.sha256",
}


def _guards() -> str:
    """Write the triggers that are alike for all tables of evidence."""
    lines = [
        f"create trigger {table}_fixed before update of {columns} on {table} "
        f"begin select raise(abort, '{table} is append-only: no update'); end;"
        for table, columns in _FROZEN.items()
    ]
    lines += [
        f"create trigger {table}_kept before delete on {table} "
        f"begin select raise(abort, '{table} is append-only: no delete'); end;"
        for table in _NEVER_DELETED
    ]
    lines += [
        f"create trigger {table}_once before insert on {table} when exists (select 1 from {table} where {same}) "  # noqa: S608 (the names above)
        f"begin select raise(abort, '{table} is append-only: no replace'); end;"
        for table, same in _KEYS.items()
    ]
    return "\n".join(lines)


ENTRY_LINKED = """
create trigger entry_linked before insert on entry
when new.seq is not coalesce((select max(seq) + 1 from entry), 0)
  or new.prev is not coalesce((select sha256 from entry where seq = new.seq - 1), printf('%064d', 0))
begin select raise(abort, 'entry does not follow the newest one'); end;
"""
"""Apart from the others, because a salvage brings over a chain with holes."""

_LEAVE = """
create trigger exchange_kept before delete on exchange
when exists (select 1 from entry e where e.run = old.run and e.sha256 not in (select sha256 from receipt))
  or not exists (select 1 from entry e where e.run = old.run and e.kind in ('run', 'run-abort'))
begin select raise(abort, 'exchange belongs to a run without receipt'); end;

create trigger blob_kept before delete on blob
when exists (select 1 from mention m join entry e on e.seq = m.seq
             where m.sha256 = old.sha256 and e.sha256 not in (select sha256 from receipt))
begin select raise(abort, 'blob belongs to an entry without receipt'); end;

create trigger slot_ended before update on slot
when old.state in ('done', 'failed', 'skipped', 'missed')
begin select raise(abort, 'slot has ended'); end;

create trigger slot_kept before delete on slot
when old.state in ('expected', 'started')
begin select raise(abort, 'slot has not ended'); end;
"""

TRIGGERS = _guards() + ENTRY_LINKED + _LEAVE
