package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// step is one move of the log, in preparation.
type step struct {
	ledger *ledger
	// head is the stored one from which the step moves.
	head  Head
	front *merkle.Frontier
	// moved are the tenants that end elsewhere than the ledger says.
	moved map[troth.Tenant]TenantHead
	rows  []LogRow
	at    time.Time
}

func (l *ledger) step(at time.Time) *step {
	return &step{
		ledger: l, head: l.head, front: l.front.Clone(), moved: make(map[troth.Tenant]TenantHead),
		at: time.UnixMicro(at.UnixMicro()).UTC(),
	}
}

// add puts an envelope at the end of the log.
func (s *step) add(env Envelope, raw []byte) {
	prev := s.end(env.Tenant)
	leaf := Leaf{
		Index: s.front.Size(), Number: prev.Number + 1, Prev: prev.Hash, SequencedAt: s.at, Envelope: raw,
	}
	row := LogRow{
		Log: s.head.Log, Index: leaf.Index, Tenant: env.Tenant, ID: env.ID, Number: leaf.Number,
		Leaf:       leaf.Append(make([]byte, 0, len(raw)+leafRoom)),
		RecordedAt: env.RecordedAt.UnixMicro(), Act: env.Act, Subject: env.Subject,
	}
	row.Hash = HashLeaf(row.Leaf)
	s.put(row)
	s.rows = append(s.rows, row)
}

// end is where the tenant's entries end.
func (s *step) end(tenant troth.Tenant) TenantHead {
	if h, ok := s.moved[tenant]; ok {
		return h
	}
	return s.ledger.tenants[tenant]
}

// put takes a row into account.
func (s *step) put(row LogRow) {
	s.front.Append(row.Hash)
	s.moved[row.Tenant] = row.end()
}

// end is where the row's tenant ends if the row is its last.
func (r LogRow) end() TenantHead {
	return TenantHead{Tenant: r.Tenant, Number: r.Number, Index: r.Index, Hash: r.Hash}
}

// leafRoom is about what a leaf takes over its envelope.
const leafRoom = 128

// addWaiting puts the rows of the inbox at the end of the log, if all of them are
// what the trail wrote.
func (t *Trail) addWaiting(ctx context.Context, s *step, waiting []InboxRow) error {
	var bad []TenantEntry
	for _, row := range waiting {
		env, err := t.fromInbox(ctx, row)
		if err != nil {
			if !isEntryError(err) {
				return err
			}
			bad = append(bad, TenantEntry{row.Tenant, row.ID})
			continue
		}
		s.add(env, row.Envelope)
	}
	if len(bad) > 0 {
		return &unfitError{bad}
	}
	return nil
}

// write stores the step. The caller's transaction ends if it fails.
func (t *Trail) write(ctx context.Context, s *step) error {
	head := s.head
	if err := t.store.AppendLog(ctx, s.rows); err != nil {
		return fmt.Errorf("audit: sequence: %w", err)
	}
	var tiles []Tile
	for _, tile := range s.front.Take() {
		tiles = append(tiles, Tile{Level: tile.Level, N: tile.N, Hashes: tile.Hashes})
	}
	if err := t.store.PutTiles(ctx, head.Log, tiles); err != nil {
		return fmt.Errorf("audit: write tiles: %w", err)
	}
	ends := make(map[troth.Tenant]TenantHead)
	for _, row := range s.rows {
		ends[row.Tenant] = row.end()
	}
	if err := t.store.PutTenantHeads(ctx, head.Log, slices.Collect(maps.Values(ends))); err != nil {
		return fmt.Errorf("audit: write tenants: %w", err)
	}
	to := head
	to.Size, to.Root = s.front.Size(), s.front.Root()
	moved, err := t.moveHead(ctx, head, to)
	if err == nil && !moved {
		err = errSuperseded
	}
	return err
}

// unfitError names rows of the inbox that must not become evidence.
type unfitError struct{ rows []TenantEntry }

func (e *unfitError) Error() string { return "audit: rows of the inbox are not evidence" }

// fromInbox reads a row of the inbox and holds it to its place and its tag.
func (t *Trail) fromInbox(ctx context.Context, row InboxRow) (Envelope, error) {
	env, err := ParseEnvelope(row.Envelope)
	if err == nil && (env.ID != row.ID || env.Tenant != row.Tenant || env.RecordedAt.UnixMicro() != row.RecordedAt || !env.timed()) {
		err = ErrEnvelope
	}
	if err != nil {
		return Envelope{}, &EntryError{ID: row.ID, Err: err}
	}
	here, err := t.recordedHere(ctx, row)
	if err != nil {
		return Envelope{}, err
	}
	if !here {
		return Envelope{}, &EntryError{ID: row.ID, Err: ErrEnvelope}
	}
	return env, nil
}
