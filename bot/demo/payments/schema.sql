CREATE TABLE accounts (
    id integer PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL,
    balance_cents bigint NOT NULL DEFAULT 0,
    reported_at timestamptz
);
CREATE TABLE wallets (
    id integer PRIMARY KEY,
    balance_cents bigint NOT NULL CHECK (balance_cents >= 0)
);
CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wallet_id integer NOT NULL REFERENCES wallets,
    account_id integer NOT NULL REFERENCES accounts,
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    trace text NOT NULL,
    paid_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payments_paid_at ON payments (paid_at);

INSERT INTO accounts (id, name, kind)
SELECT n, name, 'merchant'
FROM unnest(ARRAY['Kiosk Nord', 'Café Linde', 'Bäckerei Sonntag', 'Metro Snacks', 'Blumen Arndt', 'Rad & Tat',
                  'Buchladen am Markt', 'Pizzeria Vesuv', 'City Parking', 'Kino Astra', 'Optik Klar', 'Hofladen Weber'])
     WITH ORDINALITY AS merchants (name, n);
INSERT INTO wallets (id, balance_cents)
SELECT n, CASE WHEN n % 20 = 0 THEN 600 + n ELSE 5000 + (n * 7919) % 300000 END FROM generate_series(1, 400) AS n;

GRANT SELECT, INSERT, UPDATE ON accounts, wallets, payments TO payments_app;
GRANT SELECT, UPDATE ON accounts TO reporting;
GRANT SELECT ON wallets, payments TO reporting;
GRANT pg_monitor TO nightdesk_ro;
GRANT SELECT ON accounts, wallets, payments TO nightdesk_ro;
ALTER ROLE nightdesk_ro SET default_transaction_read_only = on;
GRANT pg_signal_backend, pg_read_all_stats TO nightdesk_act;
