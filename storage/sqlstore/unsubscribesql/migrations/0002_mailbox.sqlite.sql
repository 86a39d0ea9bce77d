-- Mailboxes are found, and read through, within one registry.

DROP INDEX troth_unsubscribe_entry_mailbox;

CREATE INDEX troth_unsubscribe_entry_mailbox ON troth_unsubscribe_entry (tenant, mailbox) WHERE mailbox <> addr_key;
