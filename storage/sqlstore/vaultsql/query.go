package vaultsql

import (
	"slices"

	"github.com/trothdev/troth/storage/sqlstore"
)

const (
	rootColumns = "tenant, lineage, epoch, sealed, commitment, created_at, shredded_at, superseded_at, retired_at, kek, moved_at"
	keyColumns  = "tenant, subject, compartment, generation, key_id, epoch, first_epoch, sealed, commitment, created_at, shredded_at, flag"
	// What is read is cut where it is too long already, for the scan to refuse.
	rootValues = "tenant, lineage, epoch, substr(sealed, 1, 4097), substr(commitment, 1, 33), created_at, shredded_at, " +
		"superseded_at, retired_at, substr(kek, 1, 1025), moved_at, substr(evidence, 1, 17), restored_at"
	keyValues = "tenant, subject, compartment, generation, key_id, epoch, first_epoch, " +
		"substr(sealed, 1, 4097), substr(commitment, 1, 33), created_at, shredded_at, substr(flag, 1, 4097), substr(evidence, 1, 17), retired, restored_at"
	windowRow    = "tenant, id, actor, home, purpose, opened_at, until_at, closed_at"
	windowValues = "substr(tenant, 1, 256), substr(id, 1, 17), substr(actor, 1, 256), substr(home, 1, 256), " +
		"substr(purpose, 1, 256), opened_at, until_at, closed_at"
)

// queries are the statements of one dialect, ready to run.
type queries struct {
	root, rootAt, insertRoot, shredRoots, entombRoot, rootsLeft string

	keys, insertKey, compartments, shredKeys, entombKey, keysLeft string

	person, insertPerson, closePerson string
	// The locks differ: SQLite has one writer, who holds everybody.
	lockRoot, lockShared, lockExclusive string
	// Advisory locks, PostgreSQL only.
	hold, holds string

	insertWindow, closeWindow, lapsed string

	managed, setManaged string

	keyQueries
	epochQueries
	rotationQueries
	controlQueries
}

func newQueries(d sqlstore.Dialect) *queries {
	q := common()
	q.controlQueries = newControlQueries(d)
	if d == sqlstore.Postgres {
		q.forPostgres()
	} else {
		q.forSQLite()
	}
	q.addEpochs(d)
	q.addRotation(d)
	for _, text := range slices.Concat(q.all(), q.epochQueries.all(), q.rotationQueries.all(), q.keyQueries.all()) {
		*text = d.Rebind(*text)
	}
	q.controlQueries.rebind(d)
	return q
}

func (q *queries) all() []*string {
	return []*string{
		&q.root, &q.rootAt, &q.insertRoot, &q.shredRoots, &q.entombRoot, &q.rootsLeft,
		&q.keys, &q.insertKey, &q.compartments, &q.shredKeys, &q.entombKey, &q.keysLeft,
		&q.person, &q.insertPerson, &q.closePerson, &q.lockRoot, &q.lockShared, &q.lockExclusive,
		&q.hold, &q.holds,
		&q.insertWindow, &q.closeWindow, &q.lapsed, &q.managed, &q.setManaged,
	}
}

func common() *queries {
	return &queries{
		keyQueries: newKeyQueries(),

		root: `SELECT ` + rootValues + ` FROM troth_vault_root
			WHERE tenant = ? AND lineage = ? ORDER BY epoch DESC LIMIT 1`,
		rootAt: `SELECT ` + rootValues + ` FROM troth_vault_root
			WHERE tenant = ? AND lineage = ? AND epoch = ?`,
		insertRoot: `INSERT INTO troth_vault_root (` + rootColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
		shredRoots: `UPDATE troth_vault_root SET sealed = NULL, shredded_at = ?
			WHERE tenant = ? AND lineage = ? AND shredded_at = 0 RETURNING ` + rootValues,
		// A root that another transaction inserts meanwhile is waited for, and
		// emptied.
		entombRoot: `INSERT INTO troth_vault_root (` + rootColumns + `)
			SELECT ?, ?, 0, NULL, ?, ?, ?, 0, 0, '', 0 WHERE NOT EXISTS (
				SELECT 1 FROM troth_vault_root WHERE tenant = ? AND lineage = ?)
			ON CONFLICT (tenant, lineage) WHERE origin = 1 DO UPDATE SET sealed = NULL, shredded_at = excluded.shredded_at
				WHERE troth_vault_root.shredded_at = 0
			RETURNING ` + rootValues,
		rootsLeft: `SELECT COUNT(*), COUNT(CASE WHEN sealed IS NOT NULL OR shredded_at = 0 THEN 1 END)
			FROM troth_vault_root WHERE tenant = ? AND lineage = ?`,

		keys: `SELECT ` + keyValues + ` FROM troth_vault_key
			WHERE tenant = ? AND subject = ? AND compartment = ? AND retired = 0 ORDER BY generation DESC LIMIT ?`,
		insertKey: `INSERT INTO troth_vault_key (` + keyColumns + `)
			SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (
				SELECT 1 FROM troth_vault_root WHERE tenant = ? AND lineage = ? AND epoch = ?
				AND (superseded_at <> 0 OR sealed IS NULL))
			ON CONFLICT DO NOTHING`,
		compartments: `SELECT DISTINCT compartment FROM troth_vault_key
			WHERE tenant = ? AND subject = ? AND shredded_at = 0`,
		shredKeys: `UPDATE troth_vault_key SET sealed = NULL, shredded_at = ?
			WHERE tenant = ? AND subject = ? AND compartment = ? AND shredded_at = 0 RETURNING ` + keyValues,
		entombKey: `INSERT INTO troth_vault_key (` + keyColumns + `)
			SELECT ?, ?, ?, 1, 0, 0, 0, NULL, ?, ?, ?, NULL WHERE NOT EXISTS (
				SELECT 1 FROM troth_vault_key WHERE tenant = ? AND subject = ? AND compartment = ?)
			ON CONFLICT (tenant, subject, compartment, generation)
				DO UPDATE SET sealed = NULL, shredded_at = excluded.shredded_at
				WHERE troth_vault_key.shredded_at = 0
			RETURNING ` + keyValues,
		keysLeft: `SELECT COUNT(*), COUNT(CASE WHEN sealed IS NOT NULL OR shredded_at = 0 THEN 1 END)
			FROM troth_vault_key WHERE tenant = ? AND subject = ? AND compartment = ?`,

		person: `SELECT COALESCE((SELECT closed_at FROM troth_vault_person WHERE tenant = ? AND subject = ?), 0),
			COALESCE((SELECT shredded_at FROM troth_vault_root
				WHERE tenant = ? AND lineage = ? ORDER BY epoch DESC LIMIT 1), 0),
			COALESCE((SELECT restricted FROM troth_vault_person WHERE tenant = ? AND subject = ?), 0)`,
		insertPerson: `INSERT INTO troth_vault_person (tenant, subject) VALUES (?, ?) ON CONFLICT DO NOTHING`,
		closePerson: `INSERT INTO troth_vault_person (tenant, subject, closed_at) VALUES (?, ?, ?)
			ON CONFLICT (tenant, subject) DO UPDATE SET closed_at = excluded.closed_at
				WHERE troth_vault_person.closed_at = 0`,
		lockRoot: `SELECT shredded_at, epoch, superseded_at FROM troth_vault_root
			WHERE tenant = ? AND lineage = ? ORDER BY epoch DESC LIMIT 1`,
		lockShared: `SELECT closed_at, restricted FROM troth_vault_person WHERE tenant = ? AND subject = ?`,

		insertWindow: `INSERT INTO troth_vault_window (` + windowRow + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		closeWindow: `UPDATE troth_vault_window SET closed_at = ?
			WHERE tenant = ? AND id = ? AND closed_at = 0`,
		lapsed: `SELECT ` + windowValues + ` FROM troth_vault_window
			WHERE closed_at = 0 AND until_at < ? ORDER BY until_at, tenant, id LIMIT ?`,

		managed:    `SELECT value FROM troth_vault_setting WHERE name = 'managed'`,
		setManaged: `INSERT INTO troth_vault_setting (name, value) VALUES ('managed', 1) ON CONFLICT DO NOTHING`,
	}
}

func (q *queries) forSQLite() {
	q.lockExclusive = q.lockShared
}

func (q *queries) forPostgres() {
	q.lockRoot += " FOR SHARE"
	q.lockExclusive = q.lockShared + " FOR UPDATE"
	q.lockShared += " FOR SHARE"
	q.hold = `SELECT pg_advisory_xact_lock(?)`
	q.holds = `SELECT pg_try_advisory_xact_lock_shared(?)`
}
