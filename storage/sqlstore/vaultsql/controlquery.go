package vaultsql

import (
	"strings"

	"github.com/trothdev/troth/storage/sqlstore"
)

const (
	restrictionValues = "tenant, substr(id, 1, 17), substr(subject, 1, 1025), substr(excepted, 1, 4097), substr(ground, 1, 1025), " +
		"made_at, lifted_at, substr(grant_id, 1, 17), substr(lifted_by, 1, 17), substr(mac, 1, 33)"
	grantRow    = "tenant, id, subject, restriction, ground, announced_at, made_at, mac"
	grantValues = "tenant, substr(id, 1, 17), substr(subject, 1, 1025), substr(restriction, 1, 17), substr(ground, 1, 1025), " +
		"announced_at, made_at, substr(mac, 1, 33)"
	personValues = "tenant, subject, closed_at, substr(evidence, 1, 17), restricted"
	// Both as the indexes say it.
	controlKey    = "(shredded_at <> 0 OR evidence IS NOT NULL OR flag IS NOT NULL)"
	controlPerson = "(closed_at <> 0 OR evidence IS NOT NULL OR restricted <> 0)"
)

// controlQueries are the statements about control rows.
type controlQueries struct {
	personKeys, resealKey               string
	keysNamed, rootsNamed, personNamed  string
	stonesOfKeys, stonesOfRoots, closed string
	retiredOf                           string

	insertRestriction, restrict, lift, unrestrict    string
	restriction, restrictions, restrictionsPage      string
	insertGrant, grant, grants, grantsPage           string
	livingPage, controlPage, personsPage, nextTenant string
	mark, setMark                                    string
}

func (q *controlQueries) all() []*string {
	return []*string{
		&q.personKeys, &q.resealKey, &q.keysNamed, &q.rootsNamed, &q.personNamed, &q.stonesOfKeys, &q.stonesOfRoots, &q.closed, &q.retiredOf,
		&q.insertRestriction, &q.restrict, &q.lift, &q.unrestrict, &q.restriction, &q.restrictions, &q.restrictionsPage,
		&q.insertGrant, &q.grant, &q.grants, &q.grantsPage,
		&q.livingPage, &q.controlPage, &q.personsPage, &q.nextTenant, &q.mark, &q.setMark,
	}
}

func newControlQueries(d sqlstore.Dialect) controlQueries {
	// SQLite, which counts no rows, takes the primary key where it spares a sort.
	by := func(index string) string {
		if d == sqlstore.SQLite {
			return " INDEXED BY troth_vault_" + index
		}
		return ""
	}
	q := controlQueries{
		personKeys: `SELECT ` + keyValues + ` FROM troth_vault_key
			WHERE tenant = ? AND subject = ? AND retired = 0 ORDER BY compartment, generation`,
		resealKey: `UPDATE troth_vault_key SET sealed = ?, flag = ?
			WHERE tenant = ? AND subject = ? AND compartment = ? AND generation = ? AND shredded_at = 0 AND sealed = ?`,

		keysNamed: `UPDATE troth_vault_key SET evidence = ?
			WHERE tenant = ? AND subject = ? AND shredded_at = ? AND shredded_at <> 0 AND evidence IS NULL`,
		rootsNamed: `UPDATE troth_vault_root SET evidence = ?
			WHERE tenant = ? AND shredded_at = ? AND shredded_at <> 0 AND evidence IS NULL`,
		personNamed: `UPDATE troth_vault_person SET evidence = ?
			WHERE tenant = ? AND subject = ? AND closed_at = ? AND closed_at <> 0 AND evidence IS NULL`,
		stonesOfKeys: `SELECT ` + keyValues + ` FROM troth_vault_key` + by("key_evidence") + `
			WHERE tenant = ? AND evidence = ? AND retired = 0 ORDER BY subject, compartment, generation`,
		retiredOf: `SELECT ` + keyValues + ` FROM troth_vault_key` + by("key_evidence") + `
			WHERE tenant = ? AND evidence = ? AND retired = 1 ORDER BY subject, compartment, generation`,
		stonesOfRoots: `SELECT ` + rootValues + ` FROM troth_vault_root WHERE tenant = ? AND evidence = ? ORDER BY lineage, epoch`,
		closed: `SELECT ` + personValues + ` FROM troth_vault_person` + by("person_evidence") + `
			WHERE tenant = ? AND evidence = ? ORDER BY subject`,

		insertRestriction: `INSERT INTO troth_vault_restriction (tenant, id, subject, excepted, ground, made_at, mac)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		restrict: `INSERT INTO troth_vault_person (tenant, subject, restricted) VALUES (?, ?, 1)
			ON CONFLICT (tenant, subject) DO UPDATE SET restricted = troth_vault_person.restricted + 1`,
		lift: `UPDATE troth_vault_restriction SET lifted_at = ?, grant_id = ?, lifted_by = ?, mac = ?
			WHERE tenant = ? AND id = ? AND lifted_at = 0`,
		unrestrict: `UPDATE troth_vault_person SET restricted = restricted - 1
			WHERE tenant = ? AND restricted > 0 AND subject = (
				SELECT subject FROM troth_vault_restriction WHERE tenant = ? AND id = ?)`,
		restriction: `SELECT ` + restrictionValues + ` FROM troth_vault_restriction WHERE tenant = ? AND id = ?`,
		restrictions: `SELECT ` + restrictionValues + ` FROM troth_vault_restriction
			WHERE tenant = ? AND subject = ? ORDER BY id`,
		restrictionsPage: `SELECT ` + restrictionValues + ` FROM troth_vault_restriction
			WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?`,
		insertGrant: `INSERT INTO troth_vault_grant (` + grantRow + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		grant:       `SELECT ` + grantValues + ` FROM troth_vault_grant WHERE tenant = ? AND id = ?`,
		grants:      `SELECT ` + grantValues + ` FROM troth_vault_grant WHERE tenant = ? AND subject = ? ORDER BY id`,
		grantsPage:  `SELECT ` + grantValues + ` FROM troth_vault_grant WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?`,

		personsPage: `SELECT ` + personValues + ` FROM troth_vault_person` + by("person_control") + `
			WHERE tenant = ? AND subject > ? AND ` + controlPerson + ` ORDER BY subject LIMIT ?`,
		mark: `SELECT substr(mark, 1, 4097) FROM troth_vault_mark WHERE name = ?`,
		setMark: `INSERT INTO troth_vault_mark (name, mark) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET mark = excluded.mark`,
	}
	from := `SELECT ` + keyValues + ` FROM troth_vault_key`
	behind := ` WHERE tenant = ? AND (subject, compartment, generation) > (?, ?, ?) AND retired = 0 AND `
	inOrder := ` ORDER BY subject, compartment, generation LIMIT ?`
	q.livingPage = from + behind + `shredded_at = 0` + inOrder
	q.controlPage = from + by("key_control") + behind + controlKey + inOrder
	// The next tenant of each table is one step in its index.
	var next []string
	for _, table := range tenantTables {
		next = append(next, "SELECT MIN(tenant) AS tenant FROM troth_vault_"+table+" WHERE tenant > ?")
	}
	q.nextTenant = "SELECT MIN(tenant) FROM (" + strings.Join(next, " UNION ALL ") + ") n"
	return q
}

// tenantTables are those in which a tenant may be found.
var tenantTables = []string{"root", "key", "person", "restriction", "grant"}

func (q *controlQueries) rebind(d sqlstore.Dialect) {
	for _, text := range q.all() {
		*text = d.Rebind(*text)
	}
}
