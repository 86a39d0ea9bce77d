package vault

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Journal is a list of erasures that lies outside the database and its backups,
// so that a restored database can be told what died since: give one to
// [Config]. [OpenJournalFile] is one for a single machine. Hosts with more
// machines implement it on something that all of them share, such as an object
// store, a log service or a database of another kind.
//
// Lines are opaque: they name people by keyed hashes, and are authenticated, so
// that a journal can destroy nothing that the vault did not destroy before. They
// are personal data all the same, as keyed hashes are. A line is never changed
// or removed. Methods are called by several goroutines and processes at once.
// The suite is vaulttest.RunJournal.
type Journal interface {
	// Append adds lines at the end, in their order, and returns nil only when
	// they are durable and every later call of Lines yields them, in whatever
	// process. After an error some of them, or all, may have been added: the
	// vault looks, and adds again what is missing. The same line twice does no
	// harm. Lines have at most [MaxJournalLine] bytes.
	Append(ctx context.Context, lines [][]byte) error
	// Lines yields the lines from the given position on, each with its own, in
	// order. Positions are above 0 and grow; a line keeps its position for
	// ever, and none comes between two that were yielded, or before one: the vault
	// goes on from where it was, and would not see it. The sequence of a database
	// gives positions before they commit; who uses one appends under a lock. It
	// yields an error, once and last, if it cannot tell whether there is more. The
	// bytes of a line belong to the caller.
	Lines(ctx context.Context, from int64) iter.Seq2[JournalLine, error]
}

// JournalLine is a line of a [Journal] and where it stands.
type JournalLine struct {
	Position int64
	Line     []byte
}

// MaxJournalLine is the length of the longest line, in bytes.
const MaxJournalLine = 1 << 17

var (
	// ErrJournal says that the erasure journal cannot be read or written, was
	// damaged, or is another store's.
	ErrJournal = errors.New("vault: erasure journal is not usable")
	// ErrNoJournal says that the store is kept with an erasure journal, and the
	// vault was given none.
	ErrNoJournal = fmt.Errorf("%w: the store has one, and none was given", ErrJournal)
	// ErrJournalLost says that the journal does not hold what the store knows it
	// to have acknowledged: it was lost, cut off, replaced by an older copy, or
	// is that of another machine. See [UnsafeNewJournal].
	ErrJournalLost = fmt.Errorf("%w: what it acknowledged is not in it", ErrJournal)
	// ErrJournalAhead says that the journal tells of erasures that the store
	// does not know of: the store is an older copy, in which erased people may
	// live. Restore the newest backup of the key tables and call [Vault.Replay],
	// see [ForReplay] and docs/restore.md.
	ErrJournalAhead = errors.New("vault: store lags behind its erasure journal")
	// ErrJournalLate says that an erasure has been waiting for the journal for
	// longer than [WithJournalAge] allows.
	ErrJournalLate = errors.New("vault: an erasure waits too long for the journal")
)

// JournalAheadError is [ErrJournalAhead] with how much is missing.
type JournalAheadError struct {
	// Missing counts the erasures that the store does not know of.
	Missing int
}

func (e *JournalAheadError) Error() string {
	return fmt.Sprintf("%v: %d erasures are missing", ErrJournalAhead, e.Missing)
}

// Unwrap returns [ErrJournalAhead].
func (e *JournalAheadError) Unwrap() error { return ErrJournalAhead }

// journalFailed is an error of the host's journal; who gave up is told so and
// nothing else.
func journalFailed(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %s: %w", ErrJournal, verb, err)
}
