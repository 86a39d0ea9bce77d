package vault

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"

	"github.com/trothdev/troth"
)

// readLine is a line of the journal that was believed.
type readLine struct {
	erasure
	position int64
	raw      []byte
}

func (l *readLine) digest() [32]byte { return sha256.Sum256(l.raw) }

// readJournal yields the lines from a position on, each of them checked: that
// positions grow, that the vault wrote the line, and that the line up to which
// the store has followed is where the store says. If that is not so the last
// thing that it yields is ErrJournalLost.
func (v *Vault) readJournal(ctx context.Context, from int64, known JournalState) iter.Seq2[readLine, error] {
	return func(yield func(readLine, error) bool) {
		key, err := v.journalKey(ctx, linesKey)
		if err != nil {
			yield(readLine{}, err)
			return
		}
		found := known.Position == 0
		var last int64
		for l, err := range v.journal.Lines(ctx, from) {
			if err != nil {
				yield(readLine{}, journalFailed(ctx, "read", err))
				return
			}
			if l.Position <= last || l.Position < from {
				yield(readLine{}, fmt.Errorf("%w: its positions do not grow", ErrJournal))
				return
			}
			last = l.Position
			if !found && l.Position >= known.Position {
				if found = l.Position == known.Position && sha256.Sum256(l.Line) == known.Digest; !found {
					break
				}
			}
			e, err := parseErasure(key, l.Line)
			if err != nil {
				yield(readLine{}, err)
				return
			}
			if !yield(readLine{e, l.Position, l.Line}, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(readLine{}, err)
			return
		}
		if !found {
			yield(readLine{}, ErrJournalLost)
		}
	}
}

// behindHead yields batches of the lines behind the one up to which the store
// has followed.
func (v *Vault) behindHead(ctx context.Context, s JournalState, size int) iter.Seq2[[]readLine, error] {
	return func(yield func([]readLine, error) bool) {
		var batch []readLine
		for l, err := range v.readJournal(ctx, s.Position, s) {
			if err != nil {
				yield(nil, err)
				return
			}
			if l.position <= s.Position {
				continue
			}
			if batch = append(batch, l); len(batch) == size {
				if !yield(batch, nil) {
					return
				}
				batch = nil
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// missing returns the lines whose entries the store does not hold, each entry
// once.
func (v *Vault) missing(ctx context.Context, batch []readLine) ([]readLine, error) {
	known := make(map[troth.EntryID]bool, len(batch))
	for some := range slices.Chunk(batch, followLines) {
		held, err := v.store.HeldLines(ctx, entriesOf(some))
		if err != nil {
			return nil, fmt.Errorf("vault: look for lines: %w", err)
		}
		for _, id := range held {
			known[id] = true
		}
	}
	var missing []readLine
	for _, l := range batch {
		if !known[l.entry] {
			known[l.entry] = true // a line may stand there twice
			missing = append(missing, l)
		}
	}
	return missing, nil
}

func entriesOf(batch []readLine) []troth.EntryID {
	entries := make([]troth.EntryID, len(batch))
	for i := range batch {
		entries[i] = batch[i].entry
	}
	return entries
}

// journalState reads what the store knows of the journal.
func (v *Vault) journalState(ctx context.Context) (JournalState, error) {
	state, err := v.store.JournalState(ctx)
	if err != nil {
		return state, fmt.Errorf("vault: read journal state: %w", err)
	}
	return state, nil
}
