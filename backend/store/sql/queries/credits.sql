-- name: balance(mailbox_id, sender)$
SELECT balance FROM balances WHERE mailbox_id = :mailbox_id AND sender = :sender;

-- name: insert_entry(mailbox_id, posting_key, sender, posting, amount, about, day, now)!
INSERT INTO ledger (mailbox_id, posting_key, sender, posting, amount, about, day, posted_at)
VALUES (:mailbox_id, :posting_key, :sender, :posting, :amount, :about, :day, :now)
ON CONFLICT DO NOTHING;

-- name: add_to_balance(mailbox_id, sender, amount)!
INSERT INTO balances (mailbox_id, sender, balance) VALUES (:mailbox_id, :sender, :amount)
ON CONFLICT (mailbox_id, sender) DO UPDATE SET balance = balances.balance + excluded.balance;

-- name: take_from_balance(mailbox_id, sender, amount)!
-- `amount` is below 0. Nothing happens when it is not there.
UPDATE balances SET balance = balance + :amount
WHERE mailbox_id = :mailbox_id AND sender = :sender AND balance + :amount >= 0;

-- name: add_to_day(mailbox_id, day, posting, amount)!
INSERT INTO daily_totals (mailbox_id, day, posting, total) VALUES (:mailbox_id, :day, :posting, :amount)
ON CONFLICT (mailbox_id, day, posting) DO UPDATE SET total = daily_totals.total + excluded.total;

-- name: paid_for(mailbox_id, about)$
-- What a message has cost its sender by now: below 0 while a credit spent on it was not given back.
SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM ledger WHERE mailbox_id = :mailbox_id AND about = :about;

-- name: balance_differences()
SELECT mailbox_id, sender, CAST(SUM(kept) AS BIGINT) AS kept, CAST(SUM(posted) AS BIGINT) AS posted FROM (
    SELECT mailbox_id, sender, balance AS kept, 0 AS posted FROM balances
    UNION ALL
    SELECT mailbox_id, sender, 0 AS kept, amount AS posted FROM ledger
) AS both_sides
GROUP BY mailbox_id, sender HAVING SUM(kept) <> SUM(posted) ORDER BY mailbox_id, sender;

-- name: daily_differences()
SELECT mailbox_id, day, posting, CAST(SUM(kept) AS BIGINT) AS kept, CAST(SUM(posted) AS BIGINT) AS posted FROM (
    SELECT mailbox_id, day, posting, total AS kept, 0 AS posted FROM daily_totals
    UNION ALL
    SELECT mailbox_id, day, posting, 0 AS kept, amount AS posted FROM ledger
) AS both_sides
GROUP BY mailbox_id, day, posting HAVING SUM(kept) <> SUM(posted) ORDER BY mailbox_id, day, posting;
