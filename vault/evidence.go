package vault

import (
	"context"
	"iter"

	"github.com/trothdev/troth"
)

// Evidence reads the trail for [Vault.Reconcile]. What it returns is believed:
// where the trail is stored, and whether it is whole, is for whoever verifies
// that.
type Evidence interface {
	// Acts yields the tenant's entries of one act that come behind the cursor,
	// in an order that does not change: those of the log, and then those that
	// wait for it. An empty cursor begins at the beginning. The loop's body may
	// write.
	Acts(ctx context.Context, tenant troth.Tenant, act, after string) iter.Seq2[Evidenced, error]
	// Find looks for one entry, wherever it is.
	Find(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (Evidenced, error)
}

// Evidenced is one entry as far as [Vault.Reconcile] wants to know it.
type Evidenced struct {
	ID    troth.EntryID
	State EvidenceState
	// Act and Facts are zero unless the entry is there.
	Act   string
	Facts troth.Facts
	// Cursor continues behind this entry; empty for one that waits.
	Cursor string
}

// EvidenceState is what became of an entry.
type EvidenceState int

const (
	// EvidenceAbsent: there is no such entry, and there was none.
	EvidenceAbsent EvidenceState = iota
	// EvidenceThere: it can be read.
	EvidenceThere
	// EvidenceGone: it was redacted, or may have been among those that were
	// pruned, or cannot be read, which is for whoever verifies the trail.
	EvidenceGone
)
