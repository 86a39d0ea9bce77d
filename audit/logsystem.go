package audit

import (
	"context"

	"github.com/trothdev/troth"
)

// LogSystem is what the sequencer and the verifier need of storage across
// tenants. Sizes, indexes and numbers are below 1<<62.
type LogSystem interface {
	// Elect reports whether the transaction of ctx is the only one that moves
	// the log, until it ends. It does not wait. Where there is one writer at
	// most it is true.
	Elect(ctx context.Context) (elected bool, err error)

	// Heads returns the logs of the store in ascending order. All but the last
	// are closed.
	Heads(ctx context.Context) ([]Head, error)
	// CreateHead adds a log, whose number is one above the last, and closes the
	// one before. created is false, and nothing changed, if the number is
	// taken or leaves a gap.
	CreateHead(ctx context.Context, h Head) (created bool, err error)
	// MoveHead sets size, root, signer and tag. moved is false, and nothing changed, unless
	// the log is open and stands exactly at From, size, root and signer: this is what
	// keeps a late sequencer from forking it, or from signing it with an old key.
	MoveHead(ctx context.Context, m HeadMove) (moved bool, err error)

	// TakeInbox removes rows of all tenants from the inbox and returns them, in
	// ascending order of time and ID, the earliest first, at most limit. An
	// envelope longer than [MaxEnvelope] is not loaded: its row comes with
	// none. Where a row cannot be read it returns a *[RowError] of its table, and
	// nothing was removed.
	TakeInbox(ctx context.Context, limit int) ([]InboxRow, error)
	// Quarantine moves rows from the inbox to a place of their own, verbatim, and
	// with them every row that TakeInbox cannot read; it returns how many were
	// there. Backlog counts them apart.
	Quarantine(ctx context.Context, ids []TenantEntry) (moved int, err error)

	// AppendLog adds entries. It returns [ErrDuplicate] if the log has one of
	// that index, or the tenant one of that id, or of that number in the log;
	// the transaction must end then.
	AppendLog(ctx context.Context, rows []LogRow) error
	// LogRange returns entries of one log from an index on, in ascending order,
	// at most limit. As with LogEntries, a leaf that is too long is not loaded.
	// With a [RowError] come the rows before the one that it names.
	LogRange(ctx context.Context, log int, from uint64, limit int) ([]LogRow, error)
	// LeafHashes returns the hashes of the entries in [from, to), in order, 32
	// bytes each. One that is missing is left out.
	LeafHashes(ctx context.Context, log int, from, to uint64) ([]byte, error)
	// Known returns those of the ids that are in a log.
	Known(ctx context.Context, ids []TenantEntry) ([]TenantEntry, error)

	// PutTiles writes tiles, over those of the same place.
	PutTiles(ctx context.Context, log int, tiles []Tile) error
	// Tile returns the hashes of a tile; found is false if there is none.
	Tile(ctx context.Context, log, level int, n uint64) (hashes []byte, found bool, err error)
	// Tiles returns the tiles of one level from n on, in ascending order, at
	// most limit.
	Tiles(ctx context.Context, log, level int, n uint64, limit int) ([]Tile, error)

	// PutTenantHeads writes where tenants end in the log.
	PutTenantHeads(ctx context.Context, log int, heads []TenantHead) error
	// TenantHeads returns those of the tenants after the given one, in ascending
	// order of their names by bytes, at most limit.
	TenantHeads(ctx context.Context, log int, after troth.Tenant, limit int) ([]TenantHead, error)

	// PutCheckpoint keeps a signed checkpoint, over one of the same size, unless
	// that was signed later. A note that is empty or longer than [MaxNote] is
	// [ErrNote].
	PutCheckpoint(ctx context.Context, c CheckpointRow) error
	// Checkpoint returns the newest checkpoint of the log whose size is at most
	// the given one.
	Checkpoint(ctx context.Context, log int, size uint64) (c CheckpointRow, found bool, err error)
	// Checkpoints returns those of the log of at least the given size, in
	// ascending order of size, at most limit.
	Checkpoints(ctx context.Context, log int, size uint64, limit int) ([]CheckpointRow, error)
	// DropCheckpoints deletes those of the given sizes.
	DropCheckpoints(ctx context.Context, log int, sizes []uint64) error

	// Stray looks in the tables of entries, tiles, tenants and checkpoints for a
	// row that no other method reads: of a log that has no head, at a place
	// below zero, of a level that is not in [0, 8), or of a tenant without a
	// name. found is false if there is none; which of several it returns is
	// open.
	Stray(ctx context.Context) (row RowError, found bool, err error)

	// Indexes returns what compares the indexes of the tables of the log with their
	// rows, where the store has such as somebody could edit apart from the rows, which
	// would hide rows from some queries and not from others; nil where it has none.
	// Entries are compared up to the sizes of the heads.
	Indexes(heads []Head) IndexCheck

	// Prune deletes the entries of the log below the index, their parts, and the
	// tiles of level 0 that hold nothing else, and keeps Before and By in the
	// head, unless it was pruned as far before. At most limit entries are deleted
	// in one call, from the lowest on; left is how many are still there.
	Prune(ctx context.Context, p Pruning, limit int) (left int, err error)
}

// IndexCheck is one comparison of indexes with rows.
type IndexCheck interface {
	// Read reads the indexes. It may take long, is called once, and beside Begin and
	// Row, but no query of it holds a connection for long where there are many entries.
	Read(ctx context.Context) error
	// Begin forgets which rows it was told of.
	Begin()
	// Row tells of an entry of the log: of each once, in any order.
	Row(row *LogRow)
	// Misindexed returns one row or index that does not fit the entries that it was told
	// of, or the rows of another table; found is false if all do. It is called after
	// the others.
	Misindexed(ctx context.Context) (row RowError, found bool, err error)
}

// Head is the state of a log.
type Head struct {
	Log int
	// Origin names it, see the C2SP text on checkpoints.
	Origin string
	Size   uint64
	// Root is the root hash of the Merkle tree of that size.
	Root [32]byte
	// Salt blinds the names of tenants in the tenant map.
	Salt [32]byte
	// Signer is the verifier key of who signs its checkpoints now.
	Signer string
	// Tag authenticates what stands above, under a key that the store has not:
	// who can only write to the database cannot add to the log what would be
	// signed next.
	Tag [32]byte
	// Closed says that a later log took over.
	Closed bool
	// Pruned is the index below which entries were destroyed, and PrunedBy the
	// entry that tells why; zero if none were.
	Pruned   uint64
	PrunedBy troth.EntryID
}

// HeadMove moves a head from one state to the next.
type HeadMove struct {
	Log      int
	FromSize uint64
	FromRoot [32]byte
	// FromSigner is whose log it is up to now: who moves it without having looked must
	// not take a rotation back.
	FromSigner string
	Size       uint64
	Root       [32]byte
	Signer     string
	Tag        [32]byte
}

// TenantEntry names an entry.
type TenantEntry struct {
	Tenant troth.Tenant
	ID     troth.EntryID
}

// Tile is the hashes of up to 256 neighbours in one level of the tree, 32 bytes
// each: level 0 has leaf hashes, and each hash of a level above stands for a
// complete tile of the level below it.
type Tile struct {
	Level int
	// N is its place in the level, from 0.
	N      uint64
	Hashes []byte
}

// CheckpointRow is one signed checkpoint.
type CheckpointRow struct {
	Log  int
	Size uint64
	// SignedAt is microseconds since 1970, UTC.
	SignedAt int64
	// Note is the signed note, with the cosignatures that came in.
	Note []byte
}

// MaxNote is the longest signed note of a checkpoint, in bytes. Longer ones are
// neither stored nor read.
const MaxNote = 64 << 10

// Pruning says how much of a log goes.
type Pruning struct {
	Log int
	// Before is the first index that stays, a multiple of 256.
	Before uint64
	By     troth.EntryID
}
