package vaultsql

// keyQueries are the statements about generations and key-encryption keys.
type keyQueries struct {
	rewrapRoot, newestKeys, retireKey, retired string
}

func (q *keyQueries) all() []*string {
	return []*string{&q.rewrapRoot, &q.newestKeys, &q.retireKey, &q.retired}
}

func newKeyQueries() keyQueries {
	return keyQueries{
		rewrapRoot: `UPDATE troth_vault_root SET sealed = ?, kek = ?, moved_at = ?
			WHERE tenant = ? AND lineage = ? AND epoch = ? AND shredded_at = 0 AND sealed = ?`,

		newestKeys: `SELECT ` + keyValues + ` FROM troth_vault_key k
			WHERE tenant = ? AND (subject, compartment) > (?, ?) AND shredded_at = 0
				AND generation = (SELECT MAX(n.generation) FROM troth_vault_key n
					WHERE n.tenant = k.tenant AND n.subject = k.subject AND n.compartment = k.compartment)
			ORDER BY subject, compartment LIMIT ?`,
		retireKey: `UPDATE troth_vault_key SET sealed = NULL, shredded_at = ?, retired = 1
			WHERE tenant = ? AND subject = ? AND compartment = ? AND generation = ? AND shredded_at = 0
				AND EXISTS (SELECT 1 FROM troth_vault_key n
					WHERE n.tenant = ? AND n.subject = ? AND n.compartment = ? AND n.generation > ? AND n.shredded_at = 0)
			RETURNING ` + keyValues,
		retired: `SELECT COUNT(*), COUNT(CASE WHEN sealed IS NOT NULL OR shredded_at = 0 OR retired = 0 THEN 1 END)
			FROM troth_vault_key WHERE tenant = ? AND subject = ? AND compartment = ? AND generation = ?`,
	}
}
