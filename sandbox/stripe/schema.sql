-- The emulator's whole state. Instants are microseconds of the virtual clock unless named wall.
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS counters (prefix TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;

-- Every API object as the JSON that is answered; the key "_" holds what is never shown.
-- The columns between created and body repeat what lists look for; parent is the one object it is
-- about: the source of a balance transaction, the charge of a refund, the transfer of a reversal.
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  account TEXT NOT NULL,
  created INTEGER NOT NULL,
  customer TEXT,
  payment_intent TEXT,
  parent TEXT,
  transfer_group TEXT,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS objects_listed ON objects (kind, account, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (kind, customer, seq)
  WHERE customer IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, payment_intent, seq)
  WHERE payment_intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (kind, parent, seq)
  WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_group ON objects (kind, transfer_group, seq)
  WHERE transfer_group IS NOT NULL;

-- What the last transactions changed, as it was before them: what a replica that lags still has.
-- A body of NULL: the object did not exist.
CREATE TABLE IF NOT EXISTS lag (
  tx INTEGER NOT NULL,
  id TEXT NOT NULL,
  seq INTEGER,
  kind TEXT,
  account TEXT,
  created INTEGER,
  customer TEXT,
  payment_intent TEXT,
  parent TEXT,
  transfer_group TEXT,
  body TEXT,
  PRIMARY KEY (tx, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lag_by_id ON lag (id, tx);
CREATE TABLE IF NOT EXISTS lag_balances (
  tx INTEGER NOT NULL,
  account TEXT NOT NULL,
  available INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  PRIMARY KEY (tx, account)
) STRICT, WITHOUT ROWID;

-- What the emulator does by itself when the clock gets there.
CREATE TABLE IF NOT EXISTS due (
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (kind, subject)
) STRICT;
CREATE INDEX IF NOT EXISTS due_in_order ON due (at, kind, subject);

-- One row a balance transaction: when its net becomes available.
CREATE TABLE IF NOT EXISTS funds (
  transaction_id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  currency TEXT NOT NULL,
  net INTEGER NOT NULL,
  available_on INTEGER NOT NULL,
  is_settled INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS funds_pending ON funds (account, available_on) WHERE is_settled = 0;
CREATE TABLE IF NOT EXISTS balances (
  account TEXT NOT NULL,
  currency TEXT NOT NULL,
  available INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  PRIMARY KEY (account, currency)
) STRICT;

-- Double entry over everybody, the outside world included: each journal sums to zero.
CREATE TABLE IF NOT EXISTS books (
  journal INTEGER NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  transaction_id TEXT,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS books_by_account ON books (account);

CREATE TABLE IF NOT EXISTS idempotency (
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  status INTEGER NOT NULL,
  body BLOB NOT NULL,
  request_id TEXT NOT NULL,
  should_retry INTEGER,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) STRICT;

CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed', 'dropped')),
  attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  is_wall INTEGER NOT NULL,
  answer TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (due_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event_id);

-- One row a try: what was wrong with it on purpose, and what came back.
CREATE TABLE IF NOT EXISTS attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  delivery INTEGER NOT NULL,
  at INTEGER NOT NULL,
  wall_at INTEGER NOT NULL,
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  fault TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS attempts_by_delivery ON attempts (delivery);

-- Money that tests moved between the platform's bank and its balance: the only movements that no
-- API object tells of.
CREATE TABLE IF NOT EXISTS floats (at INTEGER NOT NULL, cents INTEGER NOT NULL) STRICT;

-- Stripe's price of a card payment from an instant on; empty as long as it never changed.
CREATE TABLE IF NOT EXISTS prices (
  at INTEGER PRIMARY KEY,
  permille INTEGER NOT NULL,
  fixed INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rule TEXT NOT NULL,
  seen INTEGER NOT NULL,
  hits INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  wall_at INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  account TEXT NOT NULL,
  key TEXT,
  params TEXT NOT NULL,
  status INTEGER,
  decision TEXT NOT NULL,
  error_code TEXT,
  took_us INTEGER NOT NULL,
  faults TEXT,
  result TEXT
) STRICT;
