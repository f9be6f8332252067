-- How access was lost is a code now; what stood here were the sentences told to the owner.
UPDATE mailboxes SET link_cause = CASE
    WHEN link <> 'needs_reconnect' THEN ''
    WHEN link_cause LIKE 'The permission to read and label%' THEN 'scope'
    WHEN link_cause LIKE 'The organisation''s administrator%' THEN 'policy'
    WHEN link_cause LIKE 'This Google account has no Gmail%' THEN 'no_gmail'
    WHEN link_cause LIKE 'The access you gave can no longer%' THEN 'sealed'
    ELSE 'grant'
END
WHERE link_cause <> '';
