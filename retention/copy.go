package retention

import "github.com/trothdev/troth/deadline"

// Copy is a place in which records lie. A record is gone when it is gone from
// all of them.
type Copy struct {
	Name string   `json:"copy"`
	Kind CopyKind `json:"kind"`
	// Of is the copy that this one is made of. It inherits: where that one must go,
	// this one must. Empty is the record itself.
	Of string `json:"of,omitempty"`
	// Classes are those of whose records it is made; empty is all that lie in what it
	// is made of.
	Classes []string `json:"classes,omitempty"`
	// Lag is how long it takes at most, after the order, until the copy is gone.
	Lag deadline.Period `json:"lag,omitzero"`
	// Rotation is how long something stays in a copy from which single records are
	// not deleted: the oldest backup, the oldest line of a log. It counts from the
	// moment at which what it is made of is gone.
	Rotation deadline.Period `json:"rotation,omitzero"`
}

// CopyKind says what a copy is, and so what deletes it.
type CopyKind string

const (
	// Primary is the host's own database.
	Primary CopyKind = "primary"
	// SearchIndex is an index that is made of it.
	SearchIndex CopyKind = "search-index"
	// Analytics is a warehouse, or another place for counting.
	Analytics CopyKind = "analytics"
	// Provider is a processor who was given data.
	Provider CopyKind = "provider"
	// Logs rotate.
	Logs CopyKind = "logs"
	// WALArchive is a database's archived log, kept for recovery; it rotates.
	WALArchive CopyKind = "wal-archive"
	// Backup is a set of backups; it rotates.
	Backup CopyKind = "backup"
	// Paper is destroyed by people, who confirm it.
	Paper CopyKind = "paper"
)

// Rotates reports whether copies of the kind are left to expire, because single
// records are not deleted from them.
func (k CopyKind) Rotates() bool { return k == Logs || k == WALArchive || k == Backup }

// Manual reports whether people delete copies of the kind and confirm it.
func (k CopyKind) Manual() bool { return k == Paper }
