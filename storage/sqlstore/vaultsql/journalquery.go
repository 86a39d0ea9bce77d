package vaultsql

import (
	"strings"

	"github.com/trothdev/troth/storage/sqlstore"
)

// journalQueries are the statements of the erasure journal, ready to run.
type journalQueries struct {
	insertLine, line, waiting, held, ack, state, begin, move, unfollow, unack string

	bury, buried string

	rootsAfter, peopleAfter, keysAfter, exportsAfter string

	putRoot, putKey string
}

const (
	lineColumns = "tenant, entry, line, died_at, acked_at"
	lineValues  = "substr(tenant, 1, 256), substr(entry, 1, 17), substr(line, 1, 131073), died_at, acked_at"
	// entriesAtOnce is how many entries one statement names, and namesAtOnce how
	// many buried names.
	entriesAtOnce = 64
	namesAtOnce   = 4
)

// theirs says that a root's seal is taken over from a backup: it is gone there, or
// lies under the key that the tenant moved to last.
const theirs = "(excluded.sealed IS NULL OR excluded.moved_at >= troth_vault_root.moved_at)"

// places are n placeholders.
func places(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

func newJournalQueries(d sqlstore.Dialect) *journalQueries {
	q := &journalQueries{
		insertLine: `INSERT INTO troth_vault_line (` + lineColumns + `) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		line:       `SELECT ` + lineValues + ` FROM troth_vault_line WHERE tenant = ? AND entry = ?`,
		waiting: `SELECT ` + lineValues + ` FROM troth_vault_line
			WHERE acked_at = 0 ORDER BY died_at, entry LIMIT ?`,
		held: `SELECT DISTINCT substr(entry, 1, 17) FROM troth_vault_line WHERE entry IN (` + places(entriesAtOnce) + `)`,
		ack: `UPDATE troth_vault_line SET acked_at = ?
			WHERE acked_at = 0 AND entry IN (` + places(entriesAtOnce) + `)`,
		state: `SELECT COALESCE((SELECT position FROM troth_vault_journal), 0),
			COALESCE((SELECT substr(digest, 1, 33) FROM troth_vault_journal), ?), COUNT(*), COALESCE(MIN(died_at), 0)
			FROM troth_vault_line WHERE acked_at = 0`,
		begin:    `INSERT INTO troth_vault_journal (one, position, digest) VALUES (1, ?, ?) ON CONFLICT DO NOTHING`,
		move:     `UPDATE troth_vault_journal SET position = ?, digest = ? WHERE position = ?`,
		unfollow: `DELETE FROM troth_vault_journal`,
		unack:    `UPDATE troth_vault_line SET acked_at = 0 WHERE acked_at <> 0`,

		bury:   `INSERT INTO troth_vault_buried (name, entry, died_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		buried: `SELECT DISTINCT name, entry, died_at FROM troth_vault_buried WHERE name IN (` + places(namesAtOnce) + `)`,

		rootsAfter: `SELECT ` + rootValues + ` FROM troth_vault_root
			WHERE (tenant, lineage, epoch) > (?, ?, ?) ORDER BY tenant, lineage, epoch LIMIT ?`,
		// Somebody may have keys and no row, if a row was taken away.
		peopleAfter: `SELECT n.tenant, n.subject, COALESCE(p.closed_at, 0), substr(p.evidence, 1, 17), (SELECT COUNT(*) FROM troth_vault_key k
				WHERE k.tenant = n.tenant AND k.subject = n.subject AND k.shredded_at = 0)
			FROM (SELECT a.tenant, a.subject FROM (SELECT tenant, subject FROM troth_vault_person
					WHERE (tenant, subject) > (?, ?) ORDER BY tenant, subject LIMIT ?) a
				UNION SELECT b.tenant, b.subject FROM (SELECT DISTINCT tenant, subject FROM troth_vault_key
					WHERE (tenant, subject) > (?, ?) ORDER BY tenant, subject LIMIT ?) b) n
			LEFT JOIN troth_vault_person p ON p.tenant = n.tenant AND p.subject = n.subject
			ORDER BY n.tenant, n.subject LIMIT ?`,
		keysAfter: `SELECT ` + keyValues + ` FROM troth_vault_key
			WHERE (tenant, subject, compartment, generation) > (?, ?, ?, ?)
			ORDER BY tenant, subject, compartment, generation LIMIT ?`,
		exportsAfter: `SELECT tenant, substr(subject, 1, 1025), substr(compartment, 1, 1025), exported_at FROM troth_vault_export
			WHERE (tenant, subject, compartment) > (?, ?, ?) ORDER BY tenant, subject, compartment LIMIT ?`,
		// The first that is put is the lineage's first; the others are not.
		putRoot: `INSERT INTO troth_vault_root (` + rootColumns + `, evidence, restored_at, origin)
			SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CASE WHEN EXISTS (
				SELECT 1 FROM troth_vault_root WHERE tenant = ? AND lineage = ? AND origin = 1) THEN 0 ELSE 1 END
			WHERE 1 = 1
			ON CONFLICT (tenant, lineage, epoch) DO UPDATE SET
				sealed = CASE WHEN ` + theirs + ` THEN excluded.sealed ELSE troth_vault_root.sealed END,
				kek = CASE WHEN ` + theirs + ` THEN excluded.kek ELSE troth_vault_root.kek END,
				moved_at = CASE WHEN ` + theirs + ` THEN excluded.moved_at ELSE troth_vault_root.moved_at END,
				superseded_at = CASE WHEN excluded.sealed IS NULL OR excluded.superseded_at <> 0 THEN excluded.superseded_at ELSE troth_vault_root.superseded_at END,
				shredded_at = excluded.shredded_at, retired_at = excluded.retired_at, evidence = excluded.evidence,
				restored_at = CASE WHEN excluded.sealed IS NULL THEN excluded.restored_at ELSE troth_vault_root.restored_at END
			WHERE troth_vault_root.shredded_at = 0 AND (excluded.shredded_at <> 0
				OR (troth_vault_root.commitment = excluded.commitment AND troth_vault_root.sealed IS NOT NULL
					AND (excluded.sealed IS NULL OR excluded.moved_at > troth_vault_root.moved_at
						OR (troth_vault_root.superseded_at = 0 AND excluded.superseded_at <> 0))))`,
		putKey: `INSERT INTO troth_vault_key (` + keyColumns + `, evidence, retired, restored_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, subject, compartment, generation) DO UPDATE SET sealed = excluded.sealed,
				flag = excluded.flag, evidence = excluded.evidence, retired = excluded.retired,
				epoch = CASE WHEN excluded.epoch > troth_vault_key.epoch THEN excluded.epoch ELSE troth_vault_key.epoch END,
				first_epoch = CASE WHEN excluded.shredded_at <> 0 AND excluded.first_epoch < troth_vault_key.first_epoch
					THEN excluded.first_epoch ELSE troth_vault_key.first_epoch END,
				restored_at = CASE WHEN excluded.shredded_at <> 0 THEN excluded.restored_at ELSE troth_vault_key.restored_at END,
				shredded_at = excluded.shredded_at
			WHERE troth_vault_key.shredded_at = 0 AND (excluded.shredded_at <> 0
				OR (excluded.epoch > troth_vault_key.epoch AND excluded.commitment = troth_vault_key.commitment))`,
	}
	for _, text := range []*string{
		&q.insertLine, &q.line, &q.waiting, &q.held, &q.ack, &q.state, &q.begin, &q.move, &q.unfollow, &q.unack,
		&q.bury, &q.buried, &q.rootsAfter, &q.peopleAfter, &q.keysAfter, &q.exportsAfter,
		&q.putRoot, &q.putKey,
	} {
		*text = d.Rebind(*text)
	}
	return q
}
