package audittest

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// logTxChecks hold every method of the log to the transaction of its context.
var logTxChecks = []check{
	{"the log's methods work in the caller's transaction and see its work", func(r *rig) {
		r.atomically(func(ctx context.Context) {
			r.writeLog(ctx)
			r.wantLog(ctx, true)
		})
		r.wantLog(r.Context(), true)
	}},
	{"reads of the log outside of a transaction see committed rows only", func(r *rig) {
		r.atomically(func(ctx context.Context) {
			r.writeLog(ctx)
			r.wantLog(r.store.Transactor().Detach(ctx), false)
		})
	}},
	{"a rollback takes back what was written to the log", func(r *rig) {
		r.undone(r.Context(), r.writeLog)
		r.wantLog(r.Context(), false)
	}},
	{"a savepoint takes back what was written to the log in it", func(r *rig) {
		r.atomically(func(ctx context.Context) {
			r.undone(ctx, r.writeLog)
			r.wantLog(ctx, false)
		})
		r.wantLog(r.Context(), false)
	}},
	{"a rollback takes back what was destroyed in the log", func(r *rig) {
		rows := r.prunable()
		r.must(r.store.PutCheckpoint(r.Context(), checkpointOf(1, 5)))
		r.undone(r.Context(), func(ctx context.Context) {
			by := entryID(1)
			ok(r.store.Redact(ctx, audit.Redaction{Tenant: rows[599].Tenant, ID: rows[599].ID, By: by}))(r)
			ok(r.store.DropParts(ctx, audit.PartsDrop{Tenant: rows[599].Tenant, By: by, Before: 1 << 60, Limit: 99}))(r)
			r.must(r.store.DropCheckpoints(ctx, 1, []uint64{5}))
			ok(r.store.Prune(ctx, audit.Pruning{Log: 1, Before: 512, By: by}, 10_000))(r)
			ok(r.store.CreateHead(ctx, headOf(3)))(r)
		})
		r.wantPruned(rows, 0, 0)
		parts := ok(r.store.Parts(r.Context(), rows[599].Tenant, rows[599].ID))(r)
		r.want(len(parts) == 1 && parts[0].Box != nil, "a part that was dropped in it is lost")
		heads := ok(r.store.Heads(r.Context()))(r)
		r.want(len(heads) == 2 && !heads[1].Closed && heads[0].Pruned == 0, "the heads are %+v", heads)
		_, there := found(r.store.Checkpoint(r.Context(), 1, 5))(r)
		r.want(there, "a checkpoint that was dropped in it is lost")
	}},
	{"a cancelled context ends in its own error and without effect on the log", func(r *rig) {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		for name, call := range logCalls(r.store) {
			err := call(ctx)
			r.want(errors.Is(err, context.Canceled), "%s returned %v", name, err)
		}
		r.wantLog(r.Context(), false)
	}},
	{"the log's methods refuse a context whose transaction has ended", func(r *rig) {
		var ended context.Context
		r.atomically(func(ctx context.Context) {
			ended = ctx //nolint:fatcontext // misuse is what is tested
		})
		for name, call := range logCalls(r.store) {
			err := call(ended)
			r.want(errors.Is(err, troth.ErrTxDone), "%s returned %v", name, err)
		}
		r.wantLog(r.Context(), false)
	}},
}

// writeLog writes one of each.
func (r *rig) writeLog(ctx context.Context) {
	r.Helper()
	r.want(ok(r.store.CreateHead(ctx, headOf(1)))(r), "the log was not created")
	r.want(ok(r.store.MoveHead(ctx, moveOf(101)))(r), "the head was not moved")
	r.append(ctx, entry("acme", 1))
	r.append(ctx, entry("acme", 2))
	r.want(ok(r.store.Quarantine(ctx, []audit.TenantEntry{{Tenant: "acme", ID: entryID(2)}}))(r) == 1, "it was not moved")
	r.want(len(ok(r.store.TakeInbox(ctx, 1))(r)) == 1, "it was not taken")
	r.must(r.store.AppendLog(ctx, logOf(1, 2, "acme")))
	r.must(r.store.PutTiles(ctx, 1, []audit.Tile{tileOf(0, 0, 1)}))
	r.must(r.store.PutTenantHeads(ctx, 1, []audit.TenantHead{{Tenant: "acme", Number: 1}}))
	r.must(r.store.PutCheckpoint(ctx, checkpointOf(1, 1)))
	r.must(r.store.InsertParts(ctx, "acme", []audit.PartRow{partOf(numberedID(1, 0), 0)}))
}

// wantLog holds what is read to what writeLog writes, or to nothing.
func (r *rig) wantLog(ctx context.Context, there bool) {
	r.Helper()
	id := numberedID(1, 0)
	_, entry := found(r.store.LogEntry(ctx, "acme", id))(r)
	_, head := found(r.store.TenantHead(ctx, 1, "acme"))(r)
	_, tile := found(r.store.Tile(ctx, 1, 0, 0))(r)
	_, checkpoint := found(r.store.Checkpoint(ctx, 1, 9))(r)
	b := r.backlog(ctx)
	for name, got := range map[string]bool{
		"Heads": len(ok(r.store.Heads(ctx))(r)) == 1, "LogEntries": len(r.tenantLog(ctx, "acme")) == 2,
		"LogEntry": entry, "TenantHead": head, "LogRange": len(r.logRange(ctx, 1)) == 2,
		"LeafHashes": len(ok(r.store.LeafHashes(ctx, 1, 0, 9))(r)) == 64,
		"Known":      len(ok(r.store.Known(ctx, []audit.TenantEntry{{Tenant: "acme", ID: id}}))(r)) == 1,
		"Tile":       tile, "Tiles": len(ok(r.store.Tiles(ctx, 1, 0, 0, 9))(r)) == 1,
		"TenantHeads": len(ok(r.store.TenantHeads(ctx, 1, "", 9))(r)) == 1,
		"Checkpoint":  checkpoint, "Checkpoints": len(ok(r.store.Checkpoints(ctx, 1, 0, 9))(r)) == 1,
		"Parts": len(ok(r.store.Parts(ctx, "acme", id))(r)) == 1, "Backlog": b.Quarantined == 1,
	} {
		r.want(got == there, "%s sees it: %v, want %v", name, got, there)
	}
	r.want(b.Count == 0, "%d wait in the inbox", b.Count)
}

// logCalls are all methods of the log that take a context.
func logCalls(s audit.Backend) map[string]func(ctx context.Context) error {
	id := numberedID(1, 0)
	name := []audit.TenantEntry{{Tenant: "acme", ID: id}}
	return map[string]func(ctx context.Context) error{
		"LogEntries": func(ctx context.Context) error {
			_, err := s.LogEntries(ctx, audit.LogPage{Tenant: "acme", Limit: 1})
			return err
		},
		"LogEntry":   func(ctx context.Context) error { _, _, err := s.LogEntry(ctx, "acme", id); return err },
		"Stray":      func(ctx context.Context) error { _, _, err := s.Stray(ctx); return err },
		"TenantHead": func(ctx context.Context) error { _, _, err := s.TenantHead(ctx, 1, "acme"); return err },
		"Redact": func(ctx context.Context) error {
			_, err := s.Redact(ctx, audit.Redaction{Tenant: "acme", ID: id, By: id})
			return err
		},
		"InsertParts": func(ctx context.Context) error { return s.InsertParts(ctx, "acme", []audit.PartRow{partOf(id, 0)}) },
		"Parts":       func(ctx context.Context) error { _, err := s.Parts(ctx, "acme", id); return err },
		"DropParts": func(ctx context.Context) error {
			_, err := s.DropParts(ctx, audit.PartsDrop{Tenant: "acme", By: id, Entry: id, Limit: 1})
			return err
		},
		"Elect":      func(ctx context.Context) error { _, err := s.Elect(ctx); return err },
		"Heads":      func(ctx context.Context) error { _, err := s.Heads(ctx); return err },
		"CreateHead": func(ctx context.Context) error { _, err := s.CreateHead(ctx, headOf(1)); return err },
		"MoveHead":   func(ctx context.Context) error { _, err := s.MoveHead(ctx, audit.HeadMove{Log: 1}); return err },
		"TakeInbox":  func(ctx context.Context) error { _, err := s.TakeInbox(ctx, 1); return err },
		"Quarantine": func(ctx context.Context) error { _, err := s.Quarantine(ctx, name); return err },
		"AppendLog":  func(ctx context.Context) error { return s.AppendLog(ctx, logOf(1, 1, "acme")) },
		"LogRange":   func(ctx context.Context) error { _, err := s.LogRange(ctx, 1, 0, 1); return err },
		"LeafHashes": func(ctx context.Context) error { _, err := s.LeafHashes(ctx, 1, 0, 1); return err },
		"Known":      func(ctx context.Context) error { _, err := s.Known(ctx, name); return err },
		"PutTiles":   func(ctx context.Context) error { return s.PutTiles(ctx, 1, []audit.Tile{tileOf(0, 0, 1)}) },
		"Tile":       func(ctx context.Context) error { _, _, err := s.Tile(ctx, 1, 0, 0); return err },
		"Tiles":      func(ctx context.Context) error { _, err := s.Tiles(ctx, 1, 0, 0, 1); return err },
		"PutTenantHeads": func(ctx context.Context) error {
			return s.PutTenantHeads(ctx, 1, []audit.TenantHead{{Tenant: "acme", Number: 1}})
		},
		"TenantHeads":     func(ctx context.Context) error { _, err := s.TenantHeads(ctx, 1, "", 1); return err },
		"PutCheckpoint":   func(ctx context.Context) error { return s.PutCheckpoint(ctx, checkpointOf(1, 1)) },
		"Checkpoint":      func(ctx context.Context) error { _, _, err := s.Checkpoint(ctx, 1, 1); return err },
		"Checkpoints":     func(ctx context.Context) error { _, err := s.Checkpoints(ctx, 1, 0, 1); return err },
		"DropCheckpoints": func(ctx context.Context) error { return s.DropCheckpoints(ctx, 1, []uint64{1}) },
		"Prune": func(ctx context.Context) error {
			_, err := s.Prune(ctx, audit.Pruning{Log: 1, Before: 256, By: id}, 1)
			return err
		},
	}
}
