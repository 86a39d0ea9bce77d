package audit

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// reasons matches what is gone with the entries that tell why.
type reasons struct {
	v    *verification
	open []missing
	// lost counts, by log, what is gone for a reason that is gone as well.
	lost map[int]int
}

// missing is one thing that was destroyed.
type missing struct {
	// log and index are where it stood: the reason came later.
	log   int
	index uint64
	by    TenantEntry
	// told reports whether the entry tells of it, and damage is what it is if
	// none does.
	told   func(env Envelope) bool
	damage *DamageError
}

// reasonsAtOnce bounds the memory that reasons take until they are looked for.
const reasonsAtOnce = 1024

func (r *reasons) need(ctx context.Context, m missing) error {
	r.open = append(r.open, m)
	if len(r.open) < reasonsAtOnce {
		return nil
	}
	return r.settle(ctx)
}

// settle looks for every reason, in the log or still in the inbox.
func (r *reasons) settle(ctx context.Context) error {
	found := make(map[TenantEntry]*located)
	for _, m := range r.open {
		at, known := found[m.by]
		if !known {
			var err error
			if at, err = r.find(ctx, m.by); err != nil {
				return err
			}
			found[m.by] = at
		}
		if at == nil && r.pruned(m.log) {
			continue
		}
		if at == nil || !at.after(m.log, m.index) || at.env.Outcome != troth.Done || !m.told(at.env) {
			return m.damage
		}
	}
	r.open = r.open[:0]
	return nil
}

// pruned reports whether the reason for what is gone from a log may have been
// pruned itself, and counts it then: a log that was closed before tells it in a
// later one, of which the beginning may be gone.
func (r *reasons) pruned(log int) bool {
	if !prunedBehind(r.v.heads, log) {
		return false
	}
	if r.lost == nil {
		r.lost = make(map[int]int)
	}
	r.lost[log]++
	return true
}

// find returns an entry that can be believed, nil if there is none.
func (r *reasons) find(ctx context.Context, by TenantEntry) (*located, error) {
	at, err := r.v.trail.locate(ctx, by.Tenant, by.ID)
	switch {
	case errors.Is(err, ErrNoEntry) || isEntryError(err):
		return nil, nil //nolint:nilnil // none is no error
	case err != nil:
		return nil, err
	case at.row == nil:
		return &at, nil
	}
	in, err := r.inLog(ctx, at.row)
	if err != nil || !in {
		return nil, err
	}
	return &at, nil
}

// inLog reports whether the row's hash is in the tree of its log: not every row
// that tells a reason is one that is walked.
func (r *reasons) inLog(ctx context.Context, row *LogRow) (bool, error) {
	heads, err := r.v.trail.heads(ctx)
	if err != nil {
		return false, err
	}
	if row.Log < 1 || row.Log > len(heads) || heads[row.Log-1].Size <= row.Index {
		return false, nil
	}
	return r.v.trail.includes(ctx, heads[row.Log-1], row)
}

// includes reports whether the tree of the log has the row's hash at its place.
func (t *Trail) includes(ctx context.Context, head Head, row *LogRow) (bool, error) {
	proof, err := merkle.Inclusion(row.Index, head.Size, t.tiles(ctx, head.Log))
	if err != nil {
		_, stored := errors.AsType[*storeError](err)
		if stored {
			return false, err
		}
		return false, nil
	}
	return merkle.VerifyInclusion(row.Index, head.Size, row.Hash, head.Root, proof) == nil, nil
}

// after reports whether the entry came later than that place: it waits, or
// stands behind it.
func (at *located) after(log int, index uint64) bool {
	return at.row == nil || at.row.Log > log || at.row.Log == log && at.row.Index >= index
}

// redactionOf tells the entry of a row's redaction.
func redactionOf(row *LogRow) func(env Envelope) bool {
	id, hash, index, number, log := row.ID, row.Hash, row.Index, row.Number, row.Log
	return func(env Envelope) bool {
		return env.Act == actRedact.Name && env.says("entry", troth.ID(id.String())) &&
			env.says("hash", troth.Digest(hash)) && env.says("index", troth.Count(index)) &&
			env.says("number", troth.Count(number)) && env.says("log", troth.Count(log))
	}
}

// says reports whether the envelope has the fact.
func (e Envelope) says(name string, want troth.Fact) bool {
	f := e.fact(name)
	return f.Kind() == want.Kind() && f.Text() == want.Text() && f.Number() == want.Number()
}

// prunedFor asks for the reason why the beginning of the log is gone, and holds
// the log to the checkpoint that was kept for it.
func (w *walk) prunedFor(ctx context.Context) error {
	damage := &DamageError{w.head.Log, "head", "log " + itoa(w.head.Log), "is pruned without a reason on the trail"}
	at, err := w.v.reasons.find(ctx, TenantEntry{troth.Platform, w.head.PrunedBy})
	if err != nil {
		return err
	}
	if at == nil && w.v.reasons.pruned(w.head.Log) {
		return nil
	}
	if at == nil || at.env.Act != actPrune.Name || at.env.Outcome != troth.Done || !at.after(w.head.Log, w.head.Pruned) ||
		!at.env.says("log", troth.Count(w.head.Log)) || !at.env.says("before", troth.Count(w.head.Pruned)) {
		return damage
	}
	size, root := at.env.fact("size").Number(), at.env.fact("root").Text()
	if size < int64(w.head.Pruned) || len(root) != hashSize {
		return damage
	}
	return w.trail.leadsTo(ctx, w.head, Checkpoint{Origin: w.head.Origin, Size: uint64(size), Root: [32]byte([]byte(root))})
}
