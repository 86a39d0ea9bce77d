package audittest

import (
	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// logStrayChecks are of rows that stand where no other method reads.
var logStrayChecks = []check{
	{"nothing is astray in an empty store, nor in two logs", func(r *rig) {
		r.wantStray("", "an empty store")
		r.twoLogs()
		r.wantStray("", "two logs")
	}},
	{"an entry of no log is astray", func(r *rig) {
		r.twoLogs()
		r.appendLog(logRow("acme", 3, 0, 1))
		r.wantStray("troth_audit_entry", "an entry of log 3")
	}},
	{"an entry is astray where there is no log at all", func(r *rig) {
		r.appendLog(logRow("acme", 1, 0, 1))
		r.wantStray("troth_audit_entry", "an entry without a head")
	}},
	{"a tile of no log, or of a level that no log has, is astray", func(r *rig) {
		r.twoLogs()
		r.must(r.store.PutTiles(r.Context(), 1, []audit.Tile{tileOf(8, 0, 1)}))
		r.wantStray("troth_audit_tile", "a tile of level 8")
	}},
	{"the end of a tenant is astray in no log, and without a name", func(r *rig) {
		r.twoLogs()
		r.must(r.store.PutTenantHeads(r.Context(), 2, []audit.TenantHead{{Tenant: "", Number: 1}}))
		r.wantStray("troth_audit_tenant", "the end of a tenant without a name")
	}},
	{"a checkpoint of no log is astray", func(r *rig) {
		r.twoLogs()
		r.must(r.store.PutCheckpoint(r.Context(), checkpointOf(77, 5)))
		r.wantStray("troth_audit_checkpoint", "a checkpoint of log 77")
	}},
	{"indexes fit the rows of an empty store, and of two logs, also after some were destroyed", func(r *rig) {
		r.wantIndexed("an empty store")
		r.twoLogs()
		r.wantIndexed("two logs")
		by := numberedID(1, 2)
		redaction := audit.Redaction{Tenant: "acme", ID: numberedID(1, 0), By: by}
		r.want(ok(r.store.Redact(r.Context(), redaction))(r), "nothing was redacted")
		ok(r.store.Prune(r.Context(), audit.Pruning{Log: 2, Before: 1, By: by}, 9))(r)
		r.wantIndexed("two logs with a redacted entry and a pruned one")
	}},
}

// twoLogs writes two logs with some of everything.
func (r *rig) twoLogs() {
	r.Helper()
	for _, log := range []int{1, 2} {
		r.want(ok(r.store.CreateHead(r.Context(), headOf(log)))(r), "log %d was not created", log)
		r.appendLog(logOf(log, 3, "acme", "~platform")...)
		r.must(r.store.PutTiles(r.Context(), log, []audit.Tile{tileOf(0, 0, 256), tileOf(7, 0, 1)}))
		heads := []audit.TenantHead{{Tenant: "acme", Number: 2}, {Tenant: troth.Platform, Number: 1}}
		r.must(r.store.PutTenantHeads(r.Context(), log, heads))
		r.must(r.store.PutCheckpoint(r.Context(), checkpointOf(log, 3)))
	}
}

// wantStray wants a row of that table astray, none if it is empty.
func (r *rig) wantStray(table, what string) {
	r.Helper()
	row, there := found(r.store.Stray(r.Context()))(r)
	r.want(there == (table != "") && row.Table == table, "%s: got %v of %q", what, there, row.Table)
	r.want(there == (row.Place != ""), "%s: the place is %q", what, row.Place)
}

// wantIndexed wants every index to fit the rows that there are, also where it is
// told of them twice.
func (r *rig) wantIndexed(what string) {
	r.Helper()
	heads := ok(r.store.Heads(r.Context()))(r)
	check := r.store.Indexes(heads)
	if check == nil {
		return
	}
	r.must(check.Read(r.Context()))
	for range 2 {
		check.Begin()
		for _, h := range heads {
			for _, row := range ok(r.store.LogRange(r.Context(), h.Log, 0, 99))(r) {
				check.Row(&row)
			}
		}
	}
	row, there := found(check.Misindexed(r.Context()))(r)
	r.want(!there && row.Table == "", "%s: %s, %s does not fit", what, row.Table, row.Place)
}
