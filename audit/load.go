package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// load reads what the sequencer must know of the log, and believes none of it
// before it fits together: the tree to the head, the log to every checkpoint
// that is known, and the ends of the tenants to what the newest checkpoint says
// of them. ctx carries the transaction in which the process was elected, and taken
// are the rows that it has taken from the inbox. The log was found to lead on from
// what this process knew of it at the size led, 0 if it knew nothing. It
// costs a read of every tenant and of what was sequenced since the newest
// checkpoint.
func (t *Trail) load(ctx context.Context, head Head, taken []InboxRow, led uint64) (*ledger, error) {
	if err := t.checkHead(ctx, head); err != nil {
		return nil, err
	}
	l := newLedger(head.Log, t.signer)
	l.head = head
	src := t.tiles(ctx, head.Log)
	tail, err := t.tail(ctx, head.Log, head.Size)
	if err != nil {
		return nil, err
	}
	l.front, err = merkle.LoadFrontier(head.Size, head.Root, tail, src)
	if err != nil {
		return nil, t.storedOr(err, &DamageError{head.Log, "head", "size " + utoa(head.Size), "does not fit the tiles"})
	}
	if err := t.loadTenants(ctx, l); err != nil {
		return nil, err
	}
	cp, found, err := t.newest(ctx, head.Log)
	if err != nil {
		return nil, err
	}
	if found {
		if err := t.leadsTo(ctx, head, cp); err != nil {
			return nil, err
		}
	}
	if err := t.checkTenants(ctx, l, cp, taken); err != nil {
		return nil, err
	}
	return l, t.checkOutside(ctx, head, t.seq.known, led)
}

// loadPage is how many tenants or entries are read at a time.
const loadPage = 1000

func (t *Trail) loadTenants(ctx context.Context, l *ledger) error {
	heads, err := t.tenantHeads(ctx, l.head.Log)
	for _, h := range heads {
		l.setTenant(h.Tenant, h)
	}
	return err
}

// tenantHeads reads where all tenants end in a log.
func (t *Trail) tenantHeads(ctx context.Context, log int) (map[troth.Tenant]TenantHead, error) {
	heads := make(map[troth.Tenant]TenantHead)
	var after troth.Tenant
	for {
		page, err := t.store.TenantHeads(ctx, log, after, loadPage)
		if err != nil {
			return nil, fmt.Errorf("audit: load tenants: %w", err)
		}
		for _, h := range page {
			heads[h.Tenant] = h
			after = h.Tenant
		}
		if len(page) < loadPage {
			return heads, nil
		}
	}
}

// leadsTo returns an error unless the tree of the log has the checkpoint as one
// of its earlier states.
func (t *Trail) leadsTo(ctx context.Context, head Head, cp Checkpoint) error {
	back := &RolledBackError{Origin: head.Origin, Known: cp.Size, Have: head.Size}
	if cp.Size > head.Size {
		return back
	}
	if cp.Size < head.Pruned && cp.Size%tileWidth != 0 {
		return ErrPruned
	}
	proof, err := merkle.Consistency(cp.Size, head.Size, t.tiles(ctx, head.Log))
	if err != nil {
		return t.storedOr(err, &DamageError{head.Log, "tile", "those of size " + utoa(cp.Size), "are not there"})
	}
	if merkle.VerifyConsistency(cp.Size, head.Size, cp.Root, head.Root, proof) != nil {
		return back
	}
	return nil
}

// checkTenants takes back what was sequenced since the checkpoint and compares
// the tenant map with the one that was signed. Without a checkpoint the log is
// taken back to its beginning. Nothing is believed of an entry whose hash is not
// in the tree: the tiles alone do not tell what the rows say.
func (t *Trail) checkTenants(ctx context.Context, l *ledger, cp Checkpoint, taken []InboxRow) error {
	tree, err := t.rangeAt(ctx, l.head.Log, cp.Size)
	if err != nil {
		return err
	}
	then := maps.Clone(l.tenants)
	last, err := t.takeBack(ctx, l.head.Log, then, cp.Size, func(row LogRow) error {
		tree.Append(row.Hash)
		return t.explained(ctx, l.head, row, taken)
	})
	if err != nil {
		return err
	}
	if tree.Size() != l.head.Size || tree.Root() != l.head.Root {
		place := "from index " + utoa(cp.Size) + " on"
		return &DamageError{l.head.Log, "entry", place, "hashes are not those of the head"}
	}
	for tenant, h := range last {
		if l.tenants[tenant] != h {
			return &DamageError{l.head.Log, "tenant", string(tenant), "does not end where its entries do"}
		}
	}
	if cp.Size == 0 {
		cp.TenantRoot, cp.SaltCommitment = new(merkle.Map).Root(), saltCommitment(l.head.Salt)
	}
	if cp.SaltCommitment != saltCommitment(l.head.Salt) {
		return &DamageError{l.head.Log, "head", "salt", "is not the one that was signed"}
	}
	if mapOf(l.head.Salt, then).Root() != cp.TenantRoot {
		return endsDamaged(l.head.Log, cp.Size)
	}
	return nil
}

func endsDamaged(log int, size uint64) error {
	return &DamageError{log, "tenant", "at size " + utoa(size), "the ends of tenants are not those that were signed"}
}

// mapOf makes the tenant map.
func mapOf(salt [32]byte, heads map[troth.Tenant]TenantHead) *merkle.Map {
	m := new(merkle.Map)
	for _, h := range heads {
		if h.Number > 0 {
			m.Set(tenantKey(salt, h.Tenant), h.digest())
		}
	}
	return m
}

// takeBack changes heads to where the tenants ended when the log had that size;
// one that had no entry gets the number 0. It returns where those ended that it
// took back. heads may be older than the entries that are read, and be of
// different moments. visit, unless it is nil, sees every row.
func (t *Trail) takeBack(ctx context.Context, log int, heads map[troth.Tenant]TenantHead, size uint64, visit func(LogRow) error) (map[troth.Tenant]TenantHead, error) {
	last := make(map[troth.Tenant]TenantHead)
	for from := size; ; {
		page, err := t.store.LogRange(ctx, log, from, loadPage)
		if err != nil {
			return nil, fmt.Errorf("audit: load log: %w", err)
		}
		for _, row := range page {
			prev, err := t.previous(ctx, row, from)
			if err == nil && visit != nil {
				err = visit(row)
			}
			if err != nil {
				return nil, err
			}
			if _, seen := last[row.Tenant]; !seen && heads[row.Tenant].Index >= size {
				heads[row.Tenant] = TenantHead{Tenant: row.Tenant, Number: row.Number - 1, Hash: prev}
			}
			last[row.Tenant] = TenantHead{Tenant: row.Tenant, Number: row.Number, Index: row.Index, Hash: row.Hash}
			from++
		}
		if len(page) < loadPage {
			return last, nil
		}
	}
}

// previous returns the hash of the entry of the same tenant before the row, which
// must stand at the index. The leaf says so, and where that was redacted the row
// of that entry.
func (t *Trail) previous(ctx context.Context, row LogRow, index uint64) ([32]byte, error) {
	if row.Leaf != nil || row.RedactedBy.IsZero() || row.Index != index {
		leaf, err := checkRow(row, index)
		return leaf.Prev, err
	}
	if row.Number <= 1 {
		return [32]byte{}, nil
	}
	page := LogPage{Tenant: row.Tenant, Log: row.Log, Number: row.Number - 2, Limit: 1}
	rows, err := t.store.LogEntries(ctx, page)
	if err != nil {
		return [32]byte{}, fmt.Errorf("audit: read entry: %w", err)
	}
	if len(rows) == 0 || rows[0].Log != row.Log || rows[0].Number != row.Number-1 {
		return [32]byte{}, &DamageError{row.Log, "entry", "number " + utoa(row.Number-1) + " of its tenant", "is missing"}
	}
	return rows[0].Hash, nil
}

// checkRow holds a row of the log to its place, its hash and its leaf.
func checkRow(row LogRow, index uint64) (Leaf, error) {
	damage := func(reason string) error {
		return &DamageError{row.Log, "entry", "index " + utoa(index), reason}
	}
	if row.Index != index {
		return Leaf{}, damage("is missing")
	}
	if row.Leaf == nil {
		return Leaf{}, damage("has no leaf")
	}
	if HashLeaf(row.Leaf) != row.Hash {
		return Leaf{}, damage("hash does not match the leaf")
	}
	leaf, env, err := ParseLeaf(row.Leaf)
	if err != nil {
		return Leaf{}, damage("is not a leaf")
	}
	if leaf.Index != index || leaf.Number != row.Number || env.Tenant != row.Tenant || env.ID != row.ID ||
		env.RecordedAt.UnixMicro() != row.RecordedAt || env.Act != row.Act || env.Subject != row.Subject {
		return Leaf{}, damage("columns do not match the leaf")
	}
	return leaf, nil
}

// checkOutside compares the log with what is known outside of the store. Where nothing
// tells any more, because it was pruned since, what this process knew at the size led
// tells: that was compared when it was loaded.
func (t *Trail) checkOutside(ctx context.Context, head Head, known []Checkpoint, led uint64) error {
	for _, cp := range known {
		check := t.leadsTo
		if cp.Origin != head.Origin {
			check = t.knows
		}
		err := check(ctx, head, cp)
		if err != nil && (cp.Size > led || !errors.Is(err, ErrPruned)) {
			return err
		}
	}
	return nil
}

// outside asks every sink what it knows. It belongs outside of transactions: a
// sink may be slow.
func (t *Trail) outside(ctx context.Context) (known []Checkpoint, err error) {
	for _, s := range t.sinks {
		cp, found, err := t.latestOf(ctx, s)
		if err != nil {
			return nil, err
		}
		if found {
			known = append(known, cp)
		}
	}
	return known, nil
}

func (t *Trail) latestOf(ctx context.Context, s *guardedSink) (cp Checkpoint, found bool, err error) {
	note, err := s.latest(ctx)
	if err != nil {
		return cp, false, fmt.Errorf("audit: ask sink: %w", err)
	}
	if note == nil {
		return cp, false, nil
	}
	if cp, err = t.open(note); err != nil {
		return cp, false, fmt.Errorf("audit: checkpoint of sink: %w", err)
	}
	return cp, true, nil
}

// askSinks asks the sinks before this process moves or signs the log for the
// first time. As long as one of them does not answer, nothing is sequenced:
// going on with an older copy would fork the log.
func (t *Trail) askSinks(ctx context.Context) error {
	if t.seq.asked {
		return nil
	}
	known, err := t.outside(ctx)
	if err != nil {
		return err
	}
	t.seq.known, t.seq.asked = known, true
	return nil
}

// askSinksOf is askSinks where a log of that origin is to be opened. That a sink
// contradicts the log before it is why it is opened.
func (t *Trail) askSinksOf(ctx context.Context, origin string) error {
	if t.seq.asked {
		return nil
	}
	var known []Checkpoint
	for _, s := range t.sinks {
		cp, found, err := t.latestOf(ctx, s)
		if back, ok := errors.AsType[*RolledBackError](err); ok && back.Origin != origin {
			continue
		}
		if err != nil {
			return err
		}
		if found && cp.Origin == origin {
			known = append(known, cp)
		}
	}
	t.seq.known = known
	return nil
}
